"""What samples that look alike say of a clustering, where no network was asked.

Each way to compare samples is a witness: the graph of what is near by it, and
partitions of that graph. Neighbours know of a sample that lies among those of another
cluster; of a whole group that does they know nothing, but a partition of another graph
may part it from the others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.data.duplicates import first_copies
from deepcluster_sk.graph.consensus import graph_partition
from deepcluster_sk.graph.features import has_patches, patch_features, pixel_features
from deepcluster_sk.graph.graph import Graph, neighbor_graph
from deepcluster_sk.graph.neighbors import Features, Views
from deepcluster_sk.graph.settings import CONTEST, GraphSettings
from deepcluster_sk.graph.spectral import Labels, degrees
from deepcluster_sk.graph.start import MIN_NODES, contrasts_for
from deepcluster_sk.metrics import clustering_accuracy_score, pair_counts
from deepcluster_sk.networks.contrast import COLOUR_BLIND, LIGHT_BLIND, USUAL


@dataclass(frozen=True)
class SupportSettings:
    """The graphs that are asked, and how they are partitioned.

    The trials are in ``benchmarks/notes``: "Doubt".
    """

    max_nodes: int = 4_000
    """Samples in a graph, at most; the others ask the nodes nearest to them. As many as
    in the graph of a score."""
    n_views: int = 16
    """Augmented views in which neighbours are looked for: as many as in a start."""
    n_partitions: int = 2
    """Of each graph, by other draws. Not tuned."""
    partition: GraphSettings = CONTEST
    """Of a partition: small, since there are eight."""


SUPPORT = SupportSettings()


@dataclass(frozen=True)
class Witness:
    """One way to compare samples.

    Attributes
    ----------
    graph : Graph
        Of what is near by it.
    partitions : list of ndarray of shape (n,), int64
        Of all samples, into as many clusters.
    """

    graph: Graph
    partitions: list[Labels]

    def neighbor_support(self, labels: Labels, n_clusters: int) -> NDArray[np.float64]:
        """How far each sample's neighbours, and theirs, are in its cluster.

        Parameters
        ----------
        labels : ndarray of shape (n,), int64
        n_clusters : int

        Returns
        -------
        ndarray of shape (n,)
            In [0, 1]: 1 where all are of its cluster, 1/2 where as many are of another,
            0 where all are of another.
        """
        graph = self.graph
        own = np.eye(n_clusters)[labels[graph.nodes]]
        total = np.maximum(degrees(graph.weights), 1e-12)
        weights = graph.weights / total[:, np.newaxis]
        near = np.asarray(weights @ own)
        shares = np.empty((len(labels), n_clusters))
        shares[graph.nodes] = weights @ near
        if graph.voters is not None:
            rest = graph.beside(len(labels))
            shares[rest] = near[graph.voters].mean(axis=1)
        return _lead(shares, labels)

    def partition_support(self, labels: Labels, n_clusters: int) -> NDArray[np.float64]:
        """How far the samples that partitions put with each one are in its cluster.

        Parameters and what is returned are those of :meth:`neighbor_support`.
        """
        return np.mean([_share(p, labels, n_clusters) for p in self.partitions], axis=0)


def find_witnesses(
    views: Views,
    n_clusters: int,
    random_state: np.random.RandomState,
    contrast: str = "none",
    settings: SupportSettings = SUPPORT,
) -> list[Witness]:
    """Find neighbours as the start of a fit does, by all that there is to compare by.

    That is pixels in augmented views, and of images patches as well. Which contrast
    tells images apart is not known, so all are asked; but where light or colours are
    left out, only those that do not see them.

    Parameters
    ----------
    views : Views
        Of n samples.
    n_clusters : int
    random_state : RandomState
        Of the nodes.
    contrast : {"none", "image", "local", "level", "figure", "edges"}, default="none"
        That the clusters were found under.
    settings : SupportSettings

    Returns
    -------
    list of Witness
    """
    n = len(views.dataset)
    # Copies would vouch for each other, whatever they are labelled.
    first = first_copies(views.dataset.rows, max(MIN_NODES, n_clusters + 1))
    nodes = np.sort(random_state.permutation(first)[: settings.max_nodes])
    witnesses = []
    for features, n_views in _features(views, contrast, settings):
        graph = neighbor_graph(views, features, nodes, n_clusters, n_views)
        partitions = [
            graph_partition(
                [graph], n_clusters, n, settings.partition, random_state
            ).labels
            for _ in range(settings.n_partitions)
        ]
        witnesses.append(Witness(graph, partitions))
    return witnesses


def support(
    witnesses: Sequence[Witness], labels: Labels, n_clusters: int
) -> NDArray[np.float64]:
    """Support of each sample's label: by its neighbours, times by partitions, ``(n,)``.

    Each is the mean over all witnesses. A sample is in doubt where either is low.
    """
    near = [witness.neighbor_support(labels, n_clusters) for witness in witnesses]
    parts = [witness.partition_support(labels, n_clusters) for witness in witnesses]
    return np.mean(near, axis=0) * np.mean(parts, axis=0)


def agreement(witnesses: Sequence[Witness], labels: Labels) -> float:
    """Share of the samples that the witnesses' partitions put where `labels` do.

    Under the best matching of clusters with parts; the mean over all partitions.
    """
    found = [
        clustering_accuracy_score(labels, partition)
        for witness in witnesses
        for partition in witness.partitions
    ]
    return float(np.mean(found))


def _features(
    views: Views, contrast: str, settings: SupportSettings
) -> Iterator[tuple[Features, int]]:
    """Choose what distances are taken in, and in how many views."""
    layout = views.reader.layout
    blind = (pair for pair in (COLOUR_BLIND, LIGHT_BLIND) if contrast in pair)
    peers = next(blind, USUAL)
    for name in contrasts_for("auto", layout):
        if name in peers:
            yield pixel_features(views, name), settings.n_views
    if has_patches(layout) and peers is USUAL:
        yield patch_features(views), 0  # they are found wherever they are


def _share(partition: Labels, labels: Labels, n_clusters: int) -> NDArray[np.float64]:
    """How far the others of a sample's part are in its cluster."""
    counts = pair_counts(partition, labels, partition.max() + 1, n_clusters)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return _lead(shares[partition], labels)


def _lead(shares: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """Lead of the own cluster over the best of the others, from 0 to 1, ``(n,)``."""
    shares, column = shares.copy(), labels[:, np.newaxis]
    mine = np.take_along_axis(shares, column, 1)[:, 0]
    np.put_along_axis(shares, column, -np.inf, 1)
    # Of one cluster there is no other, and its lead is boundless.
    return np.clip((1 + mine - shares.max(axis=1)) / 2, 0, 1)
