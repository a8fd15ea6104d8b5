"""What images are best compared by: which contrast, which patches, or pixels.

How tidily a graph falls into clusters says little of what the clusters are made of: the
light on a face, or the place of a stain, makes tidy ones. What light and place link is
not linked under another contrast or by patches, and what belongs together is. So graphs
are witnesses of each other. The side from which light falls, colours, and which of
object and ground is the lighter, may tell objects apart, or differ among images of one
and the same: where two contrasts that do not see it agree with each other alone, what
is alike is so in spite of it. Patches see neither place nor how bright it is: of them
the tidiest are taken, with all that are as tidy within chance.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.graph.agreement import links_shared_by_nodes, shared_links
from deepcluster_sk.graph.consensus import beyond_chance
from deepcluster_sk.graph.features import (
    has_patches,
    is_grey,
    other_patch_features,
    patch_features,
    pixel_features,
)
from deepcluster_sk.graph.graph import Graph, summed
from deepcluster_sk.graph.neighbors import Features, SeveralFeatures, Views
from deepcluster_sk.networks.contrast import COLOUR_BLIND, LIGHT_BLIND, USUAL
from deepcluster_sk.runtime.seeding import drawing_apart

ImageKind = Literal["drawing", "photograph"]
#: Makes a graph of features, always of the same samples; True says that neighbours are
#: to be looked for in augmented views.
Link = Callable[[Features, bool], Graph]
#: Of a graph: how well it falls into clusters, as what each node adds, ``(n_nodes,)``.
Merit = Callable[[Graph], NDArray[np.float64]]


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
    compared_by : {"pixels", "patches", "both"}
        What samples are compared by.
    """

    contrast: str
    image_kind: ImageKind | None
    patches: Features | None = None
    patch_agreement: float | None = None
    compared_by: Literal["pixels", "patches", "both"] = "pixels"

    def features(self, views: Views) -> Features:
        """Find what samples are compared by: pixels, or patches where these count."""
        if self.compared_by == "pixels":
            return pixel_features(views, self.contrast)
        return self.patches or patch_features(views)


