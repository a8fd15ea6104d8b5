"""Graph of the neighbours among (some of) the samples of a data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray

from deepcluster_sk.graph.merge_split import merge_split
from deepcluster_sk.graph.neighbors import (
    Features,
    SeveralFeatures,
    Views,
    hubness,
    view_neighbors,
)
from deepcluster_sk.graph.refinement import refined
from deepcluster_sk.graph.settings import FULL, GraphSettings, settings_for
from deepcluster_sk.graph.spectral import (
    Labels,
    affinity,
    modularity,
    modularity_shares,
    partition,
    spectral_embedding,
)
from deepcluster_sk.graph.voting import VOTES, most_frequent

#: Other rows looked up at once, which bounds the memory their features take.
VOTE_ROWS = 65_536


@dataclass(frozen=True)
class CutSettings:
    """How a graph is cut where there is no partition to begin from."""

    n_cuts: int = 5
    """Runs of k-means on each embedding, each refined. Thirty cuts in all: Imagenette
    .553 against .530 for a consensus of them; sixty, .555."""


CUTS = CutSettings()
#: The number of clusters up to which the resolution is 1.
CLUSTERS_AT_ONE = 10

#: How much less modularity than others labels may have and still take their place,
#: times the number of clusters, of which ten are counted at least: half of what it
#: costs to merge two of K equal clusters without a link between them. With ten
#: clusters, labels that were better in truth lost less than .005, and labels that were
#: worse more than .03.
SLACK = 0.1


@dataclass(frozen=True)
class Graph:
    """Neighbour graph of (some of) the data.

    Attributes
    ----------
    nodes : ndarray of shape (n_nodes,), int64
        Rows of the data set.
    weights : sparse matrix of shape (n_nodes, n_nodes)
    resolution : float
        Of the modularity.
    hubness : float
        How much nodes differ in how often they are a neighbour.
    voters : ndarray of shape (n_rows - n_nodes, k), int64, or None
        Nodes nearest to each of the other rows of the data set, in their order.
    """

    nodes: NDArray[np.int64]
    weights: scipy.sparse.csr_matrix
    resolution: float = 1.0
    hubness: float = 0.0
    voters: NDArray[np.int64] | None = None

    @property
    def n_bytes(self) -> int:
        """Bytes that its arrays take in memory."""
        links = self.weights
        arrays = [self.nodes, links.data, links.indices, links.indptr, self.voters]
        return sum(array.nbytes for array in arrays if array is not None)

    def modularity(self, labels: Labels) -> float:
        """Modularity of a partition of the whole data set, ``(n,)``."""
        return self.node_modularity(labels[self.nodes])

    def node_modularity(self, labels: Labels) -> float:
        """Modularity of a partition of the nodes, ``(n_nodes,)``."""
        return modularity(self.weights, labels, self.resolution)

    def modularity_shares(self, labels: Labels) -> NDArray[np.float64]:
        """Compute what each node adds to the modularity, ``(n_nodes,)``."""
        return modularity_shares(self.weights, labels, self.resolution)

    def embeddings(
        self, n_clusters: int, settings: GraphSettings
    ) -> list[NDArray[Any]]:
        """Spectral embeddings of the nodes, by every number of eigenvectors."""
        widths = settings.widths(len(self.nodes), n_clusters)
        vectors = spectral_embedding(self.weights, max(widths))
        return [vectors[:, :width] for width in widths]

    def beside(self, n_rows: int) -> NDArray[np.int64]:
        """Rows of the data set, of so many, that are no nodes, as voters have them."""
        return np.setdiff1d(np.arange(n_rows), self.nodes)

    def spread(self, labels: Labels) -> Labels:
        """Let the rows that are no nodes take the label most of their voters have.

        Of labels ``(n,)``, only those of the nodes count.
        """
        if self.voters is None:
            return labels
        labels = labels.copy()
        rest = self.beside(len(labels))
        labels[rest] = most_frequent(labels[self.nodes][self.voters])
        return labels

    def node_refined(
        self, labels: Labels, n_clusters: int, random_state: np.random.RandomState
    ) -> Labels:
        """Move nodes, of labels ``(n_nodes,)``, where the modularity rises by it."""
        return refined(self.weights, labels, n_clusters, random_state, self.resolution)

    def refined(
        self, labels: Labels, n_clusters: int, random_state: np.random.RandomState
    ) -> Labels:
        """Move nodes where the modularity rises by it; the other rows follow."""
        return self._changed(refined, labels, n_clusters, random_state)

    def merge_split(
        self, labels: Labels, n_clusters: int, random_state: np.random.RandomState
    ) -> Labels:
        """Merge clusters without a border, and split others; the other rows follow."""
        return self._changed(merge_split, labels, n_clusters, random_state)

    def cut(
        self,
        n_clusters: int,
        n_rows: int,
        random_state: np.random.RandomState,
        settings: CutSettings = CUTS,
    ) -> Labels:
        """Partition the data anew, ``(n_rows,)``.

        Spectral clusterings differ by their k-means and by how many eigenvectors they
        use. All are refined, and the best by modularity is taken.
        """
        found = [
            self.node_refined(
                partition(embedding, n_clusters, 1, random_state),
                n_clusters,
                random_state,
            )
            for embedding in self.embeddings(n_clusters, FULL)
            for _ in range(settings.n_cuts)
        ]
        labels = np.full(n_rows, -1)
        labels[self.nodes] = max(found, key=self.node_modularity)
        return self.spread(labels)

    def _changed(
        self,
        change: Callable[..., Labels],
        labels: Labels,
        n_clusters: int,
        random_state: np.random.RandomState,
    ) -> Labels:
        """Change the labels of the nodes, of ``(n,)``, and let the others follow."""
        labels = labels.copy()
        labels[self.nodes] = change(
            self.weights,
            labels[self.nodes],
            n_clusters,
            random_state,
            self.resolution,
        )
        return self.spread(labels)


def neighbor_graphs(
    views: Views,
    features: Features,
    nodes: NDArray[np.int64],
    n_clusters: int,
    settings: GraphSettings,
    sample_only: bool = False,
) -> list[Graph]:
    """Link samples to those that augmentation makes alike.

    Parameters
    ----------
    views : Views
    features : callable
        What distances are taken in, ``(n, *sample_shape)`` to ``(n, d)``.
    nodes : ndarray of shape (n_nodes,), int64
    n_clusters : int
    settings : GraphSettings
    sample_only : bool, default=False
        Whether the other samples go without voters.

    Returns
    -------
    list of Graph
        For every draw of views one of each number of neighbours, from few to many.
    """
    counts = settings.neighbor_counts(len(nodes), n_clusters)
    resolution = resolution_for(n_clusters)
    indices = torch.from_numpy(nodes).to(views.generator.device)
    graphs = []
    for _ in range(settings.n_graphs):
        stack = views.stack(features, indices, settings.n_views)
        neighbors = view_neighbors(stack[0], stack, max(counts), same=True)
        skewness = hubness(neighbors, len(nodes))
        voters = None
        if not sample_only:
            k = min(VOTES.n_votes, settings.most_neighbors(len(nodes), n_clusters))
            voters = _voters(views, features, nodes, stack, k)
        graphs += [
            Graph(nodes, affinity(neighbors, k), resolution, skewness, voters)
            for k in counts
        ]
    return graphs


def neighbor_graph(
    views: Views,
    features: Features,
    nodes: NDArray[np.int64],
    n_clusters: int,
    n_views: int,
    settings: GraphSettings | None = None,
    sample_only: bool = False,
) -> Graph:
    """Link samples in one draw of so many views, to as many neighbours as are wanted.

    Parameters and result are those of :func:`neighbor_graphs`; without settings they
    are those for so many nodes. Of features of several kinds it is the sum of a graph
    of each.
    """
    settings = settings or settings_for(len(nodes))
    settings = replace(settings, n_graphs=1, n_views=n_views)
    kinds = features.kinds if isinstance(features, SeveralFeatures) else (features,)
    graphs = [
        neighbor_graphs(views, kind, nodes, n_clusters, settings, sample_only)[-1]
        for kind in kinds
    ]
    return summed(graphs) if len(graphs) > 1 else graphs[0]


def summed(graphs: Sequence[Graph], shares: NDArray[np.float64] | None = None) -> Graph:
    """Sum of graphs of the same nodes, each with its share, and as many votes.

    Without `shares`, ``(n_graphs,)``, each weighs the same.
    """
    each = np.ones(len(graphs)) if shares is None else shares
    weights = sum(
        share / graph.weights.sum() * graph.weights
        for graph, share in zip(graphs, each, strict=True)
    )
    voters = [graph.voters for graph in graphs if graph.voters is not None]
    most = max((v.shape[1] for v in voters), default=0)
    votes = [np.tile(v, most // v.shape[1]) for v in voters]
    return replace(
        graphs[0], weights=weights, voters=np.hstack(votes) if votes else None
    )


def resolution_for(n_clusters: int) -> float:
    """Resolution at which merging two of many clusters costs as much as two of ten.

    At 1 it would cost 2 / K^2, next to nothing where K is 68: there the rank
    correlation of modularity and accuracy was .06 and .10, and is .70 and .79.
    """
    return max(1.0, n_clusters / CLUSTERS_AT_ONE)


def slack_for(n_clusters: int) -> float:
    """Modularity that labels may lose and still take the place of others."""
    return SLACK / max(n_clusters, CLUSTERS_AT_ONE)


def _voters(
    views: Views,
    features: Features,
    nodes: NDArray[np.int64],
    stack: Sequence[torch.Tensor],
    k: int,
) -> NDArray[np.int64] | None:
    """Nodes nearest to each of the other rows, ``(n_rows - n_nodes, k)``, if any."""
    rest = np.setdiff1d(np.arange(len(views.dataset)), nodes)
    if not len(rest):
        return None
    found = []
    for chunk in torch.from_numpy(rest).to(views.generator.device).split(VOTE_ROWS):
        queries = views.draw(features, chunk)
        found.append(view_neighbors(queries, stack[: VOTES.n_views], k).indices.cpu())
    return torch.cat(found).numpy()
