"""Corrections by hand: clusters merged, split and named, and samples that are known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted, check_scalar

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.continuing import ContinuingMixin, Edit
from deepcluster_sk.base.looks import second_look
from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.graph.start import MIN_NODES, find_start
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.runtime.wholeness import whole_or_not_at_all
from deepcluster_sk.training.centers import kmeans_start


def _checked_name(name: Any) -> str | None:
    """Check the name of a cluster."""
    if name is None:
        return None
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"A name must be a text or None, got {name!r}.")
    return str(name)


class CorrectionsMixin(ContinuingMixin):
    """Corrections by hand, each of which changes the clusterer itself.

    A call that fails changes nothing.
    """

    # Splitters of scikit-learn have a method of that name; nothing is routed to ours.
    __metadata_request__split: ClassVar[dict[str, str]] = {
        "cluster": UNUSED,
        "into": UNUSED,
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_with_labels(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn the clusters, where the clusters of some samples are known.

        The samples named in `y` are trained on as you said; the others follow their
        neighbours. ``labels_`` are those of the network, which may overrule a label
        that contradicts its neighbours. ``fit`` never looks at labels.

        In a fit from the start the clusters get these numbers: label a few samples of
        each, typical ones or any. With ``warm_start=True`` a fitted clusterer is
        trained further, in a fraction of the time, and the numbers are those that its
        clusters have: label the most doubtful samples.

        Parameters
        ----------
        X : array-like
            As in :meth:`fit`.
        y : array-like of shape (n_samples,), int
            Number of the cluster of each sample, from 0 to ``n_clusters - 1``, or -1
            where it is not known.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            As :meth:`fit` does, and where `y` holds anything else. What was fitted
            before stays as it was.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_digits
        >>> from deepcluster_sk import DeepTripletClusterer
        >>> X, digits = load_digits().images, load_digits().target
        >>> y = np.full(len(X), -1)
        >>> y[:50] = digits[:50]  # somebody has looked at fifty
        >>> model = DeepTripletClusterer(10, random_state=0)
        >>> model.fit_with_labels(X, y)  # doctest: +SKIP
        """
        if y is None:
            raise ValueError(
                "y must hold the number of the cluster of each sample, or -1 where it "
                "is not known, got None. fit(X) needs no labels."
            )
        with whole_or_not_at_all(self):
            self._fit_or_go_on(X, y)
        return self

    def merge(self, clusters: Iterable[int], X: ArrayLike) -> Self:
        """Make one cluster of several, and train for a short while on that.

        It has the lowest of their numbers; numbers above those that are gone move down.

        Parameters
        ----------
        clusters : iterable of int
            Two at least.
        X : array-like
            Samples to train on: those of the fit, or others of every cluster.

        Returns
        -------
        self
            ``labels_`` are those of `X`, ``n_clusters_`` is smaller; the parameter
            `n_clusters` is what it was.

        Raises
        ------
        ValueError, TypeError
            If there are no such clusters, or `X` or a parameter cannot be used. The
            clusterer stays as it was.

        See Also
        --------
        labels_at : Labels after merges to so many clusters, without training.
        """
        check_is_fitted(self)
        if not isinstance(clusters, Iterable):
            raise TypeError(
                f"clusters={clusters!r} must be a sequence of two numbers, or more."
            )
        given = list(clusters)
        chosen = sorted({self._checked_cluster(cluster) for cluster in given})
        if len(chosen) < 2:
            raise ValueError(
                f"clusters={given!r} must name two different ones, or more."
            )
        into, gone = chosen[0], chosen[1:]
        origins = np.setdiff1d(np.arange(self.n_clusters_), gone)
        numbers = np.searchsorted(origins, np.arange(self.n_clusters_))
        numbers[gone] = into
        names = [name for c in chosen if (name := self.cluster_names_[c]) is not None]

        def merged(context: FitContext, shares: NDArray[np.float32]) -> Edit:
            return Edit(numbers[shares.argmax(axis=1)], origins, (into,))

        with whole_or_not_at_all(self):
            self._go_on(X, merged, task=["merge", chosen])
            self.cluster_names_[into] = names[0] if names else None
        return self

    def split(self, cluster: int, X: ArrayLike, into: int = 2) -> Self:
        """Make several clusters of one, and train for a short while on that.

        The samples of the cluster are partitioned by a graph of their neighbours, as
        those of a whole data set are at the start. The largest part keeps number and
        name, the others get the numbers behind the last.

        Parameters
        ----------
        cluster : int
        X : array-like
            Samples to train on: those of the fit, or others of every cluster.
        into : int, default=2
            Parts.

        Returns
        -------
        self
            ``labels_`` are those of `X`, ``n_clusters_`` is larger; the parameter
            `n_clusters` is what it was.

        Raises
        ------
        ValueError, TypeError
            If there is no such cluster, it holds fewer samples of `X` than parts are
            wanted, or `X` or a parameter cannot be used. The clusterer stays as it was.

        Warns
        -----
        ConvergenceWarning
            If parts are empty after training.
        """
        check_is_fitted(self)
        cluster = self._checked_cluster(cluster)
        check_scalar(into, "into", Integral, min_val=2)
        n_clusters = self.n_clusters_
        origins = np.append(np.arange(n_clusters), np.full(into - 1, cluster))

        def divided(context: FitContext, shares: NDArray[np.float32]) -> Edit:
            labels = shares.argmax(axis=1)
            members = np.flatnonzero(labels == cluster)
            parts = self._parts(context, members, into)
            numbers = np.append(cluster, np.arange(n_clusters, len(origins)))
            labels[members] = numbers[parts]
            return Edit(labels, origins, tuple(numbers.tolist()))

        with whole_or_not_at_all(self):
            self._go_on(X, divided, task=["split", cluster, into])
            empty = np.setdiff1d(
                [cluster, *range(n_clusters, len(origins))], self.labels_
            )
            if len(empty):
                warn(
                    f"Of the {into} parts of cluster {cluster}, {len(empty)} are empty "
                    f"after training: clusters {empty.tolist()}. A smaller `into` may "
                    "fit the data better.",
                    ConvergenceWarning,
                )
        return self

    def rename(self, names: Mapping[int, str | None] | Sequence[str | None]) -> Self:
        """Give clusters names, to be shown in reports, tables and pictures.

        Parameters
        ----------
        names : mapping of int to str, or sequence of str
            Of some clusters, or of all of them; None takes a name away.

        Returns
        -------
        self
            With ``cluster_names_``.

        Raises
        ------
        ValueError, TypeError
            If there are no such clusters, or a name is no text.
        """
        check_is_fitted(self)
        # A set has no order.
        if isinstance(names, str | set | frozenset) or not hasattr(names, "__len__"):
            raise TypeError(
                "names must be a mapping such as {3: 'cats'}, or a sequence with a "
                f"name for every cluster, got {names!r}."
            )
        if not isinstance(names, Mapping):
            if len(names) != self.n_clusters_:
                raise ValueError(
                    f"There are {self.n_clusters_} clusters, but {len(names)} names. "
                    "Name some by a mapping such as {3: 'cats'}."
                )
            names = dict(enumerate(names))
        found = list(self.cluster_names_)
        for cluster, name in names.items():
            found[self._checked_cluster(cluster)] = _checked_name(name)
        self.cluster_names_ = found
        return self

    def _checked_cluster(self, cluster: Any) -> int:
        """Check the number of a cluster; truth values are none."""
        if isinstance(cluster, bool):
            raise TypeError("cluster must be an instance of int, not bool.")
        last = self.n_clusters_ - 1
        return int(check_scalar(cluster, "cluster", Integral, min_val=0, max_val=last))

    def _parts(
        self, context: FitContext, members: NDArray[np.int64], into: int
    ) -> Labels:
        """Parts of some of the samples, the largest first."""
        if len(members) < into:
            raise ValueError(
                f"X holds {len(members)} samples of the cluster, too few to split "
                f"them into {into}."
            )
        streams = context.streams("start")
        part = replace(context, dataset=RowDataset(context.dataset.rows[members]))
        with streams.seeded():
            if len(members) < max(MIN_NODES, into + 1):
                rows = part.dataset.rows.astype(np.float64)
                labels = kmeans_start(rows, into, streams.random_state)
            else:
                found = find_start(
                    part.views(self._augmentation(part.layout, wide=True), streams),
                    into,
                    streams.random_state,
                    contrasts=(self.contrast_,),
                    image_kind=self.image_kind_ or "auto",
                )
                part = replace(part, n_clusters=into)
                augmentation = self._augmentation(part.layout, self.image_kind_)
                labels = second_look(self.net_, part, found, augmentation).labels
        sizes = np.bincount(labels, minlength=into)
        return np.argsort(np.argsort(-sizes, kind="stable"))[labels]
