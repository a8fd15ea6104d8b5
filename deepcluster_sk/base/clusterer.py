"""The template every clusterer of this package fills: one fit, one predict."""

import warnings
from abc import ABC, abstractmethod
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
)

from deepcluster_sk.augmentation.presets import (
    AugmentationLike,
    kind_of,
    make_augmentation,
)
from deepcluster_sk.base.context import Run
from deepcluster_sk.base.fitted import FittedMixin
from deepcluster_sk.base.net_params import NetParamsMixin
from deepcluster_sk.base.start import StartMixin
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.data.resizing import MAX_PIXELS, MIN_SIDE, shrunk, small_shape
from deepcluster_sk.graph.consensus import Partition
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.networks.contrast import CONTRASTS
from deepcluster_sk.runtime.caching import data_key, reused
from deepcluster_sk.runtime.device import keeps_data, resolve_device, resolve_precision
from deepcluster_sk.runtime.malloc import keeping_freed_memory
from deepcluster_sk.runtime.seeding import generator, seeded
from deepcluster_sk.training.callbacks import check_callbacks
from deepcluster_sk.training.centers import checked_centers
from deepcluster_sk.training.net import ClusteringNet, Snapshot
from deepcluster_sk.training.objectives import Objective, SelfTraining
from deepcluster_sk.training.pseudo_labels import Anchor

_MAX_SEED = np.iinfo(np.int32).max


