"""Going on from a fitted model: a warm start, and collections that grow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.earlier import EarlierSamples
from deepcluster_sk.base.fitted import FittedMixin
from deepcluster_sk.base.known import known_labels
from deepcluster_sk.base.looks import latent_neighbors
from deepcluster_sk.base.preparation import PreparationMixin
from deepcluster_sk.base.start import Start
from deepcluster_sk.base.telling import progress_of, tell_task
from deepcluster_sk.data.axes import layout_from_image_shape
from deepcluster_sk.data.resizing import shrunk
from deepcluster_sk.graph.propagation import pinned, propagated, told_by_nodes
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.graph.start import MIN_NODES
from deepcluster_sk.networks.carrying import carried
from deepcluster_sk.runtime.modes import training_modes
from deepcluster_sk.runtime.wholeness import whole_or_not_at_all
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.reseeding import reseed_with
from deepcluster_sk.training.snapshot import Snapshot
from deepcluster_sk.training.state import epochs_of


@dataclass(frozen=True)
class Edit:
    """What becomes of the clusters of a fitted network.

    Attributes
    ----------
    labels : ndarray of shape (n,), int64
        Of the samples, in the new numbers.
    origins : ndarray of shape (n_clusters,), int64
        Cluster of the network that each goes on from; parts of one come behind it.
    changed : tuple of int
        Clusters that are to hold other samples than those of their origin.
    """

    labels: Labels
    origins: NDArray[np.int64]
    changed: tuple[int, ...] = ()


#: From the context of a fit, and the shares ``(n, n_clusters)`` that the fitted network
#: gives the samples, to what becomes of the clusters.
MakeEdit = Callable[[FitContext, NDArray[np.float32]], Edit]


class ContinuingMixin(PreparationMixin, FittedMixin):
    """Training a fitted clusterer further; what fails changes nothing."""

    warm_start: bool
    labels_: Labels
    _leaves: Labels
    #: Samples of earlier parts, where the collection came in parts.
    _earlier: EarlierSamples | None = None
    #: `n_clusters` of the last training; corrections change what there is.
    _asked_for: Any
    #: Trainings since the fit that began it all.
    _n_times_gone_on: int

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from more samples of a collection that grows.

        The first call is ``fit``. Any later one goes on from the network and clusters
        that there are, which keep their numbers: it labels the new samples, and trains
        for a short while on them and on some of the earlier ones, of which up to a
        hundred a cluster are kept for that. Later samples may be of a few clusters
        only; new kinds get no cluster of their own.

        Parameters
        ----------
        X : array-like
            New samples, two at least, of the shape that was fitted. Those of the first
            call are to show every kind there is.
        y : Ignored
            Never looked at.

        Returns
        -------
        self
            ``labels_`` and ``initial_labels_`` are those of `X` alone; ``predict``
            gives those of any other.

        Raises
        ------
        ValueError, TypeError
            As ``fit`` does; what was fitted before stays as it was.

        Warns
        -----
        FitInterruptedWarning
            If it is interrupted (Ctrl-C): the model is what it has come to.

        Notes
        -----
        A model that was fitted by ``fit``, or read from a file, has no samples of
        before: give it some with the new ones, if these are of a few clusters only.
        """
        with whole_or_not_at_all(self):
            earlier = self._earlier
            if hasattr(self, "net_"):
                context = self._go_on(X, self._as_it_is, earlier, task="more")
            else:
                context = self._fit(X)
            self._earlier = EarlierSamples.drawn(
                earlier,
                context,
                self.labels_,
                context.streams("going on").random_state,
            )
            n_earlier = 0 if earlier is None else len(earlier.rows)
            self.labels_ = self.labels_[n_earlier:]
            self.initial_labels_ = self.initial_labels_[n_earlier:]
            self._leaves = self._leaves[n_earlier:]
        return self

    def _fit_or_go_on(self, X: ArrayLike, y: Any = None) -> None:
        """Fit, or train what is fitted further; `y` are clusters that are known."""
        if not self.warm_start or not hasattr(self, "net_"):
            self._fit(X, y)
            self.__dict__.pop("_earlier", None)
        else:
            self._go_on(X, self._as_it_is, y=y)

    def _fit(self, X: ArrayLike, y: Any = None) -> FitContext:
        """Fit from the start."""
        raise NotImplementedError

    def _train(
        self, net: ClusteringNet, context: FitContext, start: Start
    ) -> NDArray[np.int64]:
        """Train net and clusters together; returns the labels they started from."""
        raise NotImplementedError

    @contextmanager
    def _under_way(
        self, result: str, prepare: Callable[[], FitContext]
    ) -> Iterator[FitContext]:
        """Prepare, and train inside the block: told of, and interrupted with care."""
        progress = progress_of(self.verbose)
        with progress.shown(result):
            progress.begin("preparation")
            context = replace(prepare(), progress=progress)
            tell_task(self, context)
            with training_modes(context.device), context.interrupts.noticed():
                yield context

    def _go_on(
        self,
        X: ArrayLike,
        edit: MakeEdit,
        earlier: EarlierSamples | None = None,
        y: Any = None,
        task: Any = None,
    ) -> FitContext:
        """Train the fitted network further, its clusters edited.

        Parameters
        ----------
        X : array-like
        edit : callable
        earlier : EarlierSamples, default=None
            Samples to be trained on besides; they come before those of `X`.
        y : array-like, default=None
            Clusters that are known, and -1.
        task : default=None
            What it is trained further for, by which its checkpoint is told from others.
            Where a task is given, samples are held to the labels they begin with.
        """
        old = self.net_.module_
        kept = {name: getattr(self, name) for name in _OF_THE_FIRST_FIT}
        history, names = self.history_, self.cluster_names_
        n_times = self._n_times_gone_on
        with self._under_way(
            "trained further", lambda: self._prepare_more(X, earlier, y, task)
        ) as context:
            context.interrupts.hold()  # there is a model
            edited = edit(context, self._assign(context.dataset.rows, context.layout))
            context = replace(context, n_clusters=len(edited.origins))
            start = Start(self.contrast_, self.image_kind_, labels=edited.labels)
            net = self._build_net(context, start)
            weights = carried(old.state_dict(), old.cluster_axes, edited.origins)
            net.module_.load_state_dict(weights)
            _place_changed(net, context, edited)
            labels = self._train(net, context, start)
            self._store(net, context, start, labels)
        for name, value in kept.items():
            setattr(self, name, value)
        self.history_ = [*history, *self.history_]
        self.n_iter_ = epochs_of(self.history_, "cluster")
        self.cluster_names_ = _of_origins(names, edited.origins)
        self._n_times_gone_on = n_times + 1
        return context

    def _as_it_is(self, context: FitContext, shares: NDArray[np.float32]) -> Edit:
        """Keep the clusters as they are, and label the samples.

        What the network assigns them to, and what is known of them, flows along the
        links of its latent space.
        """
        n_clusters = shares.shape[1]
        labels = shares.argmax(axis=1)
        if n_clusters > 1 and len(labels) >= MIN_NODES:
            augmentation = self._augmentation(context.layout, self.image_kind_)
            graph = latent_neighbors(self.net_, context, augmentation, n_clusters)
            if context.known is not None:
                # Certain, as what is known is: a few would outweigh many that are not.
                told = told_by_nodes(graph, context.known)
                shares = np.eye(n_clusters, dtype=shares.dtype)[pinned(labels, told)]
            labels = propagated(graph, shares)
        return Edit(pinned(labels, context.known), np.arange(n_clusters))

    def _prepare_more(
        self, X: ArrayLike, earlier: EarlierSamples | None, y: Any, task: Any
    ) -> FitContext:
        """Check everything, and settle what a fitted network goes on with."""
        self._validate_params()
        self._check_parts()
        with np.errstate(over="ignore", invalid="ignore"):
            rows, given = self._more_rows(X, ensure_min_samples=2)
            rows, layout = shrunk(rows, given, self._small_shape)
        known = None
        if y is not None:
            known = known_labels(y, len(rows), self.n_clusters_)
        if earlier is not None:
            rows = earlier.before(rows, layout)
        weights = Snapshot.of(self.net_).weights
        context = self._context(
            rows,
            self._fitted_reader(layout),
            given,
            self.n_clusters_,
            # From other weights it would come to something else.
            [task, known, [weight.numpy() for weight in weights.values()]],
            known=known,
            latent_dim=self.net_.module_.latent_dim,
            goes_on=True,
            holds=bool(task) or known is not None,
        )
        self._check_network(context)
        return context

    def _check_network(self, context: FitContext) -> None:
        """Refuse parameters that mean another network, or other clusters.

        Raises
        ------
        ValueError
        """
        start = Start(self.contrast_, self.image_kind_)
        wanted = self._build_net(context, start).get_params_for("module")
        fitted = self.net_.get_params_for("module")
        changed = [
            (name, wanted[name], fitted.get(name))
            for name in wanted
            if not _same(wanted[name], fitted.get(name))
        ]
        if self.latent_dim not in ("auto", context.latent_dim):
            changed.append(("latent_dim", self.latent_dim, context.latent_dim))
        asked = (self._asked_for, self.n_clusters_)
        if not any(_same(self.n_clusters, known) for known in asked):
            changed.append(("n_clusters", self.n_clusters, self.n_clusters_))
        if self.image_kind not in ("auto", self.image_kind_):
            changed.append(("image_kind", self.image_kind, self.image_kind_))
        if self.image_shape is not None:
            shape = layout_from_image_shape(self.image_shape, self.channel_axis).shape
            if shape != context.given.shape:
                changed.append(("image_shape", shape, context.given.shape))
        if changed:
            told = ", ".join(
                f"{name}={new!r}, not {old!r}" for name, new, old in changed
            )
            raise ValueError(
                f"The fitted network cannot go on with other parameters: {told}. Set "
                "them back, or fit anew with warm_start=False."
            )


#: Attributes of the first fit that later training leaves as they are.
_OF_THE_FIRST_FIT = ("hubness_", "patch_agreement_", "cluster_profile_")


def _place_changed(net: ClusteringNet, context: FitContext, edited: Edit) -> None:
    """Let clusters begin with the samples that they are to hold."""
    for cluster in edited.changed:
        first = int(np.argmax(edited.origins == edited.origins[cluster]))
        taken = torch.from_numpy(edited.labels == cluster).nonzero()[:, 0]
        left = torch.from_numpy(edited.labels == first).nonzero()[:, 0]
        if len(taken):
            left = left[:0] if first == cluster else left
            reseed_with(net, context.dataset, cluster, taken, left)


def _of_origins(
    names: list[str | None], origins: NDArray[np.int64]
) -> list[str | None]:
    """Names of clusters that go on from others; of parts, the first keeps it."""
    first = np.unique(origins, return_index=True)[1]
    return [names[o] if c in first else None for c, o in enumerate(origins)]


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    try:
        return bool(np.all(one == other))
    except (TypeError, ValueError):  # arrays of other shapes
        return False
