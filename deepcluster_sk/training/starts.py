"""Where the clusters start: a first partition of the data, found without labels."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

from deepcluster_sk.networks.contrast import Contrast
from deepcluster_sk.training.neighbors import (
    Features,
    Views,
    hubness,
    view_neighbors,
)
from deepcluster_sk.training.patches import LEARNING_IMAGES, PatchFeatures, shrunk
from deepcluster_sk.training.refinement import refined
from deepcluster_sk.training.spectral import (
    Labels,
    affinity,
    consensus,
    modularity,
    partition,
    spectral_embedding,
)

#: Above this many rows k-means runs on mini-batches.
FULL_KMEANS_ROWS = 100_000
#: Fewer samples than this make no graph worth the name.
MIN_NODES = 8
#: Nodes of a neighbour graph, at most; the other rows follow their neighbours in it.
GRAPH_NODES = 12_000
#: Views of the nodes in which the other rows look for neighbours, and how many.
VOTE_VIEWS, VOTES = 4, 10
#: Other rows looked up at once, which bounds the memory their features take.
VOTE_ROWS = 65_536


@dataclass(frozen=True)
class Search:
    """How hard to look for a partition; one is made for every combination.

    Attributes
    ----------
    n_graphs : int
        Independent draws of augmented views.
    n_views : int
        Augmented views of each sample in a draw.
    n_neighbors : tuple of int
        Neighbours a node is linked to.
    extra_vectors : tuple of int
        Eigenvectors used beyond one for each cluster. Small groups of odd samples take
        some of the first; a few more are needed to tell apart what nearly touches.
    """

    n_graphs: int
    n_views: int
    n_neighbors: tuple[int, ...]
    extra_vectors: tuple[int, ...]


ONE = Search(1, 16, (10,), (5,))
SMALL = Search(1, 8, (10,), (0, 2))
LARGE = Search(1, 16, (10, 15), (0, 1, 2, 3, 4, 5))
FULL = Search(3, 16, (10, 15), (0, 1, 2, 3, 4, 5))
#: Runs of k-means on each embedding, of which the best by modularity is taken.
N_INIT = 5
#: Runs of k-means on each embedding of a graph that is cut anew, each refined.
N_CUTS = 5
#: Of the partitions of each graph, the best by modularity that go into a consensus.
SHARES = (1 / 3, 2 / 3, 1)
#: A node is linked to no fewer neighbours, however small the clusters.
MIN_NEIGHBORS = 5
#: Hubness of a neighbour graph of pixels above which its neighbours mean little.
HUBNESS = 1.8
#: A trained latent needs fewer views than pixels do.
LATENT_VIEWS = 8
#: Principal components of the features of patches.
PATCH_COMPONENTS = 256
#: Below so many nodes the search is small, and up to so many it is full.
SMALL_NODES, FULL_NODES = 500, 5_000
#: The contest of contrasts is held on so many nodes.
CONTEST_NODES = 4_000
#: Contrasts whose modularity differs by no more than this are equally good.
CONTEST_TIE = 0.01
CONTEST = Search(1, 8, (10,), (0, 2, 4, 6, 8))


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
        return modularity(self.weights, labels[self.nodes], self.resolution)

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
        labels = labels.copy()
        labels[self.nodes] = self._refined_nodes(
            labels[self.nodes], n_clusters, random_state
        )
        return self.spread(labels)

    def cut(
        self, n_clusters: int, n_rows: int, random_state: np.random.RandomState
    ) -> Labels:
        """Partition the data anew, ``(n_rows,)``.

        Spectral clusterings differ by their k-means and by how many eigenvectors they
        use. All are refined, and the best by modularity is taken.
        """
        widths = _widths(FULL, len(self.nodes), n_clusters)
        vectors = spectral_embedding(self.weights, max(widths))
        found = [
            self._refined_nodes(
                partition(vectors[:, :width], n_clusters, 1, random_state),
                n_clusters,
                random_state,
            )
            for width in widths
            for _ in range(N_CUTS)
        ]
        labels = np.full(n_rows, -1)
        labels[self.nodes] = max(
            found,
            key=partial(modularity, self.weights, resolution=self.resolution),
        )
        return self.spread(labels)

    def _refined_nodes(
        self, labels: Labels, n_clusters: int, random_state: np.random.RandomState
    ) -> Labels:
        """Refine labels ``(n_nodes,)``."""
        return refined(self.weights, labels, n_clusters, random_state, self.resolution)


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

    @property
    def modularity(self) -> float:
        """Modularity of the partition on its graph."""
        return self.graph.modularity(self.labels)


def neighbor_graph(
    views: Views,
    features: Features,
    nodes: NDArray[np.int64],
    n_clusters: int,
    n_views: int,
) -> Graph:
    """Link samples to those that augmentation makes alike.

    Parameters
    ----------
    views : Views
    features : callable
        What distances are taken in, ``(n, *sample_shape)`` to ``(n, d)``.
    nodes : ndarray of shape (n_nodes,), int64
    n_clusters : int
    n_views : int

    Returns
    -------
    Graph
    """
    k = max(_link_counts(search_for(len(nodes)).n_neighbors, len(nodes), n_clusters))
    indices = torch.from_numpy(nodes).to(views.generator.device)
    stack = views.stack(features, indices, n_views)
    neighbors = view_neighbors(stack[0], stack, k, same=True)
    return Graph(
        nodes,
        affinity(neighbors, k),
        resolution_for(n_clusters),
        voters=_voters(views, features, nodes, stack, n_clusters),
    )


def summed(graphs: Sequence[Graph]) -> Graph:
    """Sum of graphs of the same nodes; each weighs the same, and has as many votes."""
    weights = sum(graph.weights / graph.weights.sum() for graph in graphs)
    voters = [graph.voters for graph in graphs if graph.voters is not None]
    most = max((v.shape[1] for v in voters), default=0)
    votes = [np.tile(v, most // v.shape[1]) for v in voters]
    return replace(
        graphs[0], weights=weights, voters=np.hstack(votes) if votes else None
    )


def graph_partition(
    views: Views,
    features: Features,
    n_clusters: int,
    random_state: np.random.RandomState,
    search: Search | None = None,
    max_nodes: int = GRAPH_NODES,
    sample_only: bool = False,
) -> Partition:
    """Partition a data set by its graph of augmentation-tolerant neighbours.

    Spectral clusterings of the graph, for each draw of views, number of neighbours and
    number of eigenvectors, are judged by their modularity, and the best brought to a
    consensus. The cost is linear in the number of samples beyond `max_nodes`.

    Parameters
    ----------
    views : Views
    features : callable
        What distances are taken in, ``(n, *sample_shape)`` to ``(n, d)``.
    n_clusters : int
    random_state : RandomState
    search : Search, default=None
        By default the harder, the fewer nodes.
    max_nodes : int
    sample_only : bool, default=False
        Whether to label the nodes only, and leave the other samples at -1.

    Returns
    -------
    Partition
    """
    n = len(views.dataset)
    device = views.generator.device
    nodes = random_state.permutation(n)[:max_nodes]
    search = search or search_for(len(nodes))
    counts = _link_counts(search.n_neighbors, len(nodes), n_clusters)
    widths = _widths(search, len(nodes), n_clusters)
    resolution = resolution_for(n_clusters)
    graphs, ranked = [], []
    indices = torch.from_numpy(nodes).to(device)
    for _ in range(search.n_graphs):
        stack = views.stack(features, indices, search.n_views)
        neighbors = view_neighbors(stack[0], stack, max(counts), same=True)
        for k in counts:
            graph = affinity(neighbors, k)
            vectors = spectral_embedding(graph, max(widths))
            merit = partial(modularity, graph, resolution=resolution)
            found = [
                max(
                    (
                        partition(vectors[:, :width], n_clusters, 1, random_state)
                        for _ in range(N_INIT)
                    ),
                    key=merit,
                )
                for width in widths
            ]
            graphs.append(graph)
            ranked.append(sorted(found, key=merit, reverse=True))
    labels = np.full(n, -1)
    labels[nodes] = _best_consensus(ranked, graphs, n_clusters, random_state)
    voters = None
    if not sample_only:
        voters = _voters(views, features, nodes, stack, n_clusters)
    skewness = hubness(neighbors, len(nodes))
    graph = Graph(nodes, graphs[-1], resolution, skewness, voters)
    return Partition(graph.spread(labels), graph)


def _link_counts(wanted: Sequence[int], n_nodes: int, n_clusters: int) -> list[int]:
    """Neighbours of a node: as wanted, but no more than there are to link."""
    # More neighbours than a fraction of a cluster would link clusters to each other.
    most = max(MIN_NEIGHBORS, n_nodes // (4 * n_clusters))
    return sorted({min(k, most, n_nodes - 1) for k in wanted})


def _widths(search: Search, n_nodes: int, n_clusters: int) -> list[int]:
    """Eigenvectors to partition by, no more than there are."""
    return sorted(
        {min(n_clusters + more, n_nodes - 1) for more in search.extra_vectors}
    )


def _voters(
    views: Views,
    features: Features,
    nodes: NDArray[np.int64],
    stack: Sequence[torch.Tensor],
    n_clusters: int,
) -> NDArray[np.int64] | None:
    """Nodes nearest to each of the other rows, ``(n_rows - n_nodes, k)``, if any."""
    rest = np.setdiff1d(np.arange(len(views.dataset)), nodes)
    if not len(rest):
        return None
    [k] = _link_counts([VOTES], len(nodes), n_clusters)
    found = []
    for chunk in torch.from_numpy(rest).to(views.generator.device).split(VOTE_ROWS):
        queries = views.draw(features, chunk)
        found.append(view_neighbors(queries, stack[:VOTE_VIEWS], k).indices.cpu())
    return torch.cat(found).numpy()


def _best_consensus(
    ranked: list[list[Labels]],
    graphs: list[scipy.sparse.csr_matrix],
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
    resolution = resolution_for(n_clusters)
    return max(
        found,
        key=lambda labels: sum(modularity(g, labels, resolution) for g in graphs),
    )


def resolution_for(n_clusters: int) -> float:
    """Resolution at which merging two of many clusters costs as much as two of ten.

    At 1 it would cost 2 / K^2, next to nothing where K is 68: there modularity liked
    partitions the better, the worse they were.
    """
    return max(1.0, n_clusters / 10)


def search_for(n_nodes: int) -> Search:
    """Search the harder, the fewer nodes there are."""
    if n_nodes < SMALL_NODES:
        return SMALL
    return FULL if n_nodes <= FULL_NODES else LARGE


def _vote(labels: NDArray[np.int64]) -> Labels:
    """Most frequent label in every row."""
    votes = np.zeros((len(labels), labels.max() + 1), np.int64)
    rows = np.arange(len(labels))
    for column in labels.T:
        votes[rows, column] += 1
    return votes.argmax(1)


def pixel_features(views: Views, contrast: str) -> Features:
    """Principal components of the samples under a contrast normalisation."""
    return views.principal_components(Contrast(contrast))


def patch_features(views: Views) -> Features:
    """Principal components of the samples' patch features; the samples are images."""
    n, generator = len(views.dataset), views.generator
    order = torch.randperm(n, generator=generator, device=generator.device)
    images = views.draw(shrunk, order[:LEARNING_IMAGES])
    learned = PatchFeatures.learn(images, generator)
    return views.principal_components(learned, PATCH_COMPONENTS)


