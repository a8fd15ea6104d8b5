"""DepictClusterer, the method of arXiv:1704.06327."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.estimators._base import BaseDeepClusterer, Run
from deepcluster_sk.images import PixelScaler, RowLayout
from deepcluster_sk.losses.clustering import target_distribution
from deepcluster_sk.losses.depict import depict_target, exact_depict_target
from deepcluster_sk.networks.depict import DepictNetwork
from deepcluster_sk.training.anchor import Anchor
from deepcluster_sk.training.depict import DepictClustering, DepictPretraining
from deepcluster_sk.training.objectives import Objective, SelfTraining
from deepcluster_sk.training.schedule import epochs_for

_TARGETS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "paper": depict_target,
    "exact": exact_depict_target,
    "dec": target_distribution,
}


class DepictClusterer(BaseDeepClusterer):
    """TODO."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDeepClusterer._parameter_constraints,
        # The layers are rebuilt one by one: a network of one's own has no such layers.
        "architecture": [StrOptions({"auto", "shallow", "deep", "mlp"})],
        "target": [StrOptions(set(_TARGETS))],
        "clustering_weight": [Interval(Real, 0, None, closed="left")],
        "reconstruction_weight": [Interval(Real, 0, None, closed="left")],
        "hidden_weight": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "update_interval": [Interval(Integral, 1, None, closed="left"), None],
    }
    _joint_parameters: ClassVar[frozenset[str]] = (
        BaseDeepClusterer._joint_parameters
        | {"target", "clustering_weight", "reconstruction_weight", "update_interval"}
    )

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        target: str = "paper",
        clustering_weight: float = 1.0,
        reconstruction_weight: float = 1.0,
        hidden_weight: float = 0.1,
        dropout: float = 0.1,
        latent_dim: int | str = "auto",
        architecture: Any = "auto",
        channels: Any = None,
        image_shape: Any = None,
        channel_axis: int | None = None,
        contrast: str = "auto",
        augmentation: Any = "auto",
        init: Any = "consensus",
        anchoring: float = 0.5,
        n_restarts: int = 2,
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
        self.target = target
        self.clustering_weight = clustering_weight
        self.reconstruction_weight = reconstruction_weight
        self.hidden_weight = hidden_weight
        self.dropout = dropout
        self.latent_dim = latent_dim
        self.architecture = architecture
        self.channels = channels
        self.image_shape = image_shape
        self.channel_axis = channel_axis
        self.contrast = contrast
        self.augmentation = augmentation
        self.init = init
        self.anchoring = anchoring
        self.n_restarts = n_restarts
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
        return DepictNetwork, {
            "architecture": self.architecture,
            "sample_shape": run.layout.shape,
            "n_clusters": self.n_clusters,
            "latent_dim": run.latent_dim,
            "channels": self.channels,
            "dropout": self.dropout,
            "contrast": run.contrast,
        }

    def _scaler(self, rows: NDArray[Any], layout: RowLayout) -> PixelScaler:
        if layout.is_image:
            # What the decoder's tanh can reach.
            return PixelScaler.to_range(rows, layout, -1.0, 1.0)
        return super()._scaler(rows, layout)

    def _pretraining(self, run: Run) -> Objective:
        return DepictPretraining(self.hidden_weight)

    def _clustering(self, run: Run, anchor: Anchor) -> SelfTraining:
        weights = {
            "clustering": self.clustering_weight,
            "reconstruction": self.reconstruction_weight,
        }
        return DepictClustering(
            weights,
            self.hidden_weight,
            tol=self.tol,
            update_interval=self.update_interval,
            target=_TARGETS[self.target],
            anchor=anchor,
        )

    def _epochs(self, run: Run) -> tuple[int, int]:
        pretrain, cluster = self.pretrain_epochs, self.max_epochs
        if pretrain == "auto":
            pretrain = epochs_for(run.n_samples, run.batch_size, 100, 1, 60)
        if cluster == "auto":
            cluster = epochs_for(run.n_samples, run.batch_size, 1500, 4, 60)
        return int(pretrain), int(cluster)