class BaseDeepClusterer(
    NetParamsMixin,
    StartMixin,
    FittedMixin,
    ClusterMixin,
    BaseEstimator,
    ABC,
):
    """Base of the deep clusterers.

    ``fit`` validates, seeds, builds the net, pretrains it, finds a start for the
    clusters, trains net and clusters together, and labels the data. A method fills in
    how its network is built (:meth:`_module`), and what the two phases minimise
    (:meth:`_pretraining`, :meth:`_clustering`).
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "latent_dim": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "architecture": [
            StrOptions({"auto", "shallow", "deep", "mlp"}),
            callable,
            torch.nn.Module,
        ],
        "channels": ["array-like", None],
        "image_shape": ["array-like", None],
        "channel_axis": [Options(Integral, {1, -1}), None],
        "max_pixels": [
            Interval(Integral, MIN_SIDE**2, None, closed="left"),
            StrOptions({"auto"}),
            None,
        ],
        "augmentation": [str, dict, callable, torch.nn.Module, None],
        "contrast": [StrOptions({"auto", *CONTRASTS})],
        "init": [
            StrOptions({"consensus", "spectral", "kmeans", "random"}),
            "array-like",
            callable,
        ],
        "anchoring": [Interval(Real, 0, 1, closed="both")],
        "n_restarts": [Interval(Integral, 0, None, closed="left")],
        "pretrain_epochs": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "max_epochs": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "batch_size": [
            Interval(Integral, 2, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions({"cosine"}), None],
        "tol": [Interval(Real, 0, 1, closed="both")],
        "precision": [StrOptions({"auto", "float32", "bf16"})],
        "device": [str, torch.device],
        "data_on_device": ["boolean", StrOptions({"auto"})],
        "callbacks": [list, None],
        "memory": [str, HasMethods(["cache"]), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    #: Parameters that nothing reads before net and clusters are trained together.
    _joint_parameters: ClassVar[frozenset[str]] = frozenset(
        {"anchoring", "n_restarts", "max_epochs", "tol"}
    )
    memory: Any = None

    # The holes -------------------------------------------------------------------

    @abstractmethod
    def _module(self, run: Run) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        """Network class and its arguments."""

    @abstractmethod
    def _pretraining(self, run: Run) -> Objective:
        """Say what pretraining minimises."""

    @abstractmethod
    def _clustering(self, run: Run, anchor: Anchor) -> SelfTraining:
        """Say what net and clusters minimise together."""

    @abstractmethod
    def _epochs(self, run: Run) -> tuple[int, int]:
        """Epochs of pretraining, and at most of joint training."""

    def _lr_peak(self, run: Run) -> float:
        """Multiple of `lr` that the learning rate rises to in each phase."""
        return 1.0

    def _looks_again(self, run: Run) -> bool:
        """Whether to look for neighbours in the pretrained latent as well."""
        return False

    def _scaler(self, rows: NDArray[Any], layout: RowLayout) -> PixelScaler:
        """Scaling of the input."""
        return PixelScaler.standardize(rows, layout)

    # The template ----------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the clusters of images or feature vectors.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
            Grey or colour images of any integer or floating type, or feature vectors;
            flat rows are images where ``image_shape`` says so. Scaled inside.
        y : Ignored
            Never looked at.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or `X` cannot be used, before any training. What was fitted
            before stays as it was.
        """
        before = vars(self).copy()
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                self._fit(X)
        except BaseException:
            self.__dict__ = before
            raise
        return self

    def _fit(self, X: ArrayLike) -> None:
        optimizer = torch.optim.Adam
        self._check_net_params(optimizer)
        check_callbacks(self.callbacks)
        device = resolve_device(self.device)
        rows, given = self._first_rows(X)
        if len(rows) < self.n_clusters:
            raise ValueError(
                f"n_samples={len(rows)} should be >= n_clusters={self.n_clusters}."
            )
        self._contrasts(given)
        random_state = check_random_state(self.random_state)
        seed = int(random_state.randint(_MAX_SEED))
        rows, layout = shrunk(
            rows, given, small_shape(given.shape, self._most_pixels())
        )
        reader = self._reader(rows, layout)
        keep = keeps_data(self.data_on_device, device, rows.nbytes)
        dataset = RowDataset(rows, device if keep else None)
        run = Run(
            layout=layout,
            n_samples=len(rows),
            batch_size=self._batch_size(len(rows)),
            device=device,
            precision=resolve_precision(self.precision, device),
            views=Views(
                dataset, reader, self._augmentation(layout), generator(seed, device)
            ),
            random_state=np.random.RandomState(seed),
        )
        if not (isinstance(self.init, str) or callable(self.init)):
            checked_centers(self.init, self.n_clusters, self._latent_dim(run))
        with seeded(seed, device), keeping_freed_memory():
            net = self._train(run, optimizer)
        self._n_features_out = self._latent_dim(run)
        self.net_ = net
        self.device_ = str(device)
        self._layout = given
        self._small_shape = layout.shape
        self.image_shape_ = given.shape if given.is_image else None
        self.contrast_ = run.contrast
        self.history_ = [
            {name: value for name, value in row.items() if name != "batches"}
            for row in net.history.to_list()
        ]
        self.n_iter_ = sum(row["phase"] == "cluster" for row in self.history_)
        self.cluster_centers_ = _to_numpy(net.module_.cluster_centers)
        self.labels_ = self._assign(rows, layout).argmax(axis=1)
        self._warn_of_empty_clusters()

    def _reader(self, rows: NDArray[Any], layout: RowLayout) -> SampleReader:
        scaler = self._scaler(rows, layout)
        if scaler.is_constant:
            warnings.warn(
                "X is constant: all samples are equal, so all fall into one cluster.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return SampleReader(layout, scaler)

    def _train(self, run: Run, optimizer: Any) -> ClusteringNet:
        data = {} if self.memory is None else self._data_key(run)
        first = self._find_partition(run, data)
        net = self._build_net(run, optimizer)
        pretrain_epochs, max_epochs = self._epochs(run)
        dataset = run.views.dataset
        if pretrain_epochs:
            first = self._pretrain(run, data, net, pretrain_epochs, first)
        latent = _to_numpy(net.embed(dataset).latent)
        labels, centers = self._start(run, first, latent)
        net.module_.set_centers(torch.as_tensor(centers))
        self.initial_labels_ = labels
        if not max_epochs:
            return net
        anchor = Anchor(
            labels,
            self.n_clusters,
            duration=self.anchoring,
            graph=None if first is None else first.graph,
            restart=partial(self._labels_again, run),
            n_restarts=self.n_restarts,
        )
        objective = self._clustering(run, anchor)
        net.run_phase(objective, dataset, max_epochs)
        if not objective.settled:
            warnings.warn(
                f"The labels had not settled after max_epochs={max_epochs}: "
                f"{objective.label_change:.2%} of them still changed in the last epoch "
                f"(tol={self.tol:.2%}). Increase max_epochs, or tol.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return net

    def _data_key(self, run: Run) -> dict[str, Any]:
        """Describe the data as every stage sees them, for the key of a cache."""
        return {
            "rows": data_key(run.views.dataset.rows),
            "reader": run.views.reader,
            "augmentation": self.augmentation,
            "device": str(run.device),
        }

    def _pretrain(
        self,
        run: Run,
        data: dict[str, Any],
        net: ClusteringNet,
        epochs: int,
        first: Partition | None,
    ) -> Partition | None:
        """Train the net before there are clusters, and look at the partition again."""

        def train() -> tuple[Snapshot, Partition | None]:
            net.run_phase(self._pretraining(run), run.views.dataset, epochs)
            trained = Snapshot.of(net)
            if first is None or not self._looks_again(run):
                return trained, first
            return trained, self._second_partition(run, net, first)

        unread = {
            *("memory", "random_state", "verbose", "data_on_device"),
            *self._joint_parameters,
        }
        key = {
            **data,
            **{k: v for k, v in self.get_params().items() if k not in unread},
            "device": str(run.device),
            "precision": str(run.precision),
            "contrast": run.contrast,
            "epochs": epochs,
            "estimator": f"{type(self).__module__}.{type(self).__qualname__}",
        }
        # Callbacks are to see every epoch, and may change what comes of it.
        memory = None if self.callbacks else self.memory
        trained, partition = reused(memory, "pretraining", key, run.streams, train)
        trained.restore(net)
        return partition

    def _build_net(self, run: Run, optimizer: Any) -> ClusteringNet:
        module, arguments = self._module(run)
        net = ClusteringNet(
            module,
            **{f"module__{name}": value for name, value in arguments.items()},
            reader=run.views.reader,
            precision=run.precision,
            generator=run.views.generator,
            optimizer=optimizer,
            **{"lr": self.lr, **self._fused(run.device), **self._net_params},
            batch_size=run.batch_size,
            device=run.device,
            callbacks=list(self.callbacks or []),
            callbacks__lr_decay__enabled=self.lr_schedule == "cosine",
            callbacks__lr_decay__peak=self._lr_peak(run),
            verbose=int(self.verbose),
        )
        return net.initialize()

    def _fused(self, device: torch.device) -> dict[str, bool]:
        """Step all parameters in one kernel, unless the user wants it otherwise."""
        others = {"optimizer__foreach", "optimizer__differentiable"}
        return {
            "optimizer__fused": device.type != "mps"
            and not others & set(self._net_params)
        }

    def _latent_dim(self, run: Run) -> int:
        """Latent dimensions: enough to keep the clusters apart."""
        if self.latent_dim == "auto":
            return min(64, max(10, self.n_clusters))
        return int(self.latent_dim)

    def _most_pixels(self) -> int | None:
        """Pixels of an image that are not averaged down."""
        if self.max_pixels != "auto":
            return self.max_pixels
        return None if isinstance(self.architecture, torch.nn.Module) else MAX_PIXELS

    def _batch_size(self, n_samples: int) -> int:
        """Images in a batch: some thirty batches an epoch, of 64 to 256 images."""
        if self.batch_size == "auto":
            return min(256, max(64, 1 << max(0, (n_samples // 32).bit_length() - 1)))
        return int(self.batch_size)

    def _augmentation(self, layout: RowLayout, wide: bool = False) -> AugmentationLike:
        return make_augmentation(self.augmentation, kind_of(layout), wide)

    def _warn_of_empty_clusters(self) -> None:
        found = len(np.unique(self.labels_))
        # Of constant data the user has been told already.
        if found < self.n_clusters and not self.net_.reader.scaler.is_constant:
            warnings.warn(
                f"Only {found} of n_clusters={self.n_clusters} clusters are used, the "
                "others are empty. A smaller n_clusters may fit the data better.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _to_numpy(tensor: torch.Tensor) -> Any:
    return tensor.detach().cpu().numpy()
