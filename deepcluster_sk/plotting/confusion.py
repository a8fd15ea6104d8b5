"""Clusters against classes."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.metrics import confusion
from deepcluster_sk.plotting.pyplot import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Rows and columns up to which numbers are legible.
_MOST_NUMBERED = 20


class MatchedConfusionDisplay:
    """Classes against clusters, with the clusters in matched order.

    Make one by :meth:`from_estimator` or :meth:`from_predictions`. Each class is paired
    with a cluster so that the diagonal is as heavy as it can be; what lies off it is
    what was mistaken for what.

    Parameters
    ----------
    matrix : ndarray of shape (n_classes, n_clusters)
        Counts, as :func:`deepcluster_sk.metrics.confusion` returns them.
    classes : ndarray of shape (n_classes,)
    clusters : ndarray of shape (n_clusters,)

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    deepcluster_sk.metrics.confusion : The numbers alone.
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        matrix: NDArray[np.int64],
        *,
        classes: NDArray[Any],
        clusters: NDArray[Any],
    ) -> None:
        self.matrix = matrix
        self.classes = classes
        self.clusters = clusters

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        normalize: bool = False,
        cmap: str = "Blues",
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw where the samples of each class go.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``predict``.
        X : array-like
            Samples, as ``predict`` takes them.
        y : array-like of shape (n,)
            Their classes.
        normalize, cmap, ax
            As in :meth:`plot`.

        Returns
        -------
        display : MatchedConfusionDisplay

        Raises
        ------
        ValueError
            As for :func:`deepcluster_sk.metrics.clustering_accuracy_score`.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        return cls.from_predictions(
            y, estimator.predict(X), normalize=normalize, cmap=cmap, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        labels_true: ArrayLike,
        labels_pred: ArrayLike,
        *,
        normalize: bool = False,
        cmap: str = "Blues",
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw classes against clusters.

        Parameters
        ----------
        labels_true, labels_pred : array-like of shape (n,)
            Classes and clusters, as for :func:`deepcluster_sk.metrics.confusion`.
        normalize, cmap, ax
            As in :meth:`plot`.

        Returns
        -------
        display : MatchedConfusionDisplay

        Raises
        ------
        ValueError
            As for :func:`deepcluster_sk.metrics.clustering_accuracy_score`.
        ImportError
            If matplotlib is not installed.
        """
        counts, classes, clusters = confusion(labels_true, labels_pred)
        display = cls(counts, classes=classes, clusters=clusters)
        return display.plot(ax, normalize=normalize, cmap=cmap)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        normalize: bool = False,
        cmap: str = "Blues",
    ) -> Self:
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        normalize : bool, default=False
            Show the share of each class, in per cent, instead of counts. Colours show
            shares either way.
        cmap : str, default="Blues"
            Colour map.

        Returns
        -------
        display : MatchedConfusionDisplay
        """
        shares = self.matrix / self.matrix.sum(axis=1, keepdims=True)
        largest = max(self.matrix.shape)
        side = min(max(0.5 * largest, 3.0), 20.0)  # inches
        ax = axes_or_new(ax, side + 0.5, side)
        ax.imshow(shares, cmap=cmap, vmin=0, vmax=1)
        if largest <= _MOST_NUMBERED:
            for (i, j), count in np.ndenumerate(self.matrix):
                if count:
                    ax.text(
                        j,
                        i,
                        f"{100 * shares[i, j]:.0f}" if normalize else str(count),
                        ha="center",
                        va="center",
                        fontsize="small",
                        color="white" if shares[i, j] > 0.5 else "black",
                    )
        # A name may hold two "$", which would be a formula between them.
        clusters, classes = map(str, self.clusters), map(str, self.classes)
        ax.set_xticks(range(len(self.clusters)), [*clusters], parse_math=False)
        ax.set_yticks(range(len(self.classes)), [*classes], parse_math=False)
        ax.set_xlabel("cluster")
        ax.set_ylabel("class")
        self.ax_ = ax
        self.figure_ = ax.figure
        return self
