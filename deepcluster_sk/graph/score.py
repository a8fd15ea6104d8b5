"""Judge a clustering of any data without labels, on a graph that no network made.

A loss cannot compare settings of its own weights, and what a network says of itself
(confidence, agreement between views) grows as training goes on, whether the clusters
get better or worse. The judge here sees only the samples: it links each to those that
augmentation makes alike, and asks how much of that graph the clusters keep together.
Half of the judgement is of the clusters of the samples, half of those the network
finds most often in their augmented views, so that one that knows pixels by heart does
not pass for one that knows shapes.
"""

from collections.abc import Hashable, Sequence
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
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph.features import pixel_features
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.neighbors import Views, view_neighbors
from deepcluster_sk.graph.spectral import Labels, affinity
from deepcluster_sk.networks.contrast import CONTRASTS
from deepcluster_sk.networks.inference import collect, evaluating
from deepcluster_sk.runtime.caching import data_key
from deepcluster_sk.runtime.seeding import generator, seeded

#: Samples in the graph, at most; more make the figure little steadier.
JUDGE_NODES = 4_000
#: Augmented views of each sample that neighbours are looked for in.
JUDGE_VIEWS = 16
#: Neighbours a sample is linked to.
JUDGE_NEIGHBORS = 10
#: Augmented views of each sample that vote for its cluster.
JUDGE_VOTES = 8
#: Of everything random. Fixed, not drawn in a fit: candidates are to be compared on the
#: same graph.
JUDGE_SEED = 0


#: Graphs kept: a search scores all its candidates on the same few folds.
_KEPT = 30
_graphs: dict[Hashable, Graph] = {}


def judging_graphs(
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
    contrasts = CONTRASTS if layout.is_image else ("none",)
    return [judging_graph(rows, layout, device, contrast) for contrast in contrasts]


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
    device = next(module.parameters()).device
    augmentation = make_augmentation("auto", kind_of(reader.layout))
    random = generator(JUDGE_SEED, device)

    def label_views(x: torch.Tensor) -> torch.Tensor:
        votes = []
        for _ in range(JUDGE_VOTES):
            view = apply_augmentation(augmentation, x, random)
            votes.append(module.embed(view).log_assignment.argmax(1))
        return torch.stack(votes, dim=1)

    with seeded(JUDGE_SEED, device), evaluating(module):
        votes = collect(label_views, dataset, reader, device).cpu()
    return torch.nn.functional.one_hot(votes).sum(1).argmax(1).numpy()


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


def judging_graph(
    rows: NDArray[np.generic],
    layout: RowLayout,
    device: torch.device,
    contrast: str = "none",
) -> Graph:
    """Link samples to those that augmentation makes alike.

    It depends on nothing but the samples and the contrast they are seen under: neither
    on parameters of an estimator, such as its augmentation, nor on what it was fitted
    on. Graphs of the last few data sets are kept.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
    layout : RowLayout
    device : torch.device
    contrast : str, default="none"

    Returns
    -------
    Graph
        Of up to 4,000 of the samples.
    """
    key = (data_key(rows), layout, str(device), contrast)
    if key not in _graphs:
        graph = _make_graph(rows, layout, device, contrast)
        for old in list(_graphs)[: 1 - _KEPT]:
            _graphs.pop(old, None)
        _graphs[key] = graph
        return graph
    return _graphs[key]


def _make_graph(
    rows: NDArray[np.generic], layout: RowLayout, device: torch.device, contrast: str
) -> Graph:
    n = len(rows)
    order = np.random.RandomState(JUDGE_SEED).permutation(n)
    nodes = np.sort(order[:JUDGE_NODES])
    k = min(JUDGE_NEIGHBORS, len(nodes) - 1)
    if k < 1:
        return Graph(nodes, scipy.sparse.csr_matrix((n, n)))
    sample = rows[nodes]
    views = Views(
        RowDataset(sample),
        SampleReader(layout, PixelScaler.standardize(sample, layout)),
        make_augmentation("auto", kind_of(layout), wide=True),
        generator(JUDGE_SEED, device),
    )
    with seeded(JUDGE_SEED, device), torch.no_grad():
        features = pixel_features(views, contrast)
        indices = torch.arange(len(nodes), device=device)
        stack = views.stack(features, indices, JUDGE_VIEWS)
        neighbors = view_neighbors(stack[0], stack, k, same=True)
    return Graph(nodes, affinity(neighbors, k))