def look_at(
    views: Views,
    contrasts: Sequence[str],
    image_kind: ImageKind | Literal["auto"],
    link: Link,
    merit: Merit,
    by_patches_alone: bool = False,
) -> tuple[Appearance, Graph | None]:
    """Choose contrast and kind of samples by graphs of some of them.

    The contrast whose links the others and patches share most is taken, or one that
    does not see light, or colours, where two such agree alone. Patches do not count
    then if they see colours, or confirm little. Else, whichever of pixels and patches
    makes the clearly better clusters is what samples are compared by; where neither
    does, both are. Where patches make the better ones and do not confirm most of what
    pixels link, samples are photographs. Photographs are seen under the first contrast:
    in pixels they are not compared, and a network learns to see through light by their
    views.

    Parameters
    ----------
    views : Views
    contrasts : sequence of str
        Contrast normalisations to choose from.
    image_kind : {"auto", "drawing", "photograph"}
    link : callable
        See :data:`Link`.
    merit : callable
        See :data:`Merit`.
    by_patches_alone : bool, default=False
        Whether no network will look at photographs; then the best patches in colour
        and the best without are taken together.

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
    if image_kind == "drawing" and len(contrasts) == 1:
        return Appearance(contrasts[0], image_kind), None
    plain = patch_features(views)
    found = _candidates([plain, plain.half_whitened()], link, merit)
    choose = _best_of_both if by_patches_alone else _best
    if image_kind == "photograph":
        found += _candidates(other_patch_features(views), link, merit)
        return _by_patches(choose(found), contrasts[0], image_kind)
    graphs = _graphs_by_contrast(views, contrasts, link)
    contrast = _best_witnessed(graphs, found[0].graph)
    by_pixels = graphs[contrast]
    agreement = shared_links(by_pixels, found[0].graph)
    pixels = merit(by_pixels)
    is_told = len(graphs) > 1 and contrast in LIGHT_BLIND and agreement <= CONFIRMED
    by_pixels_alone = is_told or contrast in COLOUR_BLIND or not has_patches(layout)
    if by_pixels_alone or _all_worse(found, pixels):
        return Appearance(contrast, "drawing", plain, agreement), by_pixels
    found += _candidates(other_patch_features(views), link, merit)
    gain = max(found, key=_mean_merit).merit - pixels
    if image_kind == "auto" and agreement <= CONFIRMED and gain.mean() > 0:
        return _by_patches(choose(found), contrasts[0], "photograph", agreement)
    seen, graph = _by_patches(_best(found), contrast, "drawing", agreement)
    if beyond_chance(gain):
        return seen, graph
    return replace(seen, compared_by="both"), summed([by_pixels, graph])


class _Patches(NamedTuple):
    """Patches that samples may be compared by, and what graph they make."""

    features: Features
    graph: Graph
    merit: NDArray[np.float64]


def _candidates(
    features: Iterable[Features], link: Link, merit: Merit
) -> list[_Patches]:
    # Patches are found wherever they are: no views are needed.
    linked = [(one, link(one, False)) for one in features]
    return [_Patches(one, graph, merit(graph)) for one, graph in linked]


def _all_worse(found: Sequence[_Patches], merit: NDArray[np.float64]) -> bool:
    """Whether all patches fall into clusters worse than this, beyond chance."""
    return all(beyond_chance(merit - one.merit) for one in found)


def _best(found: Sequence[_Patches]) -> list[_Patches]:
    """Best patches by merit, and all that are not clearly worse."""
    best = max(found, key=_mean_merit)
    return [one for one in found if not beyond_chance(best.merit - one.merit)]


def _best_of_both(found: Sequence[_Patches]) -> list[_Patches]:
    """Best patches in colour and the best without, each of which tells its own."""
    grey = [one for one in found if is_grey(one.features)]
    if not grey:
        return _best(found)
    coloured = [one for one in found if not is_grey(one.features)]
    return [max(some, key=_mean_merit) for some in (coloured, grey)]


def _mean_merit(patches: _Patches) -> float:
    return float(patches.merit.mean())


def _by_patches(
    chosen: Sequence[_Patches],
    contrast: str,
    kind: ImageKind,
    agreement: float | None = None,
) -> tuple[Appearance, Graph]:
    """Say how images look that are compared by these patches, and give their graph."""
    if len(chosen) == 1:
        features, graph = chosen[0].features, chosen[0].graph
    else:
        features = SeveralFeatures(tuple(one.features for one in chosen))
        graph = summed([one.graph for one in chosen])
    return Appearance(contrast, kind, features, agreement, "patches"), graph


def _graphs_by_contrast(
    views: Views, contrasts: Sequence[str], link: Link
) -> dict[str, Graph]:
    """Graph of the samples' pixels under each contrast."""
    seeing = [name for name in contrasts if name in USUAL]
    graphs = {name: link(pixel_features(views, name), True) for name in seeing}
    # Whatever is seen under these is found by the same draws as without the others.
    with drawing_apart(views.generator):
        for name in contrasts:
            if name not in graphs:
                graphs[name] = link(pixel_features(views, name), True)
    return graphs


def _best_witnessed(graphs: dict[str, Graph], by_patches: Graph) -> str:
    """Contrast whose links others, that see everything, and patches share most."""
    seeing = [name for name in graphs if name in USUAL]
    pairs = (pair for pair in (COLOUR_BLIND, LIGHT_BLIND) if _agree_alone(pair, graphs))

    def witnessed(contrast: str) -> float:
        others = [graphs[name] for name in seeing if name != contrast]
        shares = [shared_links(graphs[contrast], g) for g in (*others, by_patches)]
        return float(np.mean(shares))

    return max(next(pairs, seeing or list(graphs)), key=witnessed)


def _agree_alone(pair: tuple[str, str], graphs: dict[str, Graph]) -> bool:
    """Whether two of several graphs share more links than either does with another."""
    if not graphs.keys() > set(pair):
        return False
    one, two = (graphs[name] for name in pair)
    shared = links_shared_by_nodes(one, two)
    return all(
        beyond_chance(shared - links_shared_by_nodes(graph, other))
        for graph in (one, two)
        for name, other in graphs.items()
        if name not in pair
    )
