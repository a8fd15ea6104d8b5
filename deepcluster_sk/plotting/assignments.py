"""Where the probability of samples goes, cluster by cluster."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from deepcluster_sk.metrics import confusion
from deepcluster_sk.plotting.needs import check_has
from deepcluster_sk.plotting.pyplot import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Width of an axis label to a cluster, in inches.
_BAR_WIDTH = 0.45


class AssignmentDisplay:
    """Mean probability of each cluster, over all samples or those of one class.

    Make one by :meth:`from_estimator` or :meth:`from_predictions`. Of all samples it
    shows whether the clusters are used evenly; of one class, whether that class has a
    cluster to itself. Bars are mean probabilities; a dot is the share of the samples
    whose most probable cluster it is. Where a bar is far below its dot the samples are
    in the cluster without being sure of it.

    Parameters
    ----------
    probabilities : ndarray of shape (n_clusters,)
        Mean over the samples.
    shares : ndarray of shape (n_clusters,)
        Share of the samples that the cluster is the most probable of.
    clusters : sequence of str
        What to write below each bar.
    samples : str
        Whose probabilities these are.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    Das, Ghosh and Bhowmick (2019), arXiv:1901.06474, Figure 4.

    Examples
    --------
    >>> from deepcluster_sk.plotting import AssignmentDisplay
    >>> display = AssignmentDisplay.from_predictions([[0.9, 0.1], [0.7, 0.3]])
    >>> display.probabilities
    array([0.8, 0.2])
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        *,
        probabilities: NDArray[Any],
        shares: NDArray[Any],
        clusters: list[str],
        samples: str,
    ) -> None:
        self.probabilities = probabilities
        self.shares = shares
        self.clusters = clusters
        self.samples = samples

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        label: Any = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the assignments of a fitted clusterer.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``predict_proba``.
        X : array-like
            Samples, as ``predict_proba`` takes them.
        y : array-like of shape (n,), default=None
            Their classes.
        label : object, default=None
            As in :meth:`from_predictions`.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : AssignmentDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            As for :meth:`from_predictions`.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        check_has(estimator, "predict_proba")
        return cls.from_predictions(estimator.predict_proba(X), y, label=label, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        probabilities: ArrayLike,
        y: ArrayLike | None = None,
        *,
        label: Any = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the assignments of samples.

        Parameters
        ----------
        probabilities : array-like of shape (n, n_clusters)
            The result of ``predict_proba``.
        y : array-like of shape (n,), default=None
            Classes. If given, each cluster is named after the class it is matched with,
            and clusters that are left over by their number in brackets.
        label : object, default=None
            The class whose samples to draw; None draws all.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : AssignmentDisplay

        Raises
        ------
        ValueError
            If lengths differ, or `label` is no class of `y`.
        ImportError
            If matplotlib is not installed.
        """
        q = check_array(probabilities, input_name="probabilities")
        found = q.argmax(axis=1)
        n_clusters = q.shape[1]
        names = [str(cluster) for cluster in range(n_clusters)]
        order = np.arange(n_clusters)
        mine = np.full(len(q), label is None)
        if y is None and label is not None:
            raise ValueError(f"label={label!r} needs y, the classes of the samples.")
        if y is not None:
            classes = column_or_1d(y)
            check_consistent_length(q, classes)
            matched = confusion(classes, found)
            pairs = dict(
                zip(
                    (int(cluster) for cluster in matched.column_labels),
                    matched.row_labels,
                    strict=False,  # one may outnumber the other
                )
            )
            names = [str(pairs.get(k, f"({k})")) for k in range(n_clusters)]
            # Those with a class first, sorted by it.
            rest = [k for k in range(n_clusters) if k not in pairs]
            order = np.array([*sorted(pairs, key=pairs.__getitem__), *rest])
            if label is not None:
                mine = classes == label
                if not mine.any():
                    raise ValueError(
                        f"No sample has label={label!r}; classes are "
                        f"{matched.row_labels.tolist()}."
                    )
        shares = np.bincount(found[mine], minlength=n_clusters) / mine.sum()
        display = cls(
            probabilities=q[mine].mean(axis=0)[order],
            shares=shares[order],
            clusters=[names[k] for k in order],
            samples="all samples" if label is None else f"class {label}",
        )
        return display.plot(ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the histogram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : AssignmentDisplay
        """
        n_clusters = len(self.clusters)
        ax = axes_or_new(ax, min(max(_BAR_WIDTH * n_clusters, 3.0), 20.0) + 1.0, 3.0)
        places = np.arange(n_clusters)
        ax.bar(places, self.probabilities, label="mean probability")
        ax.plot(places, self.shares, "o", color="black", label="share of the samples")
        ax.set_xticks(places, self.clusters, parse_math=False)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("cluster")
        ax.set_ylabel(self.samples, parse_math=False)
        ax.legend(fontsize="small")
        self.ax_ = ax
        self.figure_ = ax.figure
        return self