def choose_contrast(
    views: Views,
    contrasts: Sequence[str],
    n_clusters: int,
    random_state: np.random.RandomState,
) -> str:
    """Find the contrast normalisation whose neighbour graph falls into clusters best.

    Judged by the modularity of a quick partition of up to 4,000 samples; of those that
    tie, the first.
    """
    if len(contrasts) == 1:
        return contrasts[0]
    merits = {
        contrast: graph_partition(
            views,
            pixel_features(views, contrast),
            n_clusters,
            random_state,
            CONTEST,
            CONTEST_NODES,
            sample_only=True,
        ).modularity
        for contrast in contrasts
    }
    best = max(merits.values())
    # The first that comes near: what changes the images least.
    return next(name for name, merit in merits.items() if merit >= best - CONTEST_TIE)


def kmeans_start(
    latent: NDArray[Any], n_clusters: int, random_state: np.random.RandomState
) -> Labels:
    """k-means on the latent, as the paper has it."""
    seed = random_state.randint(np.iinfo(np.int32).max)
    kind = KMeans if len(latent) <= FULL_KMEANS_ROWS else MiniBatchKMeans
    model = kind(n_clusters, n_init=10, random_state=seed)
    return model.fit_predict(latent).astype(np.int64)


def random_start(
    latent: NDArray[Any], n_clusters: int, random_state: np.random.RandomState
) -> Labels:
    """Nearest of K rows drawn at random."""
    drawn = random_state.choice(len(latent), n_clusters, replace=False)
    return nearest(latent, latent[drawn])


