"""A partition of a graph refined: groups of nodes, then single ones, change cluster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.sparse

from deepcluster_sk.graph.coarsening import MOST_LEFT, contracted, paired
from deepcluster_sk.graph.spectral import Labels, degrees, modularity

#: Groups are joined to larger ones while so many of them a cluster remain. Larger ones
#: move for next to no modularity, and take a way of writing a digit with them.
GROUPS = 30
#: Times that groups are formed anew, at most; mostly two do.
CYCLES = 10
#: Rounds of moves; few nodes move after some twenty.
ROUNDS = 40
#: At a resolution so many times higher it is tried again where a cluster is lost, and
#: how often.
FINER, TRIES = 1.25, 10
#: What a node must gain to move, as a share of its degree: more than rounding.
_LEAST_GAIN = 1e-9


def refined(
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
    resolution: float = 1.0,
) -> Labels:
    r"""Move nodes to other clusters as long as the modularity rises.

    A node i of degree d_i that joins cluster k, of links w_ik to it and of degree d_k
    without i, adds to the modularity, up to a constant,

    .. math:: \frac{2}{w} \left( w_{ik} - \gamma \frac{d_i d_k}{w} \right).

    Nodes that hold each other where they are move only together. So those of a cluster
    that are nearest to each other are joined in pairs first, the pairs in pairs, and so
    on; the largest groups move first, the single nodes last.

    The modularity may be highest without one of the clusters. Since so many were asked
    for, it is then taken at a higher resolution :math:`\gamma`, at which none is lost.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    labels : ndarray of shape (n,), int
    n_clusters : int
    random_state : RandomState
    resolution : float, default=1.0

    Returns
    -------
    ndarray of shape (n,), int64
        Of no lower modularity, at the resolution taken, and no fewer clusters.

    References
    ----------
    Noack and Rotta (2009), "Multi-level algorithms for modularity clustering".
    """
    n_used = len(np.unique(labels))
    for _ in range(TRIES):
        found = _climbed(graph, labels, n_clusters, random_state, resolution)
        if len(np.unique(found)) >= n_used:
            return found
        resolution *= FINER
    return labels


def _climbed(
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
    resolution: float,
) -> Labels:
    """Move groups and nodes, until neither raises the modularity."""
    move = partial(
        _moved,
        n_clusters=n_clusters,
        random_state=random_state,
        resolution=resolution,
    )
    merit = modularity(graph, labels, resolution)
    for _ in range(CYCLES):
        found = _cycle(graph, labels, GROUPS * n_clusters, move)
        better = modularity(graph, found, resolution)
        if better <= merit + _LEAST_GAIN:
            break
        labels, merit = found, better
    return labels


def _cycle(
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
    least: int,
    move: Callable[[scipy.sparse.csr_matrix, Labels], Labels],
) -> Labels:
    """Move groups of nodes, if there are at least so many, and then the nodes."""
    groups = paired(graph, labels)
    n_groups = groups.max() + 1
    if least <= n_groups <= MOST_LEFT * len(labels):
        of_groups = np.empty(n_groups, np.int64)
        of_groups[groups] = labels
        labels = _cycle(contracted(graph, groups), of_groups, least, move)[groups]
    return move(graph, labels)


def _moved(
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
    resolution: float,
) -> Labels:
    """Move single nodes as long as the modularity rises.

    In every round about half of the nodes that would gain by it move, drawn at random:
    if all did, two that belong together could change places for ever.
    """
    degree = degrees(graph)
    total = degree.sum()
    if not total:
        return labels
    nodes = np.arange(len(labels))
    loops = graph.diagonal()
    best, merit = labels, -np.inf
    for _ in range(ROUNDS):
        member = np.eye(n_clusters)[labels]
        links, sums = graph @ member, degree @ member
        found = links[nodes, labels].sum() - resolution * (sums**2).sum() / total
        if found > merit:
            best, merit = labels, found
        others = sums - member * degree[:, None]
        gain = links - resolution * degree[:, None] * others / total
        gain[nodes, labels] -= loops
        would = gain.max(axis=1) > gain[nodes, labels] + _LEAST_GAIN * degree
        if not would.any():
            break
        moving = would & (random_state.uniform(size=len(nodes)) < 0.5)
        labels = np.where(moving, gain.argmax(axis=1), labels)
    return best
