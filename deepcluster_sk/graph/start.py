"""Clusters of a data set by its graph, found before there is a network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.graph.consensus import choose_contrast, graph_partition
from deepcluster_sk.graph.features import patch_features, pixel_features
from deepcluster_sk.graph.graph import Graph, neighbor_graph, neighbor_graphs, summed
from deepcluster_sk.graph.neighbors import Features, Views
from deepcluster_sk.graph.patches import PATCH_SIDE
from deepcluster_sk.graph.settings import Search, search_for
from deepcluster_sk.graph.spectral import Labels

ImageKind = Literal["drawing", "photograph"]

#: Fewer samples than this make no graph worth the name.
MIN_NODES = 8
#: Nodes of the graph, at most; the other samples follow their neighbours in it.
GRAPH_NODES = 12_000
#: Hubness of a neighbour graph of pixels above which its neighbours mean little.
HUBNESS = 1.4
#: A trained latent needs fewer views than pixels do.
LATENT_VIEWS = 8


@dataclass(frozen=True)
class GraphStart:
    """A partition of a data set, and what was learned of the data on the way.

    Attributes
    ----------
    labels : ndarray of shape (n,), int64
    graph : Graph
        On which the partition was found.
    contrast : str
        Contrast normalisation that the samples were seen under.
    image_kind : {"drawing", "photograph"} or None
        Photographs are images whose neighbours in pixels tell little. None of vectors.
    hubness : float
        How much the samples differ in how often they are a neighbour in pixels.
    """

    labels: Labels
    graph: Graph
    contrast: str
    image_kind: ImageKind | None
    hubness: float


def find_start(
    views: Views,
    n_clusters: int,
    random_state: np.random.RandomState,
    *,
    contrasts: Sequence[str] = ("none",),
    image_kind: ImageKind | Literal["auto"] = "auto",
    search: Search | None = None,
    max_nodes: int = GRAPH_NODES,
) -> GraphStart:
    """Partition samples by what augmentation makes alike: by pixels, or by patches.

    Parameters
    ----------
    views : Views
        The samples, and the augmentation in which neighbours are looked for.
    n_clusters : int
    random_state : RandomState
    contrasts : sequence of str, default=("none",)
        Contrast normalisations to choose from: the one whose graph falls into clusters
        best is taken.
    image_kind : {"auto", "drawing", "photograph"}, default="auto"
        Photographs are partitioned by patches, all else by pixels. "auto" takes images
        for photographs where their neighbours in pixels tell little. Not of vectors.
    search : Search, default=None
        How hard to look; None looks the harder, the fewer nodes there are.
    max_nodes : int, default=12_000
        Samples in the graph, at most; the others follow their neighbours in it.

    Returns
    -------
    GraphStart
    """
    n, layout = len(views.dataset), views.reader.layout
    contrast = choose_contrast(views, contrasts, n_clusters, random_state)
    pixels = pixel_features(views, contrast)
    nodes = random_state.permutation(n)[:max_nodes]
    search = search or search_for(len(nodes))
    graphs = neighbor_graphs(views, pixels, nodes, n_clusters, search)
    hubness = graphs[-1].hubness
    kind: ImageKind | None = None
    if layout.is_image:
        found: ImageKind = "photograph" if hubness > HUBNESS else "drawing"
        kind = found if image_kind == "auto" else image_kind
    if kind != "photograph":
        partition = graph_partition(graphs, n_clusters, n, search, random_state)
        return GraphStart(partition.labels, partition.graph, contrast, kind, hubness)
    # Patches are found wherever they are: no views are needed.
    graph = neighbor_graph(views, patch_features(views), nodes, n_clusters, 0)
    labels = graph.cut(n_clusters, n, random_state)
    labels = graph.regrouped(labels, n_clusters, random_state)
    return GraphStart(labels, graph, contrast, kind, hubness)


def look_again(
    start: GraphStart,
    views: Views,
    latent: Features,
    n_clusters: int,
    random_state: np.random.RandomState,
) -> GraphStart:
    """Look at a partition again, by what is near in the latent space of a network.

    Pixels know what clusters there are: samples only move, to where their neighbours in
    pixels, latent and patches are. Of photographs, whose first partition is made of
    patches, the clusters are found anew. Clusters that hardly part are regrouped.

    Parameters
    ----------
    start : GraphStart
    views : Views
        The samples, and the augmentation that the network was trained in.
    latent : callable
        From samples to the latent space.
    n_clusters : int
    random_state : RandomState

    Returns
    -------
    GraphStart
        With the sum of all graphs.
    """
    nodes, layout = start.graph.nodes, views.reader.layout
    graphs = [start.graph, latent_graph(views, latent, nodes, n_clusters)]
    if start.image_kind == "drawing" and min(layout.shape[1:]) >= PATCH_SIDE:
        patches = patch_features(views)
        graphs.append(neighbor_graph(views, patches, nodes, n_clusters, 0))
    graph = summed(graphs)
    if start.image_kind == "photograph":
        labels = graph.cut(n_clusters, len(views.dataset), random_state)
    else:
        labels = graph.refined(start.labels, n_clusters, random_state)
    labels = graph.regrouped(labels, n_clusters, random_state)
    return replace(start, labels=labels, graph=graph)


def refined_labels(
    labels: Labels,
    graph: Graph,
    views: Views,
    latent: Features,
    n_clusters: int,
    random_state: np.random.RandomState,
) -> Labels:
    """Refine labels ``(n,)`` on a graph and that of a latent space as it is now."""
    both = summed([graph, latent_graph(views, latent, graph.nodes, n_clusters)])
    return both.refined(labels, n_clusters, random_state)


def latent_graph(
    views: Views, latent: Features, nodes: NDArray[np.int64], n_clusters: int
) -> Graph:
    """Link samples to their neighbours in a latent space."""
    return neighbor_graph(views, latent, nodes, n_clusters, LATENT_VIEWS)
