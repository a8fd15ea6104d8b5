"""Which clusters would be one first, as a tree."""

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import dendrogram
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.counting.tree import top_of
from deepcluster_sk.plotting.needs import check_has
from deepcluster_sk.plotting.pyplot import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class ClusterTreeDisplay:
    """Which clusters would be one first, as a dendrogram.

    Make one by :meth:`from_estimator` or :meth:`from_tree`. The farther to the left two
    clusters meet, the less tells them apart.

    Parameters
    ----------
    tree : ndarray of shape (K - 1, 4)
        Over K clusters, in the format of :func:`scipy.cluster.hierarchy.linkage`, of
        heights from 0 to 1.
    names : sequence of str, default=None
        Of the clusters; None numbers them.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(
        self, tree: NDArray[np.float64], *, names: Sequence[str] | None = None
    ) -> None:
        self.tree = tree
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        n_clusters: int | None = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the clusters of a fitted clusterer, with their sizes.

        Parameters
        ----------
        estimator : clusterer
            Fitted.
        n_clusters : int, default=None
            How many clusters to draw, as of ``estimator.labels_at(n_clusters)``: more
            than were fitted shows what these are made of. None is ``n_clusters_``.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ClusterTreeDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``cluster_tree_``.
        ValueError
            If the tree has not so many leaves.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        check_has(estimator, "cluster_tree_")
        n_leaves = len(estimator.cluster_tree_) + 1
        wanted = estimator.n_clusters_ if n_clusters is None else n_clusters
        check_scalar(wanted, "n_clusters", Integral, min_val=1, max_val=n_leaves)
        labels = estimator.labels_at(wanted)
        sizes = np.bincount(labels[labels >= 0], minlength=wanted)
        names = [f"{cluster} ({size:,})" for cluster, size in enumerate(sizes)]
        return cls.from_tree(
            top_of(estimator.cluster_tree_, wanted), names=names, ax=ax
        )

    @classmethod
    def from_tree(
        cls,
        tree: ArrayLike,
        *,
        names: Sequence[str] | None = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw a tree.

        Parameters
        ----------
        tree : array-like of shape (K - 1, 4)
        names : sequence of str, default=None
            Of the clusters; None numbers them.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ClusterTreeDisplay

        Raises
        ------
        ValueError
            If there are more or fewer names than clusters.
        ImportError
            If matplotlib is not installed.
        """
        tree = np.asarray(tree, np.float64).reshape(-1, 4)
        if names is not None and len(names) != len(tree) + 1:
            raise ValueError(
                f"There are {len(names)} names, but {len(tree) + 1} clusters."
            )
        return cls(tree, names=names).plot(ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the tree.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ClusterTreeDisplay
        """
        n = len(self.tree) + 1
        ax = axes_or_new(ax, 5.0, 0.8 + 0.25 * n)
        order = [0]
        if len(self.tree):
            drawn = dendrogram(self.tree, no_plot=True)
            order = drawn["leaves"]
            # SciPy puts its leaves at 5, 15, 25 …; the axis is of crossing links.
            for places, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True):
                ax.plot(
                    [1 - height for height in heights],
                    [place / 10 - 0.5 for place in places],
                    color="C0",
                    linewidth=1.2,
                )
            ax.set_xlim(1.08 * (1 - float(self.tree[0, 2])) + 1e-3, -1e-3)
        names = [str(k) for k in range(n)] if self.names is None else self.names
        ax.set_yticks(range(n), [names[leaf] for leaf in order], parse_math=False)
        ax.set_ylim(n - 0.5, -0.5)
        ax.set_xlabel("half the links across the border [share]")
        ax.spines[["top", "left", "right"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self
