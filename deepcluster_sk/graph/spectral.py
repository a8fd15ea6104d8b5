"""Partitions of a neighbour graph: made by its eigenvectors, rated by modularity."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from deepcluster_sk.graph.neighbors import Neighbors
from deepcluster_sk.runtime.seeding import drawn_seed

Labels = NDArray[np.int64]
#: Graphs up to this many nodes are decomposed densely: it is faster, and exact.
_DENSE_NODES = 300
#: Largest shift of an eigenvalue, out of 2.
_COMPONENT_SHIFT = 0.01


def affinity(neighbors: Neighbors, k: int) -> scipy.sparse.csr_matrix:
    r"""Symmetric graph of the k nearest neighbours with self-tuning weights.

    .. math:: w_{ij} = \exp(-d_{ij}^2 / (s_i s_j))

    with s the distance to the neighbour half way to the k-th, so that dense and thin
    parts of the data are linked alike; symmetrised by the mean.

    Parameters
    ----------
    neighbors : Neighbors
        Of all nodes among each other; at least `k` of each.
    k : int

    Returns
    -------
    sparse matrix of shape (n, n)

    References
    ----------
    Zelnik-Manor and Perona (2004), "Self-tuning spectral clustering".
    """
    indices = neighbors.indices[:, :k].cpu().numpy()
    distances = neighbors.distances[:, :k].cpu().numpy().astype(np.float64)
    n = len(indices)
    # Copies of one image are at distance 0, and must not divide by it.
    scale = np.maximum(distances[:, k // 2], np.finfo(np.float32).tiny)
    weights = np.exp(-(distances**2) / (scale[:, None] * scale[indices]))
    rows = np.repeat(np.arange(n), k)
    graph = scipy.sparse.csr_matrix((weights.ravel(), (rows, indices.ravel())), (n, n))
    return ((graph + graph.T) / 2).tocsr()


def degrees(graph: scipy.sparse.csr_matrix) -> NDArray[np.float64]:
    """Sum of the weights of each node's links, ``(n,)``."""
    return np.asarray(graph.sum(axis=1)).ravel()


def modularity(
    graph: scipy.sparse.csr_matrix, labels: Labels, resolution: float = 1.0
) -> float:
    r"""Newman's modularity: how much of the graph lies inside clusters, beyond chance.

    .. math::
        Q = \sum_k \left[
            \frac{w_k}{w} - \gamma \left( \frac{d_k}{w} \right)^2 \right]

    with w the total weight, w_k that between nodes of cluster k, d_k the degrees of
    its nodes, summed, and :math:`\gamma` the resolution.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    labels : ndarray of shape (n,), int
    resolution : float, default=1.0
        The more, the more it costs to merge clusters.

    Returns
    -------
    float
        Higher is better. At a resolution of 1 in [-1/2, 1), and 0 for one cluster that
        holds everything.

    References
    ----------
    Newman and Girvan (2004), "Finding and evaluating community structure in networks".
    Reichardt and Bornholdt (2006), "Statistical mechanics of community detection".
    """
    return float(modularity_shares(graph, labels, resolution).sum())


def modularity_shares(
    graph: scipy.sparse.csr_matrix, labels: Labels, resolution: float = 1.0
) -> NDArray[np.float64]:
    r"""Compute what each node adds to the modularity of a partition.

    A node i of degree d_i, of which w_i to nodes of its own cluster k, adds

    .. math:: \frac{1}{w} \left( w_i - \gamma \frac{d_i d_k}{w} \right).

    Parameters are those of :func:`modularity`.

    Returns
    -------
    ndarray of shape (n,)
    """
    degree = degrees(graph)
    total = degree.sum()
    if not total:
        return np.zeros(len(degree))
    links = graph.tocoo()
    kept = links.data * (labels[links.row] == labels[links.col])
    inside = np.bincount(links.row, kept, len(degree))
    by_chance = degree * np.bincount(labels, degree)[labels] / total
    return (inside - resolution * by_chance) / total


def spectral_embedding(graph: scipy.sparse.csr_matrix, n_vectors: int) -> NDArray[Any]:
    """Leading eigenvectors of the normalised graph, the most telling first.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric, no negative weights.
    n_vectors : int
        Less than n.

    Returns
    -------
    ndarray of shape (n, n_vectors)
    """
    n = graph.shape[0]
    degree = degrees(graph)
    inverse = scipy.sparse.diags(1 / np.sqrt(np.maximum(degree, 1e-12)))
    normalized = inverse @ graph @ inverse
    if n <= _DENSE_NODES:
        _, vectors = scipy.linalg.eigh(normalized.toarray())
        return vectors[:, ::-1][:, :n_vectors]
    # Lanczos finds one vector for a repeated eigenvalue, and every component of the
    # graph brings a 1. A shift of its own for each component sets them apart, and
    # leaves the eigenvectors as they are.
    n_components, component = scipy.sparse.csgraph.connected_components(normalized)
    shift = scipy.sparse.diags(_COMPONENT_SHIFT * component / n_components)
    values, vectors = scipy.sparse.linalg.eigsh(
        normalized + shift,
        n_vectors,
        which="LA",
        tol=1e-4,
        v0=np.random.RandomState(0).uniform(0.5, 1.5, n),
        ncv=min(n, max(4 * n_vectors, 60)),
    )
    return vectors[:, np.argsort(-values)]


def partition(
    embedding: NDArray[Any], n_clusters: int, n_init: int, random_state: Any
) -> Labels:
    """k-means on the directions of the rows of a spectral embedding."""
    norms = np.linalg.norm(embedding, axis=1, keepdims=True)
    rows = embedding / np.maximum(norms, 1e-12)
    seed = drawn_seed(random_state)
    model = KMeans(n_clusters, n_init=n_init, random_state=seed)
    return model.fit_predict(rows).astype(np.int64)


def consensus(
    partitions: Sequence[Labels],
    n_clusters: int,
    random_state: Any,
    n_init: int = 10,
) -> Labels:
    """One partition that agrees with many.

    The indicator columns of all partitions, scaled by cluster size, are reduced to
    their leading left singular vectors, on which the samples are partitioned anew:
    spectral clustering of how often two samples fall together.

    Parameters
    ----------
    partitions : sequence of ndarray of shape (n,), int
    n_clusters : int
    random_state : RandomState
    n_init : int, default=10
        Runs of k-means.

    Returns
    -------
    ndarray of shape (n,), int64
    """
    if len(partitions) == 1:
        return partitions[0]
    n = len(partitions[0])
    columns = []
    for labels in partitions:
        _, labels = np.unique(labels, return_inverse=True)
        sizes = np.bincount(labels)
        columns.append(
            scipy.sparse.csr_matrix(
                (1 / np.sqrt(sizes[labels]), (np.arange(n), labels))
            )
        )
    indicators = scipy.sparse.hstack(columns).tocsr()
    # The Gram matrix is small: clusters times partitions on a side.
    gram = (indicators.T @ indicators).toarray()
    _, vectors = scipy.linalg.eigh(gram)
    embedding = indicators @ vectors[:, ::-1][:, :n_clusters]
    return partition(embedding, n_clusters, n_init, random_state)
