"""Looking for clusters in the latent space of a network."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.augmentation.presets import AugmentationLike
from deepcluster_sk.base.context import FitContext
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.latent import latent_graph, look_again, refined_labels
from deepcluster_sk.graph.neighbors import Features
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.graph.start import START, GraphStart, distinct_rows
from deepcluster_sk.networks.inference import autocast, evaluating
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.protocols import TrainedNet


def second_look(
    net: TrainedNet,
    context: FitContext,
    start: GraphStart,
    augmentation: AugmentationLike,
) -> GraphStart:
    """Look at a start by graph again, in the latent space of the pretrained net."""
    context.progress.begin("second look")
    streams = context.streams("second look")
    with streams.seeded(), evaluating(net.module_):
        return look_again(
            start,
            context.views(augmentation, streams),
            _latent_of(net, context),
            context.n_clusters,
            streams.random_state,
        )


def refinement(
    context: FitContext,
    judge: Graph,
    augmentation: AugmentationLike,
    streams: Streams,
) -> Callable[[TrainedNet, Labels], Labels]:
    """Make what refines labels on a graph and the latent space of a net, together."""
    views = context.views(augmentation, streams)

    def refine(net: TrainedNet, labels: Labels) -> Labels:
        with evaluating(net.module_):
            return refined_labels(
                labels,
                judge,
                views,
                _latent_of(net, context),
                context.n_clusters,
                streams.random_state,
            )

    return refine


def latent_neighbors(
    net: TrainedNet,
    context: FitContext,
    augmentation: AugmentationLike,
    n_clusters: int,
) -> Graph:
    """Link samples that are near in the latent space of a fitted net."""
    streams = context.streams("going on")
    views = context.views(augmentation, streams)
    rows, random_state = context.dataset.rows, streams.random_state
    nodes = distinct_rows(
        rows, context.layout, n_clusters, random_state, START.max_nodes
    )
    with streams.seeded(), evaluating(net.module_):
        return latent_graph(views, _latent_of(net, context), nodes, n_clusters)


def draw_views(
    net: TrainedNet,
    context: FitContext,
    augmentation: AugmentationLike,
    streams: Streams,
    n_views: int,
) -> list[NDArray[np.float32]]:
    """Latent vectors of augmented views of all samples, ``(n, latent_dim)`` each."""
    views = context.views(augmentation, streams)
    rows = torch.arange(context.n_samples, device=context.device)
    latent = _latent_of(net, context)
    with evaluating(net.module_):
        return [
            views.draw(latent, rows, augment=True).cpu().numpy() for _ in range(n_views)
        ]


def _latent_of(net: TrainedNet, context: FitContext) -> Features:
    """Make features of samples: where they lie in the net's latent space."""

    def latent(x: torch.Tensor) -> torch.Tensor:
        with autocast(context.device, context.precision):
            return net.module_.encode(x).float()

    return latent
