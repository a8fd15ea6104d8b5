"""First partition of a data set by its graph of neighbours, found without labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from deepcluster_sk.graph.agglomeration import agglomerated
from deepcluster_sk.graph.features import pixel_features
from deepcluster_sk.graph.graph import Graph, neighbor_graphs
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.settings import CONTEST, Search
from deepcluster_sk.graph.spectral import (
    Labels,
    consensus,
    partition,
)

#: Runs of k-means on each embedding, of which the best by modularity is taken.
N_INIT = 5
#: Of the partitions of each graph, the best by modularity that go into a consensus.
SHARES = (1 / 3, 2 / 3, 1)
#: By how much the modularity of joined nodes must be above a consensus's. On views of
#: objects it is so by .0046 or more, elsewhere it is lower.
JOINING_GAIN = 0.002
#: The contest of contrasts is held on so many nodes.
CONTEST_NODES = 4_000
#: Contrasts whose modularity differs by no more than this are equally good.
CONTEST_TIE = 0.01


@dataclass(frozen=True)
class Partition:
    """A first partition, and the graph it was found on.

    Attributes
    ----------
    labels : ndarray of shape (n,), int64
    graph : Graph
    """

    labels: Labels
    graph: Graph


def graph_partition(
    graphs: Sequence[Graph],
    n_clusters: int,
    n_rows: int,
    search: Search,
    random_state: np.random.RandomState,
) -> Partition:
    """Partition a data set by several graphs of the same nodes.

    Spectral clusterings of each graph, by several numbers of eigenvectors, are judged
    by their modularity, and the best brought to a consensus. Where nodes joined from
    single ones up make a clearly better partition, it is taken instead. Clusters that
    hardly part are regrouped.

    Parameters
    ----------
    graphs : sequence of Graph
    n_clusters : int
    n_rows : int
        Samples in the data set. Those that are no nodes follow their voters; where they
        have none, their label is -1.
    search : Search
        Says how many eigenvectors.
    random_state : RandomState

    Returns
    -------
    Partition
        With the last of the graphs.
    """
    merit = partial(_mean_modularity, graphs)
    agreed = _agreed(graphs, n_clusters, search, random_state)
    joined = max(
        (agglomerated(g.weights, n_clusters, g.resolution) for g in graphs), key=merit
    )
    nodes, labels = graphs[0].nodes, np.full(n_rows, -1)
    labels[nodes] = joined if merit(joined) > merit(agreed) + JOINING_GAIN else agreed
    graph = graphs[-1]
    return Partition(graph.regrouped(labels, n_clusters, random_state), graph)


def _agreed(
    graphs: Sequence[Graph],
    n_clusters: int,
    search: Search,
    random_state: np.random.RandomState,
) -> Labels:
    """Consensus of spectral clusterings of the nodes, ``(n_nodes,)``."""
    ranked = [_spectral(graph, n_clusters, search, random_state) for graph in graphs]
    return _best_consensus(ranked, graphs, n_clusters, random_state)


def _spectral(
    graph: Graph,
    n_clusters: int,
    search: Search,
    random_state: np.random.RandomState,
) -> list[Labels]:
    """Partitions of the nodes, one for each number of eigenvectors, the best first."""
    found = [
        max(
            (partition(e, n_clusters, 1, random_state) for _ in range(N_INIT)),
            key=graph.node_modularity,
        )
        for e in graph.embeddings(n_clusters, search)
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
    for share in SHARES:
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


def choose_contrast(
    views: Views,
    contrasts: Sequence[str],
    n_clusters: int,
    random_state: np.random.RandomState,
) -> str:
    """Find the contrast normalisation whose neighbour graph falls into clusters best.

    Judged by the modularity of a quick spectral clustering of up to 4,000 samples; of
    those that tie, the first.
    """
    if len(contrasts) == 1:
        return contrasts[0]
    n = len(views.dataset)

    def merit(contrast: str) -> float:
        features = pixel_features(views, contrast)
        nodes = random_state.permutation(n)[:CONTEST_NODES]
        graphs = neighbor_graphs(
            views, features, nodes, n_clusters, CONTEST, sample_only=True
        )
        agreed = _agreed(graphs, n_clusters, CONTEST, random_state)
        return _mean_modularity(graphs, agreed)

    merits = {contrast: merit(contrast) for contrast in contrasts}
    best = max(merits.values())
    # The first that comes near: what changes the images least.
    return next(name for name, merit in merits.items() if merit >= best - CONTEST_TIE)
