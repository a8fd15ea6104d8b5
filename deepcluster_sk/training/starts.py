"""Where the clusters start: a first partition of the data, found without labels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

Labels = NDArray[np.int64]
#: Above this many rows k-means runs on mini-batches.
FULL_KMEANS_ROWS = 20_000


@dataclass
class Start:
    """What a start may look at.

    Attributes
    ----------
    latent : ndarray of shape (n, latent_dim), float32
    n_clusters : int
    random_state : RandomState
    views : callable or None
        Given a number of rows' indices, scaled images as flat float32 rows, and
        augmented views of them.
    """

    latent: NDArray[np.float32]
    n_clusters: int
    random_state: np.random.RandomState
    views: Callable[..., Any] | None


def kmeans_start(start: Start) -> Labels:
    """k-means on the latent, as the paper has it."""
    seed = start.random_state.randint(np.iinfo(np.int32).max)
    kind = KMeans if len(start.latent) <= FULL_KMEANS_ROWS else MiniBatchKMeans
    model = kind(start.n_clusters, n_init=10, random_state=seed)
    return model.fit_predict(start.latent).astype(np.int64)


def random_start(start: Start) -> Labels:
    """Nearest of K rows drawn at random."""
    drawn = start.random_state.choice(
        len(start.latent), start.n_clusters, replace=False
    )
    return nearest(start.latent, start.latent[drawn])


def nearest(latent: NDArray[Any], centers: NDArray[Any]) -> Labels:
    """Index of the nearest centre of every row."""
    squared = (centers**2).sum(1) - 2 * latent @ centers.T
    return squared.argmin(1)


_STARTS = {
    "kmeans": kmeans_start,
    "random": random_start,
    "consensus": kmeans_start,
    "spectral": kmeans_start,
}


def find_start(init: Any, start: Start) -> tuple[Labels, NDArray[np.float32]]:
    """First partition and its centres.

    Parameters
    ----------
    init : str, array of shape (n_clusters, latent_dim), or callable
        A callable is asked as ``init(latent, n_clusters, random_state=...)`` for
        centres, as scikit-learn's KMeans asks it.
    start : Start

    Returns
    -------
    labels : ndarray of shape (n,), int64
    centers : ndarray of shape (n_clusters, latent_dim), float32
    """
    if isinstance(init, str):
        labels = _STARTS[init](start)
        labels = reseed_empty(start.latent, labels, start.n_clusters)
        return labels, centers_of(start.latent, labels, start.n_clusters)
    if callable(init):
        init = init(start.latent, start.n_clusters, random_state=start.random_state)
    centers = np.asarray(init, dtype=np.float32)
    expected = (start.n_clusters, start.latent.shape[1])
    if centers.shape != expected or not np.isfinite(centers).all():
        raise ValueError(
            f"init must give finite centres of shape (n_clusters, latent_dim) = "
            f"{expected}, got shape {centers.shape}."
        )
    return nearest(start.latent, centers), centers


def centers_of(latent: NDArray[Any], labels: Labels, n_clusters: int) -> Any:
    """Mean of each cluster, ``(n_clusters, latent_dim)``."""
    sums = np.zeros((n_clusters, latent.shape[1]), latent.dtype)
    np.add.at(sums, labels, latent)
    counts = np.bincount(labels, minlength=n_clusters)
    return sums / np.maximum(counts, 1)[:, None]


def reseed_empty(latent: NDArray[Any], labels: Labels, n_clusters: int) -> Labels:
    """Give every empty cluster the row farthest from its own centre."""
    labels = labels.copy()
    for empty in np.setdiff1d(np.arange(n_clusters), labels):
        counts = np.bincount(labels, minlength=n_clusters)
        centers = centers_of(latent, labels, n_clusters)
        distance = ((latent - centers[labels]) ** 2).sum(1)
        # Only a cluster of several rows can spare one.
        distance[counts[labels] < 2] = -1
        labels[distance.argmax()] = empty
    return labels
