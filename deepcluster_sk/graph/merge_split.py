"""Clusters with hardly a border are merged, and ones that fall apart are split.

Modularity likes clusters of equal size: of classes of very unequal size it joins the
rare ones, and cuts the large ones, for next to no difference.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from deepcluster_sk.graph.refinement import REFINEMENT, refined
from deepcluster_sk.graph.spectral import Labels, degrees, spectral_embedding


@dataclass(frozen=True)
class MergeSplitSettings:
    """Where two clusters are merged and a third is split.

    The trials are in ``benchmarks/notes/graph.md``, under "Classes of unequal size".
    """

    times: float = 2.0
    """Two clusters are merged where their normalised cut is so many times that of the
    one that is split instead, and `more` above it. Cuts of classes come as near as .319
    and .144 (Imagenette), where an exchange cost .05."""
    more: float = 0.12
    """It was up to .11 more where clusters got worse, .13 and above in most cases where
    they got better. At .05 four samples of nearly equal classes got worse; from .11 to
    .15 the mean of 60 samples fell from .859 to .847."""
    smallest_share: float = REFINEMENT.smallest_share
    """The smaller part of a cluster that is split, as a share of n / K, at least: what
    is smaller would count as lost."""
    smallest: int = 5
    """The same in nodes: as many as a node has links."""
    n_directions: int = 2
    """Eigenvectors along which a cluster is split; not tuned."""


MERGE_SPLIT = MergeSplitSettings()


def merge_split(
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
    resolution: float = 1.0,
    settings: MergeSplitSettings = MERGE_SPLIT,
) -> Labels:
    r"""Merge two clusters and split a third, where that makes a far clearer border.

    The normalised cut says how clear a border is. In the graph of the two clusters
    alone, with w_ab between them, w_aa and w_bb inside, it is

    .. math:: \frac{w_{ab}}{w_{aa} + w_{ab}} + \frac{w_{ab}}{w_{bb} + w_{ab}}.

    A cluster is split where its own normalised cut along a leading eigenvector is
    lowest. The result is refined before the next two are merged.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    labels : ndarray of shape (n,), int
    n_clusters : int
    random_state : RandomState
    resolution : float, default=1.0
    settings : MergeSplitSettings

    Returns
    -------
    ndarray of shape (n,), int64
        The same labels where nothing is to be gained.

    References
    ----------
    Shi and Malik (2000), "Normalized cuts and image segmentation".
    """
    for _ in range(n_clusters):
        found = _exchanged(graph, labels, n_clusters, settings)
        if found is None:
            break
        labels = refined(graph, found, n_clusters, random_state, resolution)
    return labels


def _exchanged(
    graph: scipy.sparse.csr_matrix,
    labels: Labels,
    n_clusters: int,
    settings: MergeSplitSettings,
) -> Labels | None:
    """Merge two clusters and split the third by which most is gained, if any."""
    least = int(settings.smallest_share * len(labels) / n_clusters)
    least = max(settings.smallest, least)
    cuts = normalized_cuts(graph, labels, n_clusters)
    unclear = zip(*np.nonzero(np.triu(cuts) > settings.more), strict=True)
    pairs = sorted(unclear, key=lambda pair: -cuts[pair])
    most, found = settings.more, None
    for divided in range(n_clusters):
        pair = next((pair for pair in pairs if divided not in pair), None)
        if pair is None or cuts[pair] <= most:
            continue
        nodes = np.flatnonzero(labels == divided)
        cut, side = bisected(graph[nodes][:, nodes], least, settings.n_directions)
        more = cuts[pair] - settings.times * cut
        if more > most:
            most, found = more, labels.copy()
            kept, merged = pair
            found[labels == merged] = kept
            found[nodes[side]] = merged
    return found


def normalized_cuts(
    graph: scipy.sparse.csr_matrix, labels: Labels, n_clusters: int
) -> NDArray[np.float64]:
    """Normalised cut of every two clusters, ``(K, K)``, 0 of one with itself."""
    return crossing_shares(links_between(graph, labels, n_clusters))


def links_between(
    graph: scipy.sparse.csr_matrix, labels: Labels, n_clusters: int
) -> NDArray[np.float64]:
    """Weight of the links between every two clusters, and inside each, ``(K, K)``."""
    member = np.eye(n_clusters)[labels]
    return member.T @ (graph @ member)


def crossing_shares(links: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normalised cut of every two clusters by the links between them, ``(K, K)``."""
    volumes = np.diag(links)[:, None] + links
    shares = np.divide(links, volumes, out=np.zeros_like(links), where=volumes > 0)
    np.fill_diagonal(shares, 0)
    return shares + shares.T


def bisected(
    graph: scipy.sparse.csr_matrix,
    least: int,
    n_directions: int = MERGE_SPLIT.n_directions,
) -> tuple[float, NDArray[np.bool_]]:
    """Cut a graph in two along a leading eigenvector, where the cut is lowest.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    least : int
        Nodes of the smaller part.
    n_directions : int, default=2
        Eigenvectors that are tried.

    Returns
    -------
    cut : float
        Normalised cut; infinite where there are too few nodes.
    side : ndarray of shape (n,), bool
    """
    n = graph.shape[0]
    best, side = np.inf, np.zeros(n, bool)
    if n < max(2 * least, 3):
        return best, side
    degree, links = degrees(graph), graph.tocoo()
    vectors = spectral_embedding(graph, min(1 + n_directions, n - 1))[:, 1:]
    for vector in vectors.T:
        order = np.argsort(vector / np.sqrt(np.maximum(degree, 1e-12)), kind="stable")
        place = np.empty(n, np.int64)
        place[order] = np.arange(n)
        # A link is cut by every border between the places of its ends.
        ends = place[links.row], place[links.col]
        steps = np.bincount(np.minimum(*ends), links.data, n) - np.bincount(
            np.maximum(*ends), links.data, n
        )
        between = np.cumsum(steps)[:-1] / 2
        volume = np.cumsum(degree[order])
        volumes = volume[:-1], volume[-1] - volume[:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            cuts = between / volumes[0] + between / volumes[1]
        cuts = np.where(np.isfinite(cuts), cuts, np.inf)
        cuts[: least - 1] = cuts[n - least :] = np.inf
        if cuts.min() < best:
            best, side = float(cuts.min()), place <= cuts.argmin()
    return best, side
