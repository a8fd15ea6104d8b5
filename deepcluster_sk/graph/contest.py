"""What images are best compared by: which contrast, and pixels or patches.

How tidily a graph falls into clusters says little of what the clusters are made of: the
light on a face, or the place of a stain, makes tidy ones. What light and place link is
not linked under another contrast or by patches, and what belongs together is. So graphs
are witnesses of each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.graph.consensus import agreed_partition
from deepcluster_sk.graph.features import patch_features, pixel_features
from deepcluster_sk.graph.graph import Graph, neighbor_graph
from deepcluster_sk.graph.neighbors import Features, Views
from deepcluster_sk.graph.patches import PATCHES
from deepcluster_sk.graph.settings import CONTEST

ImageKind = Literal["drawing", "photograph"]


@dataclass(frozen=True)
class ContestSettings:
    """How contrast and kind are chosen.

    The trials are in ``benchmarks/notes/start.md``, under "Contrast and kind".
    """

    n_nodes: int = 4_000
    """Samples that they are chosen by, at most: time. Not tuned."""
    confirmed: float = 1 / 2
    """Share of the links in pixels that patches have too, above which images are not
    taken for photographs: most are right then. It is .06 to .22 on photographs and
    textures, and .58 and more on faces and objects; nothing lies between where patches
    make the better clusters."""


LOOK = ContestSettings()


@dataclass(frozen=True)
class Appearance:
    """How images are looked at.

    Attributes
    ----------
    contrast : str
    image_kind : {"drawing", "photograph"} or None
        None of vectors.
    patches : callable or None
        Features of the images by their patches, where they were looked at.
    patch_agreement : float or None
        Share of the links in pixels that patches have too, where it was measured.
    """

    contrast: str
    image_kind: ImageKind | None
    patches: Features | None = None
    patch_agreement: float | None = None


def look_at(
    views: Views,
    contrasts: Sequence[str],
    image_kind: ImageKind | Literal["auto"],
    nodes: NDArray[np.int64],
    n_clusters: int,
    random_state: np.random.RandomState,
    settings: ContestSettings = LOOK,
) -> Appearance:
    """Choose contrast and kind of samples by graphs of some of them.

    The contrast whose links the others and patches share most is taken. Images are
    photographs where patches make the better clusters, by their modularity, and most
    links in pixels are not found by patches.

    Parameters
    ----------
    views : Views
    contrasts : sequence of str
        Contrast normalisations to choose from.
    image_kind : {"auto", "drawing", "photograph"}
    nodes : ndarray of shape (n_nodes,), int64
        Samples to choose by, of which the first few thousand are taken.
    n_clusters : int
    random_state : RandomState
    settings : ContestSettings

    Returns
    -------
    Appearance
    """
    layout = views.reader.layout
    if not layout.is_image:
        return Appearance(contrasts[0], None)
    if image_kind == "auto" and min(layout.shape[1:]) < PATCHES.side:
        image_kind = "drawing"
    if image_kind != "auto" and len(contrasts) == 1:
        return Appearance(contrasts[0], image_kind)
    nodes = nodes[: settings.n_nodes]

    def link(features: Features, n_views: int) -> Graph:
        return neighbor_graph(
            views, features, nodes, n_clusters, n_views, CONTEST, True
        )

    graphs = {
        contrast: link(pixel_features(views, contrast), CONTEST.n_views)
        for contrast in contrasts
    }
    patches = patch_features(views)
    by_patches = link(patches, 0)
    contrast = _best_witnessed(graphs, by_patches)
    agreement = shared_links(graphs[contrast], by_patches)

    def merit(graph: Graph) -> float:
        labels = agreed_partition([graph], n_clusters, CONTEST, random_state)
        return graph.node_modularity(labels)

    if image_kind == "auto":
        is_photograph = agreement <= settings.confirmed and (
            merit(by_patches) > merit(graphs[contrast])
        )
        image_kind = "photograph" if is_photograph else "drawing"
    return Appearance(contrast, image_kind, patches, agreement)


def shared_links(graph: Graph, other: Graph) -> float:
    """Share of the links of two graphs of the same nodes that both have, in [0, 1]."""
    first, second = graph.weights > 0, other.weights > 0
    most = np.sqrt(first.nnz * second.nnz)
    return float(first.multiply(second).nnz / most) if most else 0.0


def _best_witnessed(graphs: dict[str, Graph], by_patches: Graph) -> str:
    """Contrast whose links the other contrasts and patches share most."""

    def witnessed(contrast: str) -> float:
        others = [graph for name, graph in graphs.items() if name != contrast]
        shares = [shared_links(graphs[contrast], g) for g in (*others, by_patches)]
        return float(np.mean(shares))

    return max(graphs, key=witnessed)
