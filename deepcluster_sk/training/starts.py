"""Where the clusters start: a first partition of the data, found without labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

from deepcluster_sk.training.neighbors import ViewProjector, view_neighbors
from deepcluster_sk.training.spectral import (
    Labels,
    affinity,
    consensus,
    partition,
    spectral_embedding,
)

#: Above this many rows k-means runs on mini-batches.
FULL_KMEANS_ROWS = 20_000
#: Rows in a neighbour graph, at most; the other rows follow their neighbours in it.
GRAPH_ROWS = 12_000
#: Augmented views of each image that neighbours are looked for in.
N_VIEWS = 8
#: Neighbours a node is linked to, one partition for each.
N_NEIGHBORS = (10, 15)
#: Eigenvectors a partition is made from, as multiples of the number of clusters. Those
#: beyond one for each cluster hold what tells apart clusters that nearly touch.
N_VECTORS = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
#: Below this many rows one graph and two partitions do.
SMALL_ROWS = 1000


@dataclass
class Start:
    """What a start may look at.

    Attributes
    ----------
    latent : ndarray of shape (n, latent_dim), float32
        The data in the pretrained network's latent space.
    projector : ViewProjector
        The images themselves, and views of them.
    n_clusters : int
    random_state : RandomState
    """

    latent: NDArray[np.float32]
    projector: ViewProjector
    n_clusters: int
    random_state: np.random.RandomState


def kmeans_start(start: Start) -> Labels:
    """k-means on the latent, as the paper has it."""
    seed = start.random_state.randint(np.iinfo(np.int32).max)
    kind = KMeans if len(start.latent) <= FULL_KMEANS_ROWS else MiniBatchKMeans
    model = kind(start.n_clusters, n_init=10, random_state=seed)
    return model.fit_predict(start.latent).astype(np.int64)


def random_start(start: Start) -> Labels:
    """Nearest of K rows drawn at random."""
    n = len(start.latent)
    drawn = start.random_state.choice(n, start.n_clusters, replace=False)
    return nearest(start.latent, start.latent[drawn])


def spectral_start(start: Start) -> Labels:
    """One spectral clustering of the graph of augmentation-tolerant neighbours."""
    return _graph_start(start, n_graphs=1, n_neighbors=(10,), n_vectors=(1.5,))


def consensus_start(start: Start) -> Labels:
    """Agree on spectral clusterings that differ in views, links and eigenvectors."""
    if len(start.latent) < SMALL_ROWS:
        return _graph_start(start, n_graphs=1, n_neighbors=(10,), n_vectors=(1.0, 1.5))
    return _graph_start(start, 2, N_NEIGHBORS, N_VECTORS)


def _graph_start(
    start: Start,
    n_graphs: int,
    n_neighbors: tuple[int, ...],
    n_vectors: tuple[float, ...],
) -> Labels:
    n, n_clusters = len(start.latent), start.n_clusters
    if n_clusters == 1 or n < 4:
        return kmeans_start(start)
    device = start.projector.generator.device
    order = start.random_state.permutation(n)
    nodes = torch.from_numpy(order[:GRAPH_ROWS]).to(device)
    counts = [min(k, len(nodes) - 1) for k in n_neighbors]
    widths = sorted(
        {min(round(share * n_clusters), len(nodes) - 1) for share in n_vectors}
    )
    partitions = []
    for _ in range(n_graphs):
        views = start.projector.views(nodes, N_VIEWS)
        neighbors = view_neighbors(views[0], views, max(counts), same=True)
        for k in counts:
            vectors = spectral_embedding(affinity(neighbors, k), max(widths))
            partitions += [
                partition(vectors[:, :width], n_clusters, 3, start.random_state)
                for width in widths
            ]
    found = consensus(partitions, n_clusters, start.random_state)
    labels = np.empty(n, np.int64)
    labels[order[:GRAPH_ROWS]] = found
    if n > GRAPH_ROWS:
        rest = torch.from_numpy(order[GRAPH_ROWS:]).to(device)
        labels[order[GRAPH_ROWS:]] = _follow(start, rest, views, found)
    return labels


def _follow(
    start: Start, rest: torch.Tensor, views: list[torch.Tensor], found: Labels
) -> Labels:
    """Labels of the rows outside the graph: the vote of their neighbours in it."""
    k = min(N_NEIGHBORS[0], len(found))
    neighbors = view_neighbors(start.projector.project(rest), views, k)
    votes = np.zeros((len(rest), start.n_clusters), np.int64)
    rows = np.arange(len(rest))
    for column in neighbors.indices.cpu().numpy().T:
        votes[rows, found[column]] += 1
    return votes.argmax(1)


_STARTS = {
    "consensus": consensus_start,
    "spectral": spectral_start,
    "kmeans": kmeans_start,
    "random": random_start,
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

    Raises
    ------
    ValueError
        If the centres given are not finite or not of that shape.
    """
    if isinstance(init, str):
        labels = _STARTS[init](start)
        labels = reseed_empty(start.latent, labels, start.n_clusters)
        return labels, centers_of(start.latent, labels, start.n_clusters)
    if callable(init):
        init = init(start.latent, start.n_clusters, random_state=start.random_state)
    centers = checked_centers(init, start.n_clusters, start.latent.shape[1])
    return nearest(start.latent, centers), centers


def checked_centers(init: Any, n_clusters: int, latent_dim: int) -> NDArray[np.float32]:
    """Centres as float32, or a ValueError that says what they should be."""
    centers = np.asarray(init, dtype=np.float32)
    expected = (n_clusters, latent_dim)
    if centers.shape != expected or not np.isfinite(centers).all():
        raise ValueError(
            "init must give finite centres of shape (n_clusters, latent_dim) = "
            f"{expected}, got shape {centers.shape}."
        )
    return centers


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
