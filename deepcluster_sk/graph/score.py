"""Score a clustering of any data without labels, on a graph that no network made.

A loss cannot compare settings of its own weights, and what a network says of itself
(confidence, agreement between views) grows as training goes on, whether the clusters
get better or worse. The graph here is made of the samples alone: it links each to those
that augmentation makes alike, and the score is how much of that graph the clusters keep
together. Half of it is of the clusters of the samples, half of those found most often
in their augmented views, so that a network that knows pixels by heart does not pass for
one that knows shapes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray

from deepcluster_sk.augmentation.presets import (
    apply_augmentation,
    kind_of,
    make_augmentation,
)
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.duplicates import first_copies
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph.features import pixel_features
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.neighbors import Views, view_neighbors
from deepcluster_sk.graph.spectral import Labels, affinity
from deepcluster_sk.graph.start import contrasts_for
from deepcluster_sk.graph.voting import most_frequent
from deepcluster_sk.networks.inference import collect, evaluating
from deepcluster_sk.runtime.caching import data_key
from deepcluster_sk.runtime.kept import Kept
from deepcluster_sk.runtime.modes import computing
from deepcluster_sk.runtime.seeding import generator, seeded


@dataclass(frozen=True)
class ScoreSettings:
    """The graph that clusterings are scored on, and the views whose clusters count.

    Over thirty settings of a clusterer the rank correlation of this score and the
    accuracy is .94 on digits, .96 on USPS and .74 and .87 on Fashion-MNIST; on the mean
    of the graphs under three contrasts, instead of the best, it was .11 and .82
    there. The page on model selection tells the rest.
    """

    max_nodes: int = 4_000
    """Samples in the graph, at most; more make the score little steadier."""
    n_views: int = 16
    """Augmented views of each sample that neighbours are looked for in: as many as in
    the start of a fit."""
    n_neighbors: int = 10
    """Neighbours a sample is linked to: as many as in the start of a fit."""
    n_votes: int = 8
    """Augmented views of each sample that vote for its cluster; not tuned."""
    seed: int = 0
    """Of everything random. Fixed, not drawn in a fit: candidates are to be compared on
    the same graph."""


SCORE = ScoreSettings()
#: Bytes of the graphs that are kept, at most. One of 4,000 samples takes about 1 MB: a
#: search scores all its candidates on the same few folds, six graphs for each.
KEPT_BYTES = 256 << 20

_kept: Kept[Graph] = Kept(KEPT_BYTES)


def forget_scoring_graphs() -> None:
    """Let go of the graphs of data scored before, and of the memory they take.

    Up to 256 MB of them are kept, the last used, so that a search makes the graphs of
    its held-out samples only once.
    """
    _kept.clear()


def scoring_graphs(
    rows: NDArray[np.generic], layout: RowLayout, device: torch.device
) -> list[Graph]:
    """Graphs of images under every contrast normalisation, or the one of vectors.

    Which contrast tells images apart is a property of the data. To choose one here
    would be to choose between candidates.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
    layout : RowLayout
    device : torch.device

    Returns
    -------
    list of Graph
    """
    contrasts = contrasts_for("auto", layout)
    return [scoring_graph(rows, layout, device, contrast) for contrast in contrasts]


def voted_labels(module: Any, dataset: RowDataset, reader: SampleReader) -> Labels:
    """Cluster that a network finds most often in augmented views of each sample.

    Parameters
    ----------
    module : nn.Module
        With ``embed(x) -> Embedding``.
    dataset : RowDataset
    reader : SampleReader

    Returns
    -------
    ndarray of shape (n,), int64
    """

    def label(x: torch.Tensor) -> torch.Tensor:
        return module.embed(x).log_assignment.argmax(1)

    with evaluating(module):
        device = next(module.parameters()).device
        return view_labels(label, dataset, reader, device)


def view_labels(
    label: Callable[[torch.Tensor], torch.Tensor],
    dataset: RowDataset,
    reader: SampleReader,
    device: torch.device,
) -> Labels:
    """Cluster found most often in augmented views of each sample.

    Parameters
    ----------
    label : callable
        From ``(n, *sample_shape)`` on the device to the cluster of each, ``(n,)``.
    dataset : RowDataset
    reader : SampleReader
    device : torch.device

    Returns
    -------
    ndarray of shape (n,), int64
    """
    augmentation = make_augmentation("auto", kind_of(reader.layout))
    random = generator(SCORE.seed, device)

    def label_views(x: torch.Tensor) -> torch.Tensor:
        views = (
            apply_augmentation(augmentation, x, random) for _ in range(SCORE.n_votes)
        )
        return torch.stack([label(view) for view in views], dim=1)

    with seeded(SCORE.seed, device), computing(device):
        votes = collect(label_views, dataset, reader, device)
    return most_frequent(votes.cpu().numpy())


def best_modularity(graphs: Sequence[Graph], *clusterings: Labels) -> float:
    """Mean modularity of clusterings ``(n,)``, on the graph where it is largest.

    Graphs under several contrasts are several opinions of what is alike, and which
    suits the data is not known: clusters need not follow all of them.
    """
    return max(
        float(np.mean([graph.modularity(labels) for labels in clusterings]))
        for graph in graphs
    )


def mean_agreement(graphs: Sequence[Graph], labels: Labels) -> float:
    """Mean over graphs of the share of links between samples of equal label."""
    shares = []
    for graph in graphs:
        links, found = graph.weights.tocoo(), labels[graph.nodes]
        inside = links.data[found[links.row] == found[links.col]].sum()
        shares.append(inside / links.data.sum() if links.nnz else 1.0)
    return float(np.mean(shares))


def scoring_graph(
    rows: NDArray[np.generic],
    layout: RowLayout,
    device: torch.device,
    contrast: str = "none",
    settings: ScoreSettings = SCORE,
) -> Graph:
    """Link samples to those that augmentation makes alike.

    It depends on nothing but the samples and the contrast they are seen under: neither
    on parameters of an estimator, such as its augmentation, nor on what it was fitted
    on. Graphs of the last few data sets are kept (:func:`forget_scoring_graphs`).

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
    layout : RowLayout
    device : torch.device
    contrast : str, default="none"
    settings : ScoreSettings

    Returns
    -------
    Graph
        Of up to 4,000 of the samples.
    """
    key = (data_key(rows), layout, str(device), contrast, settings)
    graph = _kept.get(key)
    if graph is None:
        graph = _make_graph(rows, layout, device, contrast, settings)
        _kept.put(key, graph)
    return graph


def _make_graph(
    rows: NDArray[np.generic],
    layout: RowLayout,
    device: torch.device,
    contrast: str,
    settings: ScoreSettings,
) -> Graph:
    # Copies would be each other's neighbours, and agree whatever they are labelled.
    order = np.random.RandomState(settings.seed).permutation(first_copies(rows))
    nodes = np.sort(order[: settings.max_nodes])
    k = min(settings.n_neighbors, len(nodes) - 1)
    if k < 1:
        return Graph(nodes, scipy.sparse.csr_matrix((len(nodes), len(nodes))))
    sample = rows[nodes]
    views = Views(
        RowDataset(sample),
        SampleReader(layout, PixelScaler.standardize(sample, layout)),
        make_augmentation("auto", kind_of(layout), wide=True),
        generator(settings.seed, device),
    )
    with seeded(settings.seed, device), computing(device):
        features = pixel_features(views, contrast)
        indices = torch.arange(len(nodes), device=device)
        stack = views.stack(features, indices, settings.n_views)
        neighbors = view_neighbors(stack[0], stack, k, same=True)
    return Graph(nodes, affinity(neighbors, k))
