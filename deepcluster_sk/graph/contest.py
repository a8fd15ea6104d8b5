"""What images are best compared by: which contrast, and pixels or patches.

How tidily a graph falls into clusters says little of what the clusters are made of: the
light on a face, or the place of a stain, makes tidy ones. What light and place link is
not linked under another contrast or by patches, and what belongs together is. So graphs
are witnesses of each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from deepcluster_sk.graph.agreement import shared_links
from deepcluster_sk.graph.features import (
    has_patches,
    patch_features,
    pixel_features,
)
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.neighbors import Features, Views

ImageKind = Literal["drawing", "photograph"]


#: Share of the links in pixels that patches have too, above which images are not taken
#: for photographs: most links are right then. The trials are in
#: ``benchmarks/notes/start.md``, under "Contrast and kind".
CONFIRMED = 1 / 2


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

    def features(self, views: Views) -> Features:
        """Find what samples are compared by: patches of photographs, else pixels."""
        if self.image_kind == "photograph":
            return self.patches or patch_features(views)
        return pixel_features(views, self.contrast)


def look_at(
    views: Views,
    contrasts: Sequence[str],
    image_kind: ImageKind | Literal["auto"],
    link: Callable[[Features, bool], Graph],
    merit: Callable[[Graph], float],
) -> tuple[Appearance, Graph | None]:
    """Choose contrast and kind of samples by graphs of some of them.

    The contrast whose links the others and patches share most is taken. Images are
    photographs where most links in pixels are not found by patches, and patches make
    the better clusters. Photographs are seen under the first contrast: in pixels they
    are not compared, and a network learns to see through light by their views.

    Parameters
    ----------
    views : Views
    contrasts : sequence of str
        Contrast normalisations to choose from.
    image_kind : {"auto", "drawing", "photograph"}
    link : callable
        Makes a graph of features, always of the same samples; True says that neighbours
        are to be looked for in augmented views.
    merit : callable
        Of a graph: how well it falls into clusters.

    Returns
    -------
    appearance : Appearance
    graph : Graph or None
        That of the features chosen, where graphs were made to choose by.
    """
    layout = views.reader.layout
    if not layout.is_image:
        return Appearance(contrasts[0], None), None
    if image_kind == "auto" and not has_patches(layout):
        image_kind = "drawing"
    if image_kind == "photograph" or (image_kind == "drawing" and len(contrasts) == 1):
        return Appearance(contrasts[0], image_kind), None
    graphs = {name: link(pixel_features(views, name), True) for name in contrasts}
    # Patches are found wherever they are: no views are needed.
    patches = patch_features(views)
    by_patches = link(patches, False)
    contrast = _best_witnessed(graphs, by_patches)
    by_pixels = graphs[contrast]
    agreement = shared_links(by_pixels, by_patches)
    if image_kind == "auto":
        differ = agreement <= CONFIRMED
        better = differ and merit(by_patches) > merit(by_pixels)
        image_kind = "photograph" if better else "drawing"
    if image_kind == "photograph":
        return Appearance(contrasts[0], image_kind, patches, agreement), by_patches
    return Appearance(contrast, image_kind, patches, agreement), by_pixels


def _best_witnessed(graphs: dict[str, Graph], by_patches: Graph) -> str:
    """Contrast whose links the other contrasts and patches share most."""

    def witnessed(contrast: str) -> float:
        others = [graph for name, graph in graphs.items() if name != contrast]
        shares = [shared_links(graphs[contrast], g) for g in (*others, by_patches)]
        return float(np.mean(shares))

    return max(graphs, key=witnessed)
