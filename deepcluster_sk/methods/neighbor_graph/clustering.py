"""Samples that are all nodes of a graph, partitioned and made to vote for others."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from deepcluster_sk.graph.contest import Appearance, ImageKind
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.remembering import RememberingViews
from deepcluster_sk.graph.settings import GraphSettings, settings_for
from deepcluster_sk.graph.start import (
    MIN_NODES,
    GraphStart,
    Neighborhood,
    find_neighborhood,
)
from deepcluster_sk.graph.voting import VOTES, NodeVoters
from deepcluster_sk.training.centers import kmeans_start


def cluster_nodes(
    views: Views,
    n_clusters: int,
    random_state: np.random.RandomState,
    *,
    contrasts: Sequence[str],
    image_kind: ImageKind | Literal["auto"],
    settings: GraphSettings,
    seen: Appearance | None,
) -> tuple[GraphStart, NodeVoters]:
    """Partition samples, all of them nodes of the graph.

    Fewer than eight samples, ones that are all equal, and one cluster make no graph to
    be cut: they are clustered by k-means on the same features, and the nearest node
    alone votes.

    Parameters
    ----------
    views : Views
    n_clusters : int
        No more than there are samples.
    random_state : RandomState
    contrasts : sequence of str
    image_kind : {"auto", "drawing", "photograph"}
    settings : GraphSettings
    seen : Appearance or None
        How samples are seen, where contrast and kind have been chosen already.

    Returns
    -------
    start : GraphStart
    voters : NodeVoters
        On the CPU.
    """
    n_nodes = len(views.dataset)
    is_trivial = (
        n_nodes < MIN_NODES or n_clusters == 1 or views.reader.scaler.is_constant
    )
    if is_trivial:
        # There is nothing to choose contrast and kind by.
        contrasts = contrasts[:1]
        image_kind = "drawing" if image_kind == "auto" else image_kind
    views = RememberingViews.of(views)
    found = find_neighborhood(
        views,
        n_clusters,
        random_state,
        contrasts=contrasts,
        image_kind=image_kind,
        settings=settings,
        max_nodes=n_nodes,
        seen=seen,
        by_patches_alone=True,
    )
    stack = _node_views(views, found)
    if is_trivial:
        n_votes = 1
        labels = np.zeros(n_nodes, np.int64)
        if not views.reader.scaler.is_constant:
            points = stack[0].cpu().numpy()
            labels = kmeans_start(points, n_clusters, random_state)
        start = found.start(labels)
    else:
        most = settings_for(n_nodes).most_neighbors(n_nodes, n_clusters)
        n_votes = min(VOTES.n_votes, most)
        start = found.partition(n_clusters, n_nodes, random_state)
    voters = NodeVoters.of(
        found.features, stack, start.labels, n_votes, views.dataset, views.reader
    )
    return start, voters


def check_sizes(
    n_samples: int, n_clusters: int, max_nodes: int, n_neighbors: int | str
) -> None:
    """Check that there are samples enough for clusters and neighbours.

    Raises
    ------
    ValueError
        With the numbers, and what to change.
    """
    if n_samples < n_clusters:
        raise ValueError(f"n_samples={n_samples} should be >= n_clusters={n_clusters}.")
    if max_nodes < n_clusters:
        raise ValueError(
            f"max_nodes={max_nodes} should be >= n_clusters={n_clusters}: each cluster "
            "needs a node of the graph."
        )
    n_nodes = min(n_samples, max_nodes)
    if not isinstance(n_neighbors, str) and n_neighbors >= n_nodes:
        raise ValueError(
            f"n_neighbors={n_neighbors} should be < {n_nodes}, the number of nodes "
            f"(n_samples={n_samples}, max_nodes={max_nodes})."
        )


def check_cluster_size(n_samples: int, n_clusters: int, least: int) -> None:
    """Check that clusters can have so many samples each.

    Raises
    ------
    ValueError
        With the numbers, and what to change.
    """
    if n_clusters * least > n_samples:
        raise ValueError(
            f"n_clusters={n_clusters} clusters of min_cluster_size={least} would need "
            f"{n_clusters * least} samples, but X has {n_samples}: lower one of both."
        )


def _node_views(views: Views, found: Neighborhood) -> list[torch.Tensor]:
    """Draw the views of the nodes that other samples are compared with."""
    # Patches are found wherever they are.
    is_moved = found.appearance.compared_by == "pixels"
    most = found.settings.n_views if is_moved else 0
    indices = torch.arange(len(views.dataset), device=views.generator.device)
    return views.stack(found.features, indices, min(VOTES.n_views - 1, most))
