"""Clusters of samples counted, on a graph made for that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.counting.borders import OVER_CUT, merged, over_cut
from deepcluster_sk.counting.profile import ClusterCount, count_on
from deepcluster_sk.graph.contest import ImageKind, look_at
from deepcluster_sk.graph.graph import Graph, neighbor_graph
from deepcluster_sk.graph.neighbors import Features, Views
from deepcluster_sk.graph.remembering import RememberingViews
from deepcluster_sk.graph.settings import GraphSettings
from deepcluster_sk.graph.spectral import Labels, modularity_shares
from deepcluster_sk.graph.start import MIN_NODES, distinct_rows


@dataclass(frozen=True)
class CountingSettings:
    """The graph that clusters are counted on."""

    max_nodes: int = 2_000
    """Samples in the graph, at most: time, which grows with the square."""
    n_views: int = 8
    """Augmented views of each sample in which neighbours are looked for. Not tuned."""
    n_neighbors: int = 10
    """Neighbours a node is linked to, whatever the number of clusters: it is what is
    asked."""


COUNTING = CountingSettings()
#: Merges alone are enough to compare contrasts by: time.
UNMOVED = replace(OVER_CUT, merged_share=1.0)


def count_clusters(
    views: Views,
    bounds: tuple[int, int],
    random_state: np.random.RandomState,
    *,
    contrasts: Sequence[str] = ("none",),
    image_kind: ImageKind | Literal["auto"] = "auto",
    settings: CountingSettings = COUNTING,
    by_patches_alone: bool = False,
) -> ClusterCount:
    """Count the clusters of samples, of up to 2,000 of them.

    Contrast and kind of images are chosen as in a start, which need not choose again;
    photographs are compared by their patches.

    Parameters
    ----------
    views : Views
        The samples, and the augmentation in which neighbours are looked for.
    bounds : (int, int)
        Fewest and most clusters.
    random_state : RandomState
    contrasts : sequence of str, default=("none",)
    image_kind : {"auto", "drawing", "photograph"}, default="auto"
    settings : CountingSettings
    by_patches_alone : bool, default=False
        See :func:`~deepcluster_sk.graph.contest.look_at`.

    Returns
    -------
    ClusterCount
    """
    least, most = bounds
    views = RememberingViews.of(views)
    rows, layout = views.dataset.rows, views.reader.layout
    nodes = distinct_rows(rows, layout, least, random_state, settings.max_nodes)

    def link(features: Features, augmented: bool) -> Graph:
        n_views = settings.n_views if augmented else 0
        wanted = GraphSettings(1, n_views, (settings.n_neighbors,), (), None)
        return neighbor_graph(
            views, features, nodes, 1, n_views, wanted, sample_only=True
        )

    def cut(graph: Graph) -> Labels:
        # Without an upper bound, the size of the data says how many groups there are.
        wanted = least if most >= len(nodes) else most
        return over_cut(graph.weights, wanted, random_state)

    def falls_apart(graph: Graph) -> NDArray[np.float64]:
        still = merged(graph.weights, cut(graph), random_state, UNMOVED)
        best = still.partitions[int(still.modularity.argmax())]
        return modularity_shares(graph.weights, best)

    if len(nodes) < MIN_NODES or views.reader.scaler.is_constant:
        contrasts, image_kind = contrasts[:1], "drawing"
    seen, graph = look_at(
        views, contrasts, image_kind, link, falls_apart, by_patches_alone
    )
    if graph is None:
        graph = link(seen.features(views), True)
    groups = cut(graph)
    count = count_on(graph.weights, groups, bounds, random_state)
    return replace(count, nodes=nodes, appearance=seen)
