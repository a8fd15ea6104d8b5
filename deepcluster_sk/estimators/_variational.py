"""VariationalClusterer, a Gaussian-mixture variational autoencoder."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_scalar

from deepcluster_sk.estimators._base import BaseDeepClusterer, Run
from deepcluster_sk.images import PixelScaler, RowLayout
from deepcluster_sk.networks.variational import MixtureVAE
from deepcluster_sk.training.anchor import Anchor
from deepcluster_sk.training.batches import RowDataset, SampleReader
from deepcluster_sk.training.dec import View
from deepcluster_sk.training.inference import evaluating, stream
from deepcluster_sk.training.objectives import Objective, SelfTraining
from deepcluster_sk.training.schedule import epochs_for
from deepcluster_sk.training.variational import (
    VariationalClustering,
    VariationalPretraining,
)


class VariationalClusterer(BaseDeepClusterer):
    """TODO."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDeepClusterer._parameter_constraints,
        "likelihood": [StrOptions({"auto", "bernoulli", "gaussian"})],
        "relaxation": [StrOptions({"marginal", "gumbel"})],
        "warmup": [Interval(Real, 0, 1, closed="both")],
        "anchor_weight": [
            Interval(Real, 0, None, closed="left"),
            StrOptions({"auto"}),
        ],
    }
    _joint_parameters: ClassVar[frozenset[str]] = (
        BaseDeepClusterer._joint_parameters | {"warmup", "anchor_weight"}
    )

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        likelihood: str = "auto",
        relaxation: str = "marginal",
        warmup: float = 0.3,
        anchor_weight: float | str = "auto",
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
        pretrain_epochs: int | str = 0,
        max_epochs: int | str = "auto",
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
        self.likelihood = likelihood
        self.relaxation = relaxation
        self.warmup = warmup
        self.anchor_weight = anchor_weight
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

    def sample(
        self, n_samples: int = 1, cluster: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Draw new samples from the model.

        Parameters
        ----------
        n_samples : int, default=1
        cluster : int, default=None
            Cluster to draw from; None draws it as well, evenly.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), float32
            Means of p(x|z), as flat rows in the units of the data fitted on; the same
            on every call where `random_state` is an int.
        labels : ndarray of shape (n_samples,)
            Cluster each was drawn from.

        Raises
        ------
        ValueError, TypeError
            If there is no such cluster, or nothing is to be drawn.
        """
        check_is_fitted(self)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        random_state = check_random_state(self.random_state)
        module = self.net_.module_
        n_clusters = module.n_clusters
        if cluster is None:
            labels = random_state.randint(n_clusters, size=n_samples)
        else:
            check_scalar(
                cluster, "cluster", Integral, min_val=0, max_val=n_clusters - 1
            )
            labels = np.full(n_samples, int(cluster))
        with torch.no_grad():
            mean, log_variance = (part.cpu().numpy() for part in module.prior())
        noise = random_state.standard_normal((n_samples, module.latent_dim))
        latent = mean[labels] + noise * np.exp(0.5 * log_variance[labels])
        return self.inverse_transform(latent.astype(np.float32)), labels

    def score_samples(self, X: ArrayLike) -> NDArray[np.float32]:
        """Evidence lower bound of each sample, with z at its posterior mean.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`.

        Returns
        -------
        bound : ndarray of shape (n_samples,), float32
            In nats, of the scaled features; low for samples unlike those fitted on.
        """
        rows, layout = self._rows(X)
        self._embed(rows, layout)  # refuses what is too large
        net = self.net_
        reader = SampleReader(layout, net.reader.scaler)
        with evaluating(net.module_):
            parts = [
                bound[:n_rows].cpu()
                for bound, n_rows in stream(
                    net.module_.elbo, RowDataset(rows), reader, net.torch_device
                )
            ]
        return torch.cat(parts).numpy()

    def _module(self, run: Run) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        return MixtureVAE, {
            "architecture": self.architecture,
            "sample_shape": run.layout.shape,
            "n_clusters": self.n_clusters,
            "latent_dim": run.latent_dim,
            "likelihood": self._likelihood(run.layout),
            "relaxation": self.relaxation,
            "channels": self.channels,
            "contrast": run.contrast,
        }

    def _likelihood(self, layout: RowLayout) -> str:
        if self.likelihood == "auto":
            grey = layout.is_image and layout.n_channels == 1
            return "bernoulli" if grey else "gaussian"
        return self.likelihood

    def _scaler(self, rows: NDArray[Any], layout: RowLayout) -> PixelScaler:
        if self._likelihood(layout) == "bernoulli":
            return PixelScaler.to_range(rows, layout, 0.0, 1.0)
        return super()._scaler(rows, layout)

    def _pretraining(self, run: Run) -> Objective:
        return VariationalPretraining()

    def _clustering(self, run: Run, anchor: Anchor) -> SelfTraining:
        weight = self.anchor_weight
        if weight == "auto":
            # The reconstruction grows with the number of features, and so must this.
            weight = 0.5 * run.layout.n_features
        return VariationalClustering(
            View(run.views.augmentation, run.views.generator),
            self.warmup,
            float(weight),
            tol=self.tol,
            anchor=anchor,
        )

    def _epochs(self, run: Run) -> tuple[int, int]:
        pretrain, cluster = self.pretrain_epochs, self.max_epochs
        if pretrain == "auto":
            pretrain = 0
        if cluster == "auto":
            cluster = epochs_for(run.n_samples, run.batch_size, 900, 4, 60)
        return int(pretrain), int(cluster)
