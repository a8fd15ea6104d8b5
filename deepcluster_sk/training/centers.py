"""Where the clusters start in a latent space."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.neighbors import kneighbors_graph

from deepcluster_sk.graph.agglomeration import agglomerated
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.runtime.seeding import drawn_seed

#: Above this many rows k-means runs on mini-batches.
FULL_KMEANS_ROWS = 100_000
#: Nearest rows that each is linked to.
N_NEIGHBORS = 20


def kmeans_start(
    latent: NDArray[Any], n_clusters: int, random_state: np.random.RandomState
) -> Labels:
    """k-means on the latent, as the paper has it."""
    seed = drawn_seed(random_state)
    kind = KMeans if len(latent) <= FULL_KMEANS_ROWS else MiniBatchKMeans
    model = kind(n_clusters, n_init=10, random_state=seed)
    return model.fit_predict(latent).astype(np.int64)


def agglomerative_start(latent: NDArray[Any], n_clusters: int) -> Labels:
    """Join rows that are near each other, by the links between nearest ones.

    Clusters need not be round, as k-means and Gaussians want them.
    """
    links = kneighbors_graph(latent, min(N_NEIGHBORS, len(latent) - 1))
    return agglomerated((links + links.T).tocsr(), n_clusters)


def random_start(
    latent: NDArray[Any], n_clusters: int, random_state: np.random.RandomState
) -> Labels:
    """Nearest of K rows drawn at random."""
    drawn = random_state.choice(len(latent), n_clusters, replace=False)
    return nearest(latent, latent[drawn])


def checked_centers(init: Any, n_clusters: int, latent_dim: int) -> NDArray[np.float32]:
    """Centres as float32, or a ValueError that says what they should be."""
    expected = (n_clusters, latent_dim)
    try:
        # A copy in order: reversed or read-only arrays are none that torch takes.
        centers = np.array(np.asarray(init), dtype=np.float32, order="C")
    except (RuntimeError, TypeError, ValueError):
        centers = None
    if centers is None or centers.shape != expected or not np.isfinite(centers).all():
        raise ValueError(
            "init must give finite centres of shape (n_clusters, latent_dim) = "
            f"{expected}, got {_described(init, centers)}."
        )
    return centers


def _described(init: Any, centers: NDArray[Any] | None) -> str:
    """Say what was given, without printing an array."""
    if centers is None:
        return f"a {type(init).__name__}" if hasattr(init, "__len__") else repr(init)
    if not np.isfinite(centers).all():
        return f"shape {centers.shape} with NaN or infinite numbers"
    return f"shape {centers.shape}"


def nearest(latent: NDArray[Any], centers: NDArray[Any]) -> Labels:
    """Index of the nearest centre of every row."""
    squared = (centers**2).sum(1) - 2 * latent @ centers.T
    return squared.argmin(1)


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