LATENT_STARTS: dict[str, Callable[..., Labels]] = {
    "kmeans": kmeans_start,
    "random": random_start,
}
#: Partitions of the data by a neighbour graph, and how hard to look for them.
GRAPH_STARTS: dict[str, Search | None] = {"consensus": None, "spectral": ONE}


def given_centers(
    init: Any,
    latent: NDArray[Any],
    n_clusters: int,
    random_state: np.random.RandomState,
) -> NDArray[np.float32]:
    """Centres a user gave, or had computed.

    Parameters
    ----------
    init : array of shape (n_clusters, latent_dim), or callable
        A callable is asked as ``init(latent, n_clusters, random_state=...)``, as
        scikit-learn's KMeans asks it.
    latent : ndarray of shape (n, latent_dim)
    n_clusters : int
    random_state : RandomState

    Raises
    ------
    ValueError
        If the centres are not finite or not of that shape.
    """
    if callable(init):
        init = init(latent, n_clusters, random_state=random_state)
    return checked_centers(init, n_clusters, latent.shape[1])


def checked_centers(init: Any, n_clusters: int, latent_dim: int) -> NDArray[np.float32]:
    """Centres as float32, or a ValueError that says what they should be."""
    expected = (n_clusters, latent_dim)
    try:
        centers = np.asarray(init, dtype=np.float32)
    except (TypeError, ValueError):
        centers = None
    if centers is None or centers.shape != expected or not np.isfinite(centers).all():
        raise ValueError(
            "init must give finite centres of shape (n_clusters, latent_dim) = "
            f"{expected}, got {init!r}."
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
