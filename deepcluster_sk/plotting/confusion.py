"""Clusters against classes."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from deepcluster_sk.metrics import confusion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from deepcluster_sk.plotting.pyplot import import_pyplot


def plot_confusion(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    normalize: bool = False,
    cmap: str = "Blues",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw classes against clusters, with the clusters in matched order.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        Classes and clusters, as for :func:`deepcluster_sk.metrics.confusion`.
    normalize : bool, default=False
        Show the share of each class, in per cent, instead of counts.
    cmap : str, default="Blues"
        Colour map.
    ax : matplotlib Axes, default=None
        Where to draw. None makes a figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        As for :func:`deepcluster_sk.metrics.clustering_accuracy_score`.
    ImportError
        If matplotlib is not installed.
    """
    plt = import_pyplot()
    counts, classes, clusters = confusion(labels_true, labels_pred)
    shares = counts / counts.sum(axis=1, keepdims=True)
    if ax is None:
        side = min(max(0.5 * max(counts.shape), 3.0), 20.0)  # inches
        _, ax = plt.subplots(figsize=(side + 0.5, side), layout="constrained")
    ax.imshow(shares, cmap=cmap, vmin=0, vmax=1)
    if max(counts.shape) <= 20:  # more would not be legible
        for (i, j), count in np.ndenumerate(counts):
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
    ax.set_xticks(range(len(clusters)), [str(cluster) for cluster in clusters])
    ax.set_yticks(range(len(classes)), [str(klass) for klass in classes])
    ax.set_xlabel("cluster")
    ax.set_ylabel("class")
    return ax
