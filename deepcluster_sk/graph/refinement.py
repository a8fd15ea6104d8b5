"""A partition of a graph refined: groups of nodes, then single ones, change cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from deepcluster_sk.graph.coarsening import MOST_LEFT, contracted, paired
from deepcluster_sk.graph.spectral import Labels, degrees, modularity

#: What a node must gain to move, as a share of its degree: more than rounding.
_LEAST_GAIN = 1e-9


@dataclass(frozen=True)
class RefinementSettings:
    """How far groups and nodes are moved.

    The trials are in ``benchmarks/notes/graph.md``, under "Moves of groups".
    """

    n_groups: int = 30
    """Groups of a cluster down to which groups are joined. Larger ones move for next to
    no modularity, and take a way of writing a digit with them: at 10, 15 and 20 digits
    fall from .985 to .970; at 50 all sets are within .005 of 30."""
    max_cycles: int = 10
    """Times that groups are formed anew, at most; mostly two do."""
    max_rounds: int = 40
    """Rounds of moves, at most; few nodes move after some twenty."""
    moving_share: float = 0.5
    """Share of the nodes that would gain by it that move in a round, drawn at random:
    if all did, two that belong together could change places for ever."""
    finer: float = 1.25
    """Where a cluster is lost, it is tried again at so many times the resolution. Of
    CIFAR-10 moves emptied one or two of ten clusters in six cuts of six (.407, NMI
    .300); so none (.4065, .306)."""
    max_tries: int = 10
    """How often, at most."""
    smallest_share: float = 0.1
    """What is smaller than so large a share of n / K counts as lost: no network learns
    it. Of all of CIFAR-10 two clusters were left with 11 and 83 images of 49,288, and
    joint training lost both. Not tuned."""


REFINEMENT = RefinementSettings()


def refined(
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
    resolution: float = 1.0,
    settings: RefinementSettings = REFINEMENT,
) -> Labels:
    r"""Move nodes to other clusters as long as the modularity rises.

    A node i of degree d_i that joins cluster k, of links w_ik to it and of degree d_k
    without i, adds to the modularity, up to a constant,

    .. math:: \frac{2}{w} \left( w_{ik} - \gamma \frac{d_i d_k}{w} \right).

    Nodes that hold each other where they are move only together. So those of a cluster
    that are nearest to each other are joined in pairs first, the pairs in pairs, and so
    on; the largest groups move first, the single nodes last.

    The modularity may be highest without one of the clusters, or with next to nothing
    in it. Since so many were asked for, it is then taken at a higher resolution
    :math:`\gamma`, at which none is lost.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    labels : ndarray of shape (n,), int
    n_clusters : int
    random_state : RandomState
    resolution : float, default=1.0
    settings : RefinementSettings

    Returns
    -------
    ndarray of shape (n,), int64
        Of no lower modularity, at the resolution taken, and no fewer clusters, nor
        fewer that are not tiny.

    References
    ----------
    Noack and Rotta (2009), "Multi-level algorithms for modularity clustering".
    """
    least = max(settings.smallest_share * len(labels) / n_clusters, 1)

    def used(labels: Labels) -> NDArray[np.int64]:
        sizes = np.bincount(labels)
        return np.array([(sizes > 0).sum(), (sizes >= least).sum()])

    wanted = used(labels)
    for _ in range(settings.max_tries):
        found = _climbed(graph, labels, n_clusters, random_state, resolution, settings)
        if (used(found) >= wanted).all():
            return found
        resolution *= settings.finer
    return labels


def _climbed(
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
    resolution: float,
    settings: RefinementSettings,
) -> Labels:
    """Move groups and nodes, until neither raises the modularity."""
    move = partial(
        _moved,
        n_clusters=n_clusters,
        random_state=random_state,
        resolution=resolution,
        settings=settings,
    )
    merit = modularity(graph, labels, resolution)
    for _ in range(settings.max_cycles):
        found = _cycle(graph, labels, settings.n_groups * n_clusters, move)
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
    settings: RefinementSettings,
) -> Labels:
    """Move single nodes as long as the modularity rises."""
    degree = degrees(graph)
    total = degree.sum()
    if not total:
        return labels
    nodes = np.arange(len(labels))
    loops = graph.diagonal()
    best, merit = labels, -np.inf
    for _ in range(settings.max_rounds):
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
        drawn = random_state.uniform(size=len(nodes)) < settings.moving_share
        moving = would & drawn
        labels = np.where(moving, gain.argmax(axis=1), labels)
    return best
