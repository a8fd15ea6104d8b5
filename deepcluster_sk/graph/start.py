"""Clusters of a data set by its graph, found before there is a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.data.duplicates import first_copies, without_crowds
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.consensus import agreed_partition, graph_partition
from deepcluster_sk.graph.contest import Appearance, ImageKind, look_at
from deepcluster_sk.graph.features import pixel_features
from deepcluster_sk.graph.graph import (
    CUTS,
    CutSettings,
    Graph,
    neighbor_graph,
    neighbor_graphs,
    summed,
)
from deepcluster_sk.graph.neighbors import Features, Views
from deepcluster_sk.graph.remembering import RememberingViews
from deepcluster_sk.graph.settings import CONTEST, GraphSettings, settings_for
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.networks.contrast import CONTRASTS
from deepcluster_sk.runtime.seeding import drawn_seed

#: Fewer samples than this make no graph worth the name.
MIN_NODES = 8


@dataclass(frozen=True)
class StartSettings:
    """How a data set is looked at before there are clusters.

    The trials are in ``benchmarks/notes``: "The start" and "Photographs".
    """

    max_nodes: int = 12_000
    """Nodes of the graph, at most; the other samples follow their neighbours in it.
    With 24,000 of 70,000 Fashion-MNIST has .666 and .674, where .666 is the mean."""
    looked_at: int = 4_000
    """Nodes that contrast and kind are chosen by, at most: time. Not tuned."""
    latent_views: int = 8
    """Views in which neighbours are looked for in a trained latent, which needs fewer
    than pixels do; not tuned further."""


START = StartSettings()
#: How a graph is cut that will be cut anew with what a network has learned.
FIRST_CUTS = CutSettings(n_cuts=1)


@dataclass(frozen=True)
class GraphStart:
    """A partition of a data set, and what was learned of the data on the way.

    Attributes
    ----------
    labels : ndarray of shape (n,), int64
    graph : Graph
        On which the partition was found.
    appearance : Appearance
        The contrast that the samples were seen under, and what they were taken for.
    rivals : ndarray of shape (n_rivals, n_nodes), int64
        Partitions of the nodes that are no worse on the graph, as far as it can tell.
    """

    labels: Labels
    graph: Graph
    appearance: Appearance
    rivals: NDArray[np.int64]

    @property
    def contrast(self) -> str:
        """Contrast normalisation that the samples were seen under."""
        return self.appearance.contrast

    @property
    def image_kind(self) -> ImageKind | None:
        """What images were taken for; None of vectors."""
        return self.appearance.image_kind


@dataclass(frozen=True)
class Neighborhood:
    """Neighbour graphs of a data set, by what tells its samples apart.

    Attributes
    ----------
    graphs : list of Graph
        Of the same nodes; one alone of photographs.
    features : callable
        What the distances are taken in.
    settings : GraphSettings
    appearance : Appearance
    """

    graphs: list[Graph]
    features: Features
    settings: GraphSettings
    appearance: Appearance

    def partition(
        self,
        n_clusters: int,
        n_rows: int,
        random_state: np.random.RandomState,
        cuts: CutSettings = CUTS,
    ) -> GraphStart:
        """Partition the data set, of so many rows, on the graphs.

        `cuts` says how photographs are cut.
        """
        if self.appearance.image_kind == "photograph":
            graph = self.graphs[-1]
            labels = graph.cut(n_clusters, n_rows, random_state, cuts)
            return self.start(graph.merge_split(labels, n_clusters, random_state))
        found = graph_partition(
            self.graphs, n_clusters, n_rows, self.settings, random_state
        )
        return self.start(found.labels, found.rivals)

    def start(
        self, labels: Labels, rivals: Sequence[Labels] | NDArray[np.int64] = ()
    ) -> GraphStart:
        """Put a partition, ``(n_rows,)``, and what was learned of the data together."""
        graph = self.graphs[-1]
        others = np.asarray(rivals, np.int64).reshape(-1, len(graph.nodes))
        return GraphStart(labels, graph, self.appearance, others)


def contrasts_for(
    contrast: str, layout: RowLayout, name: str = "contrast"
) -> tuple[str, ...]:
    """Contrast normalisations to choose from, of samples of a layout.

    Parameters
    ----------
    contrast : {"auto", "none", "image", "local", "level", "figure", "edges"}
    layout : RowLayout
    name : str, default="contrast"
        Of the parameter, for the error.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If vectors are to be normalised as images are.
    """
    if contrast == "auto":
        return CONTRASTS if layout.is_image else ("none",)
    if contrast != "none" and not layout.is_image:
        raise ValueError(
            f"{name}={contrast!r} needs images, but X holds flat vectors. Pass "
            f'image_shape, or use {name}="none".'
        )
    return (contrast,)


def find_neighborhood(
    views: Views,
    n_clusters: int,
    random_state: np.random.RandomState,
    *,
    contrasts: Sequence[str] = ("none",),
    image_kind: ImageKind | Literal["auto"] = "auto",
    settings: GraphSettings | None = None,
    max_nodes: int = START.max_nodes,
    seen: Appearance | None = None,
    by_patches_alone: bool = False,
) -> Neighborhood:
    """Link samples to those that augmentation makes alike: by pixels, or by patches.

    Parameters are those of :func:`find_start`, which partitions what is found, and of
    :func:`~deepcluster_sk.graph.contest.look_at`.
    """
    views = RememberingViews.of(views)
    rows, layout = views.dataset.rows, views.reader.layout
    nodes = distinct_rows(rows, layout, n_clusters, random_state, max_nodes)
    settings = settings or settings_for(len(nodes))
    sample = nodes[: START.looked_at]

    def link(features: Features, augmented: bool) -> Graph:
        n_views = CONTEST.n_views if augmented else 0
        return neighbor_graph(
            views, features, sample, n_clusters, n_views, CONTEST, sample_only=True
        )

    seed = drawn_seed(random_state)

    def merit(graph: Graph) -> NDArray[np.float64]:
        # The same draws for each, however many it takes.
        draws = np.random.RandomState(seed)
        labels = agreed_partition([graph], n_clusters, CONTEST, draws)
        # A few spectral clusterings differ by chance; what moves make of them less so.
        labels = graph.node_refined(labels, n_clusters, draws)
        return graph.modularity_shares(labels)

    if seen is None:
        seen, _ = look_at(views, contrasts, image_kind, link, merit, by_patches_alone)
    features = seen.features(views)
    if seen.compared_by == "pixels":
        graphs = neighbor_graphs(views, features, nodes, n_clusters, settings)
        return Neighborhood(graphs, features, settings, seen)
    # Patches are found wherever they are: no views are needed.
    graphs = [neighbor_graph(views, features, nodes, n_clusters, 0, settings)]
    if seen.compared_by == "both":
        pixels = pixel_features(views, seen.contrast)
        by_pixels = neighbor_graphs(views, pixels, nodes, n_clusters, settings)
        graphs = [summed([graph, *graphs]) for graph in by_pixels]
    return Neighborhood(graphs, features, settings, seen)


def distinct_rows(
    rows: NDArray[Any],
    layout: RowLayout,
    n_clusters: int,
    random_state: np.random.RandomState,
    most: int,
) -> NDArray[np.int64]:
    """Draw so many rows at most, in random order, of copies of one the first alone.

    A hundred copies of an image are near to each other and to nothing else: a cluster
    of their own. So are a burst of pictures, or a picture saved a hundred times: of
    images that are as good as copies a few are drawn. Where hardly anything would be
    left, all rows are drawn.
    """
    fewest = max(MIN_NODES, n_clusters + 1)
    drawn = random_state.permutation(first_copies(rows, fewest))[:most]
    if not layout.is_image:
        return drawn
    apart = drawn[without_crowds(rows[drawn], n_clusters)]
    return apart if len(apart) >= fewest else drawn


def find_start(
    views: Views,
    n_clusters: int,
    random_state: np.random.RandomState,
    *,
    contrasts: Sequence[str] = ("none",),
    image_kind: ImageKind | Literal["auto"] = "auto",
    settings: GraphSettings | None = None,
    max_nodes: int = START.max_nodes,
    seen: Appearance | None = None,
    cuts: CutSettings = CUTS,
) -> GraphStart:
    """Partition samples by what augmentation makes alike: by pixels, or by patches.

    Parameters
    ----------
    views : Views
        The samples, and the augmentation in which neighbours are looked for.
    n_clusters : int
    random_state : RandomState
    contrasts : sequence of str, default=("none",)
        Contrast normalisations to choose from, as
        :func:`~deepcluster_sk.graph.contest.look_at` does.
    image_kind : {"auto", "drawing", "photograph"}, default="auto"
        Photographs are partitioned by patches, all else by pixels, patches or both,
        whichever make the better clusters. "auto" takes images for photographs where
        patches make the better clusters, and do not link what pixels link. Not of
        vectors.
    settings : GraphSettings, default=None
        How many graphs, links and eigenvectors; None takes the more, the fewer nodes
        there are.
    max_nodes : int, default=12_000
        Samples in the graph, at most; the others follow their neighbours in it.
    seen : Appearance, default=None
        How samples are seen, where contrast and kind have been chosen already.
    cuts : CutSettings
        How photographs are cut. Where a network's latent will be looked at and they are
        cut anew, :data:`FIRST_CUTS` will do.

    Returns
    -------
    GraphStart
    """
    found = find_neighborhood(
        views,
        n_clusters,
        random_state,
        contrasts=contrasts,
        image_kind=image_kind,
        settings=settings,
        max_nodes=max_nodes,
        seen=seen,
    )
    return found.partition(n_clusters, len(views.dataset), random_state, cuts)
