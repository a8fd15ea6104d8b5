"""The latent space on a plane."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from deepcluster_sk.plotting.pyplot import import_pyplot


def plot_embedding(
    Z: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    centers: ArrayLike | None = None,
    size: float = 4.0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Scatter plot of latent vectors, coloured by label.

    Parameters
    ----------
    Z : array-like of shape (n, d)
        Vectors, such as the result of ``transform``. More than two dimensions are
        projected on their first two principal components; to see another map, such
        as t-SNE, pass its result.
    labels : array-like of shape (n,), default=None
        What to colour by: clusters or, to check them, true classes.
    centers : array-like of shape (n_clusters, d), default=None
        Points of the same space to mark, such as ``cluster_centers_``.
    size : float, default=4.0
        Area of a point, in square points.
    ax : matplotlib Axes, default=None
        Where to draw. None makes a figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If lengths or dimensions differ, or d < 2.
    ImportError
        If matplotlib is not installed.
    """
    plt = import_pyplot()
    from matplotlib import colormaps

    points = check_array(Z, ensure_min_features=2, input_name="Z")
    marks = None if centers is None else check_array(centers, input_name="centers")
    if marks is not None and marks.shape[1] != points.shape[1]:
        raise ValueError(
            f"centers have {marks.shape[1]} dimensions, Z has {points.shape[1]}."
        )
    names = np.zeros(len(points), int) if labels is None else column_or_1d(labels)
    check_consistent_length(points, names)
    axis_names = ["dimension 1", "dimension 2"]
    if points.shape[1] > 2:
        pca = PCA(n_components=2, svd_solver="covariance_eigh").fit(points)
        points = pca.transform(points)
        marks = None if marks is None else pca.transform(marks)
        axis_names = [
            f"component {i} ({share:.0%} of the variance)"
            for i, share in enumerate(pca.explained_variance_ratio_, start=1)
        ]

    if ax is None:
        _, ax = plt.subplots(figsize=(6.0, 5.0), layout="constrained")
    groups = np.unique(names)
    palette = colormaps["tab10" if len(groups) <= 10 else "tab20"]
    for i, group in enumerate(groups):
        x, y = points[names == group].T
        ax.scatter(
            x,
            y,
            s=size,
            color=palette(i % palette.N),
            label=str(group),
            linewidths=0,
            rasterized=True,  # thousands of vector marks make files that no one opens
        )
    if marks is not None:
        x, y = marks.T
        ax.scatter(x, y, s=60, marker="X", color="black", edgecolors="white")
    if labels is not None and len(groups) <= palette.N:
        ax.legend(markerscale=3, fontsize="small", ncols=1 + (len(groups) > 10))
    ax.set_xlabel(axis_names[0])
    ax.set_ylabel(axis_names[1])
    return ax
