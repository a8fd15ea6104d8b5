"""The latent space on a plane."""

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
)

from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.metrics import check_labels
from deepcluster_sk.plotting.needs import check_has
from deepcluster_sk.plotting.pyplot import axes_or_new, import_pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

Method = Literal["pca", "tsne"]


class EmbeddingDisplay:
    """Latent vectors on a plane, coloured by label.

    Make one by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        Where each sample is drawn.
    labels : ndarray of shape (n,) or None
        What to colour by; None draws all points alike.
    centers : ndarray of shape (n_clusters, 2) or None
        Points to mark.
    axis_names : tuple of two str
        What the axes mean.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        points: NDArray[Any],
        *,
        labels: NDArray[Any] | None = None,
        centers: NDArray[Any] | None = None,
        axis_names: tuple[str, str] = ("dimension 1", "dimension 2"),
    ) -> None:
        self.points = points
        self.labels = labels
        self.centers = centers
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        method: Method = "pca",
        random_state: int | np.random.RandomState | None = 0,
        size: float = 4.0,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw where a fitted clusterer puts samples.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``transform`` and ``predict``. The ``cluster_centers_`` of a
            deep clusterer are marked; those of others, such as ``KMeans``, lie among
            the samples, not among what ``transform`` makes of them.
        X : array-like
            Samples, as ``transform`` takes them.
        y : array-like of shape (n,), default=None
            What to colour by, such as known classes. None colours by cluster.
        method : {"pca", "tsne"}, default="pca"
            As in :meth:`from_predictions`.
        random_state : int, RandomState or None, default=0
            As in :meth:`from_predictions`.
        size : float, default=4.0
            Area of a point, in square points.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : EmbeddingDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``transform``.
        ValueError
            If lengths differ, or the latent space has one dimension.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        check_has(estimator, "transform")
        is_deep = isinstance(estimator, BaseDeepClusterer)
        return cls.from_predictions(
            np.asarray(estimator.transform(X)),
            estimator.predict(X) if y is None else y,
            centers=estimator.cluster_centers_ if is_deep else None,
            method=method,
            random_state=random_state,
            size=size,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        Z: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        centers: ArrayLike | None = None,
        method: Method = "pca",
        random_state: int | np.random.RandomState | None = 0,
        size: float = 4.0,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw vectors by their labels.

        Parameters
        ----------
        Z : array-like of shape (n, d)
            Vectors, such as the result of ``transform``. Those of two dimensions are
            drawn as they are.
        labels : array-like of shape (n,), default=None
            What to colour by: clusters or, to check them, true classes.
        centers : array-like of shape (n_clusters, d), default=None
            Points of the same space to mark, such as ``cluster_centers_``.
        method : {"pca", "tsne"}, default="pca"
            How more than two dimensions are brought to two: by the first two principal
            components, which keep large distances, or by t-SNE, which keeps
            neighbours, takes longer (minutes from some 10,000 samples on), and draws
            gaps and sizes that mean nothing.
        random_state : int, RandomState or None, default=0
            Seed of t-SNE.
        size : float, default=4.0
            Area of a point, in square points.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : EmbeddingDisplay

        Raises
        ------
        ValueError
            If lengths or dimensions differ, labels are NaN or fractional, or d < 2, or
            there is no such method.
        ImportError
            If matplotlib is not installed.
        """
        import_pyplot()  # before minutes of t-SNE, not after
        if method not in ("pca", "tsne"):
            raise ValueError(f"method={method!r} must be 'pca' or 'tsne'.")
        points = check_array(Z, ensure_min_features=2, input_name="Z")
        marks = None if centers is None else check_array(centers, input_name="centers")
        if marks is not None and marks.shape[1] != points.shape[1]:
            raise ValueError(
                f"centers have {marks.shape[1]} dimensions, Z has {points.shape[1]}."
            )
        names = None if labels is None else check_labels(labels, "labels")
        check_consistent_length(points, names)
        axis_names = ("dimension 1", "dimension 2")
        if points.shape[1] > 2 and method == "pca":
            points, marks, axis_names = _principal(points, marks)
        elif points.shape[1] > 2:
            points, marks = _tsne(points, marks, random_state)
            axis_names = ("t-SNE 1", "t-SNE 2")
        display = cls(points, labels=names, centers=marks, axis_names=axis_names)
        return display.plot(ax, size=size)

    def plot(self, ax: "Axes | None" = None, *, size: float = 4.0) -> Self:
        """Draw the points.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        size : float, default=4.0
            Area of a point, in square points.

        Returns
        -------
        display : EmbeddingDisplay
        """
        ax = axes_or_new(ax, 6.0, 5.0)
        from matplotlib import colormaps

        names = np.zeros(len(self.points)) if self.labels is None else self.labels
        groups = np.unique(names)
        palette = colormaps["tab10" if len(groups) <= 10 else "tab20"]
        for i, group in enumerate(groups):
            x, y = self.points[names == group].T
            ax.scatter(
                x,
                y,
                s=size,
                color=palette(i % palette.N),
                label=str(group),
                linewidths=0,
                rasterized=True,  # thousands of vector marks make huge files
            )
        if self.centers is not None:
            x, y = self.centers.T
            ax.scatter(x, y, s=60, marker="X", color="black", edgecolors="white")
        if self.labels is not None and len(groups) <= palette.N:
            legend = ax.legend(
                markerscale=3, fontsize="small", ncols=1 + (len(groups) > 10)
            )
            for text in legend.get_texts():
                text.set_parse_math(False)
        ax.set_xlabel(self.axis_names[0])
        ax.set_ylabel(self.axis_names[1])
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _principal(
    points: NDArray[Any], marks: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[Any] | None, tuple[str, str]]:
    """Map points, and marks with them, onto principal components; and their names."""
    if not np.ptp(points, axis=0).any():  # they have none
        none = None if marks is None else np.zeros((len(marks), 2))
        return np.zeros((len(points), 2)), none, ("component 1", "component 2")
    pca = PCA(n_components=2, svd_solver="covariance_eigh")
    # Arrays, whatever scikit-learn is configured to give.
    pca.set_output(transform="default").fit(points)
    first, second = (
        f"component {i} ({share:.0%} of the variance)"
        for i, share in enumerate(pca.explained_variance_ratio_, start=1)
    )
    mapped = None if marks is None else pca.transform(marks)
    return pca.transform(points), mapped, (first, second)


def _tsne(
    points: NDArray[Any],
    marks: NDArray[Any] | None,
    random_state: int | np.random.RandomState | None,
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Map points, and marks with them: t-SNE has no map for what comes later."""
    every = points if marks is None else np.concatenate([points, marks])
    mapped = np.zeros((len(every), 2))
    if np.ptp(every, axis=0).any():  # or scikit-learn divides by 0, and crashes
        # Not above what so few samples allow; 30 is the default of scikit-learn.
        perplexity = min(30.0, (len(every) - 1) / 3)
        method = TSNE(perplexity=perplexity, random_state=random_state)
        mapped = method.set_output(transform="default").fit_transform(every)
    n = len(points)
    return mapped[:n], None if marks is None else mapped[n:]
