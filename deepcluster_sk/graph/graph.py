"""Graph of the neighbours among (some of) the samples of a data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray

from deepcluster_sk.graph.merge_split import regrouped
from deepcluster_sk.graph.neighbors import (
    Features,
    Views,
    hubness,
    view_neighbors,
)
from deepcluster_sk.graph.refinement import refined
from deepcluster_sk.graph.settings import FULL, Search, search_for
from deepcluster_sk.graph.spectral import (
    Labels,
    affinity,
    modularity,
    partition,
    spectral_embedding,
)

#: Views of the nodes in which the other rows look for neighbours, and how many.
VOTE_VIEWS, VOTES = 4, 10
#: Other rows looked up at once, which bounds the memory their features take.
VOTE_ROWS = 65_536
#: Runs of k-means on each embedding of a graph that is cut, each refined.
N_CUTS = 5


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

    def modularity(self, labels: Labels) -> float:
        """Modularity of a partition of the whole data set, ``(n,)``."""
        return self.node_modularity(labels[self.nodes])

    def node_modularity(self, labels: Labels) -> float:
        """Modularity of a partition of the nodes, ``(n_nodes,)``."""
        return modularity(self.weights, labels, self.resolution)

    def embeddings(self, n_clusters: int, search: Search) -> list[NDArray[Any]]:
        """Spectral embeddings of the nodes, by every number of eigenvectors."""
        widths = search.widths(len(self.nodes), n_clusters)
        vectors = spectral_embedding(self.weights, max(widths))
        return [vectors[:, :width] for width in widths]

    def spread(self, labels: Labels) -> Labels:
        """Let the rows that are no nodes take the label most of their voters have.

        Of labels ``(n,)``, only those of the nodes count.
        """
        if self.voters is None:
            return labels
        labels = labels.copy()
        rest = np.setdiff1d(np.arange(len(labels)), self.nodes)
        labels[rest] = _vote(labels[self.nodes][self.voters])
        return labels

    def refined(
        self, labels: Labels, n_clusters: int, random_state: np.random.RandomState
    ) -> Labels:
        """Move nodes where the modularity rises by it; the other rows follow."""
        return self._changed(refined, labels, n_clusters, random_state)

    def regrouped(
        self, labels: Labels, n_clusters: int, random_state: np.random.RandomState
    ) -> Labels:
        """Join clusters that hardly part, and part others; the other rows follow."""
        return self._changed(regrouped, labels, n_clusters, random_state)

    def cut(
        self, n_clusters: int, n_rows: int, random_state: np.random.RandomState
    ) -> Labels:
        """Partition the data anew, ``(n_rows,)``.

        Spectral clusterings differ by their k-means and by how many eigenvectors they
        use. All are refined, and the best by modularity is taken.
        """
        found = [
            refined(
                self.weights,
                partition(embedding, n_clusters, 1, random_state),
                n_clusters,
                random_state,
                self.resolution,
            )
            for embedding in self.embeddings(n_clusters, FULL)
            for _ in range(N_CUTS)
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
    search: Search,
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
    search : Search
    sample_only : bool, default=False
        Whether the other samples go without voters.

    Returns
    -------
    list of Graph
        For every draw of views one of each number of neighbours, from few to many.
    """
    counts = search.neighbor_counts(len(nodes), n_clusters)
    resolution = resolution_for(n_clusters)
    indices = torch.from_numpy(nodes).to(views.generator.device)
    graphs = []
    for _ in range(search.n_graphs):
        stack = views.stack(features, indices, search.n_views)
        neighbors = view_neighbors(stack[0], stack, max(counts), same=True)
        skewness = hubness(neighbors, len(nodes))
        voters = None
        if not sample_only:
            k = min(VOTES, search.most_neighbors(len(nodes), n_clusters))
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
) -> Graph:
    """Link samples in one draw of so many views, to as many neighbours as are wanted.

    Parameters and result are those of :func:`neighbor_graphs`.
    """
    search = replace(search_for(len(nodes)), n_graphs=1, n_views=n_views)
    return neighbor_graphs(views, features, nodes, n_clusters, search)[-1]


def summed(graphs: Sequence[Graph]) -> Graph:
    """Sum of graphs of the same nodes; each weighs the same, and has as many votes."""
    weights = sum(graph.weights / graph.weights.sum() for graph in graphs)
    voters = [graph.voters for graph in graphs if graph.voters is not None]
    most = max((v.shape[1] for v in voters), default=0)
    votes = [np.tile(v, most // v.shape[1]) for v in voters]
    return replace(
        graphs[0], weights=weights, voters=np.hstack(votes) if votes else None
    )


def resolution_for(n_clusters: int) -> float:
    """Resolution at which merging two of many clusters costs as much as two of ten.

    At 1 it would cost 2 / K^2, next to nothing where K is 68: there modularity liked
    partitions the better, the worse they were.
    """
    return max(1.0, n_clusters / 10)


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
        found.append(view_neighbors(queries, stack[:VOTE_VIEWS], k).indices.cpu())
    return torch.cat(found).numpy()


def _vote(labels: NDArray[np.int64]) -> Labels:
    """Most frequent label in every row."""
    votes = np.zeros((len(labels), labels.max() + 1), np.int64)
    rows = np.arange(len(labels))
    for column in labels.T:
        votes[rows, column] += 1
    return votes.argmax(1)
