"""Clusters merged two at a time, the two with the weakest border first.

The normalised cut of two clusters, the share of their links that cross the border, says
how clear it is: about 0 where nothing lies between them, 1 where they are one cloud cut
at random.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from deepcluster_sk.graph.agglomeration import agglomerated
from deepcluster_sk.graph.graph import resolution_for
from deepcluster_sk.graph.merge_split import crossing_shares, links_between
from deepcluster_sk.graph.refinement import refined
from deepcluster_sk.graph.spectral import Labels, modularity


@dataclass(frozen=True)
class OverCutSettings:
    """The many groups that merging begins with.

    The trials are in ``benchmarks/notes/n_clusters.md``.
    """

    group_size: int = 15
    """Nodes of a group, on average. Not tuned."""
    most_groups: int = 160
    """Groups, at most, where no more clusters are asked for: time. Not tuned."""
    merged_share: float = 0.05
    """Share of the clusters that are merged before nodes move again. Without moves
    borders stay blurred: 4 of 5 classes of embeddings were found, and 9 of 10 digits of
    USPS, where all were with them."""


OVER_CUT = OverCutSettings()


@dataclass(frozen=True)
class Merges:
    """Partitions of a graph from many clusters down to one.

    Attributes
    ----------
    n_clusters : ndarray of shape (m,), int64
        Rising from 1.
    border : ndarray of shape (m,)
        Share of links that cross the least clear border between two of so many
        clusters; 0 of one.
    modularity : ndarray of shape (m,)
        At a resolution of 1.
    partitions : list of ndarray of shape (n_nodes,), int64
    """

    n_clusters: NDArray[np.int64]
    border: NDArray[np.float64]
    modularity: NDArray[np.float64]
    partitions: list[Labels]


def over_cut(
    graph: scipy.sparse.csr_matrix,
    most_clusters: int,
    random_state: np.random.RandomState,
) -> Labels:
    """Partition a graph into groups, more of them than there can be clusters.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    most_clusters : int
        Twice as many groups are made at least, if there are three nodes for each.
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n,), int64
        All labels from 0 to the largest are used.
    """
    n = graph.shape[0]
    n_groups = min(n // OVER_CUT.group_size, OVER_CUT.most_groups)
    n_groups = min(max(n_groups, 2 * most_clusters), max(1, n // 3))
    resolution = resolution_for(n_groups)
    groups = _renumbered(agglomerated(graph, n_groups, resolution))
    return _renumbered(refined(graph, groups, n_groups, random_state, resolution))


def merged(
    graph: scipy.sparse.csr_matrix,
    groups: Labels,
    random_state: np.random.RandomState,
    settings: OverCutSettings = OVER_CUT,
) -> Merges:
    """Merge the two groups with the least clear border, until one is left.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    groups : ndarray of shape (n,), int64
        All labels from 0 to the largest are used.
    random_state : RandomState
    settings : OverCutSettings

    Returns
    -------
    Merges
    """
    found: list[tuple[int, float, float, Labels]] = []
    labels = groups
    links = links_between(graph, labels, int(labels.max()) + 1)
    next_move = len(links) * (1 - settings.merged_share)
    while True:
        k = len(links)
        if 1 < k <= next_move:
            labels = refined(graph, labels, k, random_state, resolution_for(k))
            links = links_between(graph, labels, k)
            next_move = k * (1 - settings.merged_share)
        border, kept, gone = least_clear(links)
        found.append((k, border, modularity(graph, labels), labels))
        if k == 1:
            break
        labels = np.where(labels == gone, kept, labels)
        labels -= labels > gone
        links = joined(links, kept, gone)
    n_clusters, borders, modularities, partitions = zip(*reversed(found), strict=True)
    return Merges(
        np.array(n_clusters),
        np.array(borders),
        np.array(modularities),
        list(partitions),
    )


def least_clear(links: NDArray[np.float64]) -> tuple[float, int, int]:
    """Find the two clusters with the least clear border, by the links between all.

    Parameters
    ----------
    links : ndarray of shape (K, K)

    Returns
    -------
    border : float
        Share of links that cross it; 0 of one cluster.
    first, second : int
        The smaller number first; both 0 of one cluster.
    """
    if len(links) == 1:
        return 0.0, 0, 0
    shares = crossing_shares(links)
    upper = np.triu_indices(len(links), 1)  # where none are linked, the first two
    place = int(shares[upper].argmax())
    first, second = int(upper[0][place]), int(upper[1][place])
    return float(shares[first, second]), first, second


def joined(links: NDArray[np.float64], kept: int, gone: int) -> NDArray[np.float64]:
    """Links between clusters, once one has joined another, ``(K - 1, K - 1)``."""
    links = links.copy()
    links[kept] += links[gone]
    links[:, kept] += links[:, gone]
    return np.delete(np.delete(links, gone, 0), gone, 1)


def _renumbered(labels: Labels) -> Labels:
    """Whatever labels are used, as 0, 1, 2 …."""
    return np.unique(labels, return_inverse=True)[1]
