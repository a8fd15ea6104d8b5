"""The template every clusterer of this package fills: one fit, one predict."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.corrections import CorrectionsMixin
from deepcluster_sk.base.counting import CountingMixin
from deepcluster_sk.base.looks import second_look
from deepcluster_sk.base.parameters import CONSTRAINTS, document
from deepcluster_sk.base.placing import PlacingMixin
from deepcluster_sk.base.start import Start, gives_labels, is_by_graph
from deepcluster_sk.base.summary import what_it_is_fitted_with
from deepcluster_sk.base.telling import tell_plan
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.graph import CUTS
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.start import (
    FIRST_CUTS,
    MIN_NODES,
    START,
    GraphStart,
    find_start,
)
from deepcluster_sk.runtime.caching import data_key
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.runtime.wholeness import whole_or_not_at_all
from deepcluster_sk.training.gap_statistic import best_contrast
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.objectives import Objective
from deepcluster_sk.training.snapshot import Snapshot
from deepcluster_sk.training.state import epochs_of

#: Parameters that no stage reads whose result is cached.
_UNREAD = frozenset({"memory", "random_state", "verbose", "warm_start"})


class BaseDeepClusterer(
    CountingMixin, CorrectionsMixin, PlacingMixin, ClusterMixin, BaseEstimator, ABC
):
    """Base of the deep clusterers.

    ``fit`` settles what it will do, finds a start, builds the net, pretrains it, and
    trains net and clusters together: each stage takes values and returns one. A method
    fills in how its network is built (:meth:`_module`), and what the two phases
    minimise (:meth:`_pretraining`, :meth:`_clustering`).
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    #: Parameters that nothing reads before net and clusters are trained together.
    _joint_parameters: ClassVar[frozenset[str]] = frozenset(
        {"targets", "max_epochs", "tol"}
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Complete the docstring of a method."""
        super().__init_subclass__(**kwargs)
        document(cls)

    def __init__(
        self,
        n_clusters: NClusters = 8,
        *,
        latent_dim: int | str = "auto",
        architecture: Any = "auto",
        image_shape: Any = None,
        channel_axis: int | None = None,
        max_pixels: int | str | None = "auto",
        augmentation: Any = "auto",
        init: Any = "graph",
        pretraining: Any = "auto",
        targets: Any = "auto",
        max_epochs: int | str = "auto",
        tol: float = 1e-3,
        batch_size: int | str = "auto",
        lr: float = 1e-3,
        precision: str = "auto",
        device: Any = "auto",
        callbacks: list[Any] | None = None,
        memory: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        **net_params: Any,
    ) -> None:
        self.n_clusters = n_clusters
        self.latent_dim = latent_dim
        self.architecture = architecture
        self.image_shape = image_shape
        self.channel_axis = channel_axis
        self.max_pixels = max_pixels
        self.augmentation = augmentation
        self.init = init
        self.pretraining = pretraining
        self.targets = targets
        self.max_epochs = max_epochs
        self.tol = tol
        self.batch_size = batch_size
        self.lr = lr
        self.precision = precision
        self.device = device
        self.callbacks = callbacks
        self.memory = memory
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self._store_net_params(net_params)

    # The holes -------------------------------------------------------------------

    @abstractmethod
    def _module(
        self, context: FitContext, start: Start
    ) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        """Network class and its arguments."""

    @abstractmethod
    def _pretraining(
        self, context: FitContext, start: Start, streams: Streams
    ) -> tuple[Objective, int]:
        """Say what pretraining minimises, and for how many epochs."""

    @abstractmethod
    def _clustering(
        self, context: FitContext, start: Start, streams: Streams, held: dict[str, Any]
    ) -> tuple[Objective, int]:
        """Say what net and clusters minimise together, and for how many epochs at most.

        `held` is what every
        :class:`~deepcluster_sk.training.self_training.ClusteringObjective` takes.
        """

    def _lr_peak(self, layout: RowLayout, start: Start) -> float:
        """Multiple of `lr` that the learning rate rises to in each phase."""
        return 1.0

    def _looks_again(self, layout: RowLayout, start: Start) -> bool:
        """Whether to look for neighbours in the pretrained latent as well."""
        return False

    # The template ----------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the clusters of images or feature vectors.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
            Grey or colour images of any integer or floating type, or feature vectors;
            flat rows are images where ``image_shape`` says so. Scaled inside. Or a list
            of Pillow images, or a data set of images or vectors, all of one size;
            labels in a data set are not looked at.
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
        KeyboardInterrupt
            If it is interrupted (Ctrl-C) before there are clusters, or a second time.

        Warns
        -----
        FitInterruptedWarning
            If it is interrupted once there are clusters: training ends, and the model
            is what it has come to (``interrupted_``).
        """
        with whole_or_not_at_all(self):
            self._fit_or_go_on(X)
        return self

    def _fit(self, X: ArrayLike, y: Any = None) -> FitContext:
        """Fit from the start; `y` are clusters that are known, and -1."""
        with self._under_way("fitted", lambda: self._prepare(X, y)) as context:
            context = self._counted(context)
            start = self._find_start(context)
            tell_plan(self, context, start)
            net = self._build_net(context, start)
            start = self._pretrain(net, context, start)
            labels = self._train(net, context, start)
            self._store(net, context, start, labels)
        return context

    def _find_start(self, context: FitContext) -> Start:
        """Look at the data without a network: their kind, contrast and clusters."""
        layout, contrasts = context.layout, self._contrasts(context.layout)
        kind, n_clusters = self._known_kind(layout), context.n_clusters
        if gives_labels(self.init):
            context.interrupts.hold()  # that is a partition
        if n_clusters == 1 or context.n_samples < MIN_NODES:
            return Start(contrasts[0], kind)
        streams = context.streams("start")
        views = context.views(self._augmentation(layout, wide=True), streams)
        if is_by_graph(self.init):
            found = self._graph_start(context, contrasts, views, streams)
            context.interrupts.hold()  # there is a partition
            return Start(found.contrast, found.image_kind, found)
        with streams.seeded():
            contrast = best_contrast(views, contrasts, n_clusters, streams.random_state)
        return Start(contrast, kind)

    def _graph_start(
        self,
        context: FitContext,
        contrasts: Sequence[str],
        views: Views,
        streams: Streams,
    ) -> GraphStart:
        """Partition the samples by a graph, of our own or of an estimator as `init`."""
        layout = context.layout
        settings = self._graph_settings(min(context.n_samples, START.max_nodes))
        as_photographs = Start(contrasts[0], "photograph")
        anew = layout.is_image and self._looks_again(layout, as_photographs)
        cuts = FIRST_CUTS if anew else CUTS

        def find() -> GraphStart:
            context.progress.begin("start")
            by_default = partial(find_start, settings=settings, cuts=cuts)
            with streams.seeded():
                find_by = getattr(self.init, "start_of", by_default)
                return find_by(
                    views,
                    context.n_clusters,
                    streams.random_state,
                    contrasts=contrasts,
                    image_kind=self.image_kind,
                    seen=context.appearance,
                )

        key = {
            **self._data_key(context),
            "contrasts": contrasts,
            "image_kind": self.image_kind,
            "n_clusters": context.n_clusters,
            "counted": None if context.count is None else self.n_clusters,
            "init": self.init,
            "settings": settings,
            "cuts": cuts,
        }
        return context.kept(self.memory, "start", key, find)

    def _build_net(
        self,
        context: FitContext,
        start: Start,
        known: Mapping[str, Any] = MappingProxyType({}),
    ) -> ClusteringNet:
        """Build the skorch net; its weights are drawn from a stream of their own.

        Arguments of the network that are `known`, from a file, are not asked for again.
        """
        module, arguments = self._module(context, start)
        given = self._given_net_params()
        if known:  # whatever parameters have been set since
            given = {n: v for n, v in given.items() if not n.startswith("module__")}
        settings: dict[str, Any] = {
            **{f"module__{name}": value for name, value in arguments.items()},
            "lr": self.lr,
            **self._fused(context.device),
            **given,
            **{f"module__{name}": value for name, value in known.items()},
        }
        if "callbacks__lr_decay" not in settings:
            peak = self._lr_peak(context.layout, start)
            settings.setdefault("callbacks__lr_decay__peak", peak)
        net = ClusteringNet(
            module,
            reader=context.reader,
            precision=context.precision,
            optimizer=torch.optim.Adam,
            batch_size=context.batch_size,
            device=context.device,
            callbacks=list(self.callbacks or []),
            verbose=int(self.verbose),
            **settings,
        )
        with context.streams("network").seeded():
            return net.initialize()

    def _pretrain(self, net: ClusteringNet, context: FitContext, start: Start) -> Start:
        """Train the net before there are clusters, and look at the start again."""
        streams = context.streams("pretraining")
        objective, epochs = self._pretraining(context, start, streams)
        if not epochs:
            return start

        def train() -> tuple[Snapshot, GraphStart | None]:
            context.progress.begin("pretraining")
            with streams.seeded():
                context.run_phase(net, objective, epochs, streams)
            trained = Snapshot.of(net)
            if start.graph is None or not self._looks_again(context.layout, start):
                return trained, start.graph
            augmentation = self._augmentation(context.layout, start.image_kind)
            with context.interrupts.raised():
                return trained, second_look(net, context, start.graph, augmentation)

        unread = _UNREAD | self._joint_parameters
        key = {
            **self._data_key(context),
            **{k: v for k, v in self.get_params(deep=False).items() if k not in unread},
            "device": str(context.device),
            "precision": str(context.precision),
            "epochs": epochs,
            "estimator": f"{type(self).__module__}.{type(self).__qualname__}",
        }
        # Callbacks are to see every epoch, and may change what comes of it.
        memory = None if self.callbacks else self.memory
        with context.interrupts.survived("pretraining"):
            trained, graph = context.kept(memory, "pretraining", key, train)
            trained.restore(net)
            start = Start(start.contrast, start.image_kind, graph)
        return start

    def _train(
        self, net: ClusteringNet, context: FitContext, start: Start
    ) -> NDArray[np.int64]:
        """Train net and clusters together; returns the labels they started from."""
        context.progress.begin("training")
        self._fitted_with = what_it_is_fitted_with(
            self, context.layout, start, context.goes_on
        )
        streams, interrupts = context.streams("training"), context.interrupts
        with streams.seeded():
            labels = self._place_clusters(net, context, start, streams)
            interrupts.hold()  # now there is one of any start
            objective, epochs = self._clustering(
                context, start, streams, self._held(context, start, labels, streams)
            )
            if not epochs:
                return labels
            with interrupts.survived("joint training"):
                interrupts.check()
                context.run_phase(net, objective, epochs, streams)
        change = getattr(objective, "label_change", 1.0)
        unsettled = change > 0 and self.tol > 0 and not objective.settled
        # Where a callback, say, ended training, more epochs are not what it lacked.
        is_over = epochs_of(net.history, "cluster") == epochs
        if unsettled and is_over and not (interrupts.seen or context.goes_on):
            warn(
                f"The labels had not settled after max_epochs={epochs}: {change:.2%} "
                f"of them still changed in the last epoch (tol={self.tol:.2%}). "
                "Increase max_epochs, or tol.",
                ConvergenceWarning,
            )
        return labels

    def _data_key(self, context: FitContext) -> dict[str, Any]:
        """Describe the data as every stage sees them, for the key of a cache."""
        if self.memory is None:
            return {}
        return {
            "rows": data_key(context.dataset.rows),
            "reader": context.reader,
            "augmentation": self.augmentation,
            "device": str(context.device),
            "seed": context.seed,
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
