"""How far the samples that look like a sample share its cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.graph.features import has_patches, patch_features, pixel_features
from deepcluster_sk.graph.graph import Graph, neighbor_graph
from deepcluster_sk.graph.neighbors import Features, Views
from deepcluster_sk.graph.spectral import Labels, degrees
from deepcluster_sk.graph.start import contrasts_for


@dataclass(frozen=True)
class SupportSettings:
    """The graphs whose neighbours are asked."""

    max_nodes: int = 4_000
    """Samples in a graph, at most; the others ask the nodes nearest to them. As many as
    in the graph of a score."""
    n_views: int = 16
    """Augmented views in which neighbours are looked for: as many as in a start."""


SUPPORT = SupportSettings()


def neighbor_support(
    views: Views,
    labels: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
    settings: SupportSettings = SUPPORT,
) -> NDArray[np.float64]:
    """Share of each sample's neighbours, and theirs, that are in its cluster.

    Neighbours are found as the start of a fit finds them, without a network: in
    augmented views, and of images by patches as well. Which contrast tells images apart
    is not known, so all are asked, and the mean is taken.

    Parameters
    ----------
    views : Views
        Of n samples.
    labels : ndarray of shape (n,), int64
    n_clusters : int
    random_state : RandomState
        Of the nodes.
    settings : SupportSettings

    Returns
    -------
    ndarray of shape (n,)
        In [0, 1]: 1 where all are of its cluster, 1/2 where as many are of another, 0
        where all are of another.
    """
    n = len(labels)
    nodes = np.sort(random_state.permutation(n)[: settings.max_nodes])
    supports = []
    for features, n_views in _features(views, settings):
        graph = neighbor_graph(views, features, nodes, n_clusters, n_views)
        supports.append(_support(graph, labels, n_clusters))
    return np.mean(supports, axis=0)


def _features(
    views: Views, settings: SupportSettings
) -> Sequence[tuple[Features, int]]:
    """Choose what distances are taken in, and in how many views."""
    layout = views.reader.layout
    contrasts = contrasts_for("auto", layout)
    found: list[tuple[Features, int]] = [
        (pixel_features(views, name), settings.n_views) for name in contrasts
    ]
    if has_patches(layout):
        found.append((patch_features(views), 0))  # they are found wherever they are
    return found


def _support(graph: Graph, labels: Labels, n_clusters: int) -> NDArray[np.float64]:
    """Support of every sample on one graph."""
    own = np.eye(n_clusters)[labels[graph.nodes]]
    weights = graph.weights / np.maximum(degrees(graph.weights), 1e-12)[:, np.newaxis]
    near = np.asarray(weights @ own)
    shares = np.empty((len(labels), n_clusters))
    shares[graph.nodes] = weights @ near
    if graph.voters is not None:
        rest = np.setdiff1d(np.arange(len(labels)), graph.nodes)
        shares[rest] = near[graph.voters].mean(axis=1)
    mine = np.take_along_axis(shares, labels[:, np.newaxis], 1)[:, 0]
    np.put_along_axis(shares, labels[:, np.newaxis], -np.inf, 1)
    best = shares.max(axis=1) if n_clusters > 1 else np.zeros(len(labels))
    return np.clip((1 + mine - best) / 2, 0, 1)
