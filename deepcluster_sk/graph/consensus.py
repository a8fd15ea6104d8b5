"""First partition of a data set by its graph of neighbours, found without labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.graph.agglomeration import agglomerated
from deepcluster_sk.graph.coarsening import contracted
from deepcluster_sk.graph.graph import Graph, summed
from deepcluster_sk.graph.settings import GraphSettings
from deepcluster_sk.graph.spectral import Labels, consensus, partition


@dataclass(frozen=True)
class ConsensusSettings:
    """How partitions of several graphs are brought together.

    The trials are in ``benchmarks/notes``: "The start" and "Many small clusters".
    """

    n_init: int = 5
    """Runs of k-means on each embedding, of which the best by modularity is taken. 6
    and 12: no gain on any of five sets."""
    shares: tuple[float, ...] = (1 / 3, 2 / 3, 1)
    """Of the partitions of each graph, the best by modularity that go into a consensus;
    the best of these is taken. All: usps mostly .982, but once .964. A third: .982, but
    digits once .968, where the best were alike."""
    n_errors: float = 2.0
    """Standard errors by which the modularity of another partition must be above the
    consensus's for it to be taken instead: the usual bound, not tuned."""


CONSENSUS = ConsensusSettings()


@dataclass(frozen=True)
class Partition:
    """A first partition, and the graph it was found on.

    Attributes
    ----------
    labels : ndarray of shape (n,), int64
    graph : Graph
    rivals : ndarray of shape (n_rivals, n_nodes), int64
        Other partitions of the nodes, made of those whose modularity is not clearly
        below the highest that was found.
    """

    labels: Labels
    graph: Graph
    rivals: NDArray[np.int64]


def graph_partition(
    graphs: Sequence[Graph],
    n_clusters: int,
    n_rows: int,
    settings: GraphSettings,
    random_state: np.random.RandomState,
) -> Partition:
    """Partition a data set by several graphs of the same nodes.

    Spectral clusterings of each graph, by several numbers of eigenvectors, are ranked
    by their modularity, and the best brought to a consensus. Others challenge it; the
    best of them is taken if it is clearly better, see :func:`clearly_better`. Last, of
    this one and of its rivals, clusters without a clear border are merged, and others
    split.

    Parameters
    ----------
    graphs : sequence of Graph
    n_clusters : int
    n_rows : int
        Samples in the data set. Those that are no nodes follow their voters; where they
        have none, their label is -1.
    settings : GraphSettings
        Says how many eigenvectors.
    random_state : RandomState

    Returns
    -------
    Partition
        With the last of the graphs.
    """
    ranked = _ranked(graphs, n_clusters, settings, random_state)
    agreed = _best_consensus(ranked, graphs, n_clusters, random_state)
    whole = summed(graphs)
    climb = partial(
        whole.node_refined, n_clusters=n_clusters, random_state=random_state
    )
    reached = climb(agreed)
    joined = [agglomerated(g.weights, n_clusters, g.resolution) for g in graphs]
    spectral = [partitions[0] for partitions in ranked]
    found = [reached, *map(climb, (*joined, *spectral))]
    found += map(climb, _rejoined(found, whole, n_clusters, CONSENSUS.shares))
    best = max(found, key=whole.node_modularity)
    wins = partial(clearly_better, whole, best)
    near = np.unique([labels for labels in found if not wins(labels)], axis=0)
    graph = graphs[-1]

    def finished(partition: Labels) -> Labels:
        labels = np.full(n_rows, -1)
        labels[graph.nodes] = partition
        return graph.merge_split(labels, n_clusters, random_state)

    labels = finished(best if wins(reached) else agreed)
    rivals = [finished(partition)[graph.nodes] for partition in near]
    return Partition(labels, graph, np.unique(rivals, axis=0))


def clearly_better(
    graph: Graph,
    one: Labels,
    other: Labels,
    settings: ConsensusSettings = CONSENSUS,
) -> bool:
    """Whether one partition of the nodes has the higher modularity beyond chance.

    Parameters
    ----------
    graph : Graph
    one, other : ndarray of shape (n_nodes,), int64
    settings : ConsensusSettings
        Says how many standard errors, of the mean over the nodes, are beyond chance.
    """
    shares = graph.modularity_shares(one), graph.modularity_shares(other)
    return beyond_chance(np.subtract(*shares), settings)


def beyond_chance(
    gain: NDArray[np.float64], settings: ConsensusSettings = CONSENSUS
) -> bool:
    """Whether the mean of what nodes gain, ``(n_nodes,)``, is more than chance."""
    return bool(gain.mean() > settings.n_errors * gain.std() / np.sqrt(len(gain)))


def _rejoined(
    partitions: Sequence[Labels],
    graph: Graph,
    n_clusters: int,
    shares: Sequence[float],
) -> list[Labels]:
    """Join anew what the best, most and all of several partitions agree on.

    Nodes that are together in all of them stay together.

    References
    ----------
    Ovelgönne and Geyer-Schulz (2013), "An ensemble learning strategy for graph
    clustering".
    """
    ranked = sorted(partitions, key=graph.node_modularity, reverse=True)
    found = []
    for share in shares:
        kept = np.stack(ranked[: math.ceil(share * len(ranked))])
        groups = np.unique(kept, axis=1, return_inverse=True)[1].ravel()
        links = contracted(graph.weights, groups)
        n_joined = min(n_clusters, links.shape[0])
        found.append(agglomerated(links, n_joined, graph.resolution)[groups])
    return found


def agreed_partition(
    graphs: Sequence[Graph],
    n_clusters: int,
    settings: GraphSettings,
    random_state: np.random.RandomState,
) -> Labels:
    """Consensus of spectral clusterings of the nodes, ``(n_nodes,)``."""
    ranked = _ranked(graphs, n_clusters, settings, random_state)
    return _best_consensus(ranked, graphs, n_clusters, random_state)


def _ranked(
    graphs: Sequence[Graph],
    n_clusters: int,
    settings: GraphSettings,
    random_state: np.random.RandomState,
) -> list[list[Labels]]:
    """Spectral clusterings of each graph, the best first."""
    return [_spectral(graph, n_clusters, settings, random_state) for graph in graphs]


def _spectral(
    graph: Graph,
    n_clusters: int,
    settings: GraphSettings,
    random_state: np.random.RandomState,
) -> list[Labels]:
    """Partitions of the nodes, one for each number of eigenvectors, the best first."""
    found = [
        max(
            (
                partition(e, n_clusters, 1, random_state)
                for _ in range(CONSENSUS.n_init)
            ),
            key=graph.node_modularity,
        )
        for e in graph.embeddings(n_clusters, settings)
    ]
    return sorted(found, key=graph.node_modularity, reverse=True)


def _best_consensus(
    ranked: Sequence[Sequence[Labels]],
    graphs: Sequence[Graph],
    n_clusters: int,
    random_state: np.random.RandomState,
) -> Labels:
    """Of the best, of most and of all partitions of each graph, the better consensus.

    Few of many partitions may be good, but the best by modularity are often alike, and
    err alike.
    """
    found = []
    for share in CONSENSUS.shares:
        kept = [
            labels
            for partitions in ranked
            for labels in partitions[: math.ceil(share * len(partitions))]
        ]
        found.append(consensus(kept, n_clusters, random_state))
    return max(found, key=partial(_mean_modularity, graphs))


def _mean_modularity(graphs: Sequence[Graph], labels: Labels) -> float:
    """Modularity of a partition of the nodes, ``(n_nodes,)``, over several graphs."""
    return float(np.mean([graph.node_modularity(labels) for graph in graphs]))
