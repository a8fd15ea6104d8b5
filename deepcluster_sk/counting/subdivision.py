"""Clusters divided into the groups that they are made of: the lower part of a tree."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray

from deepcluster_sk.counting.tree import border_tree, planted
from deepcluster_sk.data.batches import spaced_rows
from deepcluster_sk.graph.agglomeration import agglomerated
from deepcluster_sk.graph.graph import resolution_for
from deepcluster_sk.graph.merge_split import links_between
from deepcluster_sk.graph.neighbors import view_neighbors
from deepcluster_sk.graph.spectral import Labels, affinity


@dataclass(frozen=True)
class SubdivisionSettings:
    """How finely clusters are divided. Nothing is tuned."""

    group_size: int = 5
    """Samples of a group, on average and at least so many: as many as a node has links
    where there are few."""
    most_groups: int = 160
    """Groups in all, at most: as many as counting begins with."""
    max_nodes: int = 2_000
    """Points that are divided by their neighbours, at most; the others follow. As many
    as clusters are counted on."""
    n_neighbors: int = 10
    """Neighbours that a point is linked to, as in counting."""


SUBDIVISION = SubdivisionSettings()


def tree_of(
    above: NDArray[np.float64],
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
) -> tuple[NDArray[np.float64], Labels]:
    """Divide the clusters of a graph, and put their trees under one that is known.

    Parameters
    ----------
    above : ndarray of shape (K - 1, 4)
        Tree over the clusters.
    graph : sparse matrix of shape (n, n)
        Symmetric.
    labels : ndarray of shape (n,), int64
        In [0, K).

    Returns
    -------
    tree : ndarray of shape (M - 1, 4)
    leaves : ndarray of shape (n,), int64
        In [0, M), rising with the cluster.
    """
    n_clusters = len(above) + 1
    per_node = min(
        1 / SUBDIVISION.group_size, SUBDIVISION.most_groups / max(1, len(labels))
    )
    leaves, trees, n_leaves = np.empty(len(labels), np.int64), [], 0
    for cluster in range(n_clusters):
        nodes = np.flatnonzero(labels == cluster)
        n_groups = int(len(nodes) * per_node)
        groups = np.zeros(len(nodes), np.int64)
        within = graph[nodes][:, nodes]
        if n_groups > 1:
            groups = agglomerated(within, n_groups, resolution_for(n_groups))
        n_groups = int(groups.max(initial=0)) + 1
        trees.append(border_tree(links_between(within, groups, n_groups)))
        leaves[nodes] = n_leaves + groups
        n_leaves += n_groups
    return planted(above, trees), leaves


def tree_in_space(
    above: NDArray[np.float64],
    points: NDArray[np.float32],
    labels: Labels,
) -> tuple[NDArray[np.float64], Labels]:
    """Divide the clusters of points by their neighbours; see :func:`tree_of`.

    Parameters
    ----------
    above : ndarray of shape (K - 1, 4)
    points : ndarray of shape (n, d)
    labels : ndarray of shape (n,), int64

    Returns
    -------
    tree : ndarray of shape (M - 1, 4)
    leaves : ndarray of shape (n,), int64
    """
    one_of_each = np.unique(labels, return_index=True)[1]
    nodes = np.union1d(spaced_rows(len(points), SUBDIVISION.max_nodes), one_of_each)
    drawn = torch.from_numpy(np.ascontiguousarray(points[nodes]))
    k = min(SUBDIVISION.n_neighbors, len(nodes) - 1)
    graph = affinity(view_neighbors(drawn, [drawn], k, same=True), k)
    tree, found = tree_of(above, graph, labels[nodes])
    return tree, spread(points, labels, nodes, found)


def spread(
    points: NDArray[np.floating],
    labels: Labels,
    nodes: NDArray[np.int64],
    found: Labels,
) -> Labels:
    """Give samples beside those divided the leaf of their cluster they are nearest to.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    labels : ndarray of shape (n,), int64
    nodes : ndarray of shape (n_nodes,), int64
        Samples whose leaf is known.
    found : ndarray of shape (n_nodes,), int64
        Their leaves; there is one at least of every cluster.

    Returns
    -------
    ndarray of shape (n,), int64
    """
    leaves = np.full(len(labels), -1)
    leaves[nodes] = found
    for cluster in np.unique(labels[leaves < 0]):
        rest = np.flatnonzero((leaves < 0) & (labels == cluster))
        own = np.unique(found[labels[nodes] == cluster])
        middles = np.stack([points[nodes[found == leaf]].mean(axis=0) for leaf in own])
        gaps = np.stack([((points[rest] - m) ** 2).sum(axis=1) for m in middles])
        leaves[rest] = own[gaps.argmin(axis=0)]
    return leaves
