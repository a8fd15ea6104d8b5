"""DeepTripletClusterer, the method of arXiv:1901.06474."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.estimators._base import BaseDeepClusterer, Run
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from deepcluster_sk.training.anchor import Anchor
from deepcluster_sk.training.objectives import Objective, SelfTraining
from deepcluster_sk.training.schedule import epochs_for
from deepcluster_sk.training.triplet import (
    TripletClustering,
    TripletPretraining,
    Triplets,
)


class DeepTripletClusterer(BaseDeepClusterer):
    """TODO."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDeepClusterer._parameter_constraints,
        **{
            name: [Interval(Real, 0, None, closed="left")]
            for name in (
                "alpha",
                "beta",
                "gamma",
                "omega",
                "margin",
                "pretrain_omega",
                "pretrain_margin",
            )
        },
        "radius": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"auto"}),
            None,
        ],
        "kernel_power": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"auto"}),
        ],
        "n_views": [Interval(Integral, 0, None, closed="left")],
        "pull_views": ["boolean"],
        "negatives": [StrOptions({"batch", "bulk", "literal"})],
        "n_augmentations": [Interval(Integral, 1, None, closed="left")],
        "update_interval": [Interval(Integral, 1, None, closed="left"), None],
    }

    _joint_parameters = BaseDeepClusterer._joint_parameters | {
        "alpha",
        "beta",
        "gamma",
        "omega",
        "margin",
        "pull_views",
        "update_interval",
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        alpha: float = 1.0,
        beta: float = 3.0,
        gamma: float = 0.01,
        omega: float = 0.1,
        margin: float = 0.24,
        latent_dim: int | str = "auto",
        radius: float | str | None = "auto",
        kernel_power: float | str = "auto",
        architecture: Any = "auto",
        channels: Any = None,
        image_shape: Any = None,
        channel_axis: int | None = None,
        contrast: str = "auto",
        augmentation: Any = "auto",
        n_views: int = 2,
        pull_views: bool = True,
        negatives: str = "batch",
        n_augmentations: int = 10,
        init: Any = "consensus",
        anchoring: float = 1.0,
        n_restarts: int = 2,
        pretrain_omega: float = 0.3,
        pretrain_margin: float = 0.24,
        pretrain_epochs: int | str = "auto",
        max_epochs: int | str = "auto",
        update_interval: int | None = None,
        tol: float = 1e-3,
        batch_size: int | str = "auto",
        lr: float = 1e-3,
        lr_schedule: str | None = "cosine",
        precision: str = "auto",
        device: Any = "auto",
        callbacks: list[Any] | None = None,
        memory: Any = None,
        random_state: Any = None,
        verbose: int = 0,
        **net_params: Any,
    ) -> None:
        self.n_clusters = n_clusters
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.omega = omega
        self.margin = margin
        self.latent_dim = latent_dim
        self.radius = radius
        self.kernel_power = kernel_power
        self.architecture = architecture
        self.channels = channels
        self.image_shape = image_shape
        self.channel_axis = channel_axis
        self.contrast = contrast
        self.augmentation = augmentation
        self.n_views = n_views
        self.pull_views = pull_views
        self.negatives = negatives
        self.n_augmentations = n_augmentations
        self.init = init
        self.anchoring = anchoring
        self.n_restarts = n_restarts
        self.pretrain_omega = pretrain_omega
        self.pretrain_margin = pretrain_margin
        self.pretrain_epochs = pretrain_epochs
        self.max_epochs = max_epochs
        self.update_interval = update_interval
        self.tol = tol
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.precision = precision
        self.device = device
        self.callbacks = callbacks
        self.memory = memory
        self.random_state = random_state
        self.verbose = verbose
        self._store_net_params(net_params)

    def _module(self, run: Run) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        radius = self.radius
        if radius == "auto":
            # The largest q that K centres allow shrinks as K grows, unless R does too.
            radius = max(3.0, float(np.sqrt(self.n_clusters)))
        power = self.kernel_power
        if power == "auto":
            power = max(1.0, float(np.log10(self.n_clusters)))
        return ClusteringAutoencoder, {
            "architecture": self.architecture,
            "sample_shape": run.layout.shape,
            "n_clusters": self.n_clusters,
            "latent_dim": run.latent_dim,
            "radius": radius,
            "channels": self.channels,
            "kernel_power": power,
            "contrast": run.contrast,
        }

    def _pretraining(self, run: Run) -> Objective:
        return TripletPretraining(
            self._triplets(run), self.pretrain_omega, self.pretrain_margin
        )

    def _clustering(self, run: Run, anchor: Anchor) -> SelfTraining:
        weights = {
            "reconstruction": self.alpha,
            "clustering": self.beta,
            "balance": self.gamma,
            "separation": self.omega,
        }
        return TripletClustering(
            self._triplets(run),
            weights,
            self.margin,
            self.pull_views,
            tol=self.tol,
            update_interval=self.update_interval,
            anchor=anchor,
        )

    def _epochs(self, run: Run) -> tuple[int, int]:
        pretrain, cluster = self.pretrain_epochs, self.max_epochs
        if pretrain == "auto":
            pretrain = epochs_for(run.n_samples, run.batch_size, 100, 1, 60)
        if cluster == "auto":
            cluster = epochs_for(run.n_samples, run.batch_size, 450, 4, 60)
        return int(pretrain), int(cluster)

    def _triplets(self, run: Run) -> Triplets:
        return Triplets(
            run.views.augmentation,
            run.views.generator,
            self.negatives,  # type: ignore[arg-type]
            self.n_views,
            self.n_augmentations,
        )
