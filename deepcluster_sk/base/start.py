"""Where a fit starts its clusters from."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.augmentation.presets import AugmentationLike
from deepcluster_sk.base.context import Run
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.consensus import (
    Partition,
    choose_contrast,
    graph_partition,
)
from deepcluster_sk.graph.features import patch_features, pixel_features
from deepcluster_sk.graph.graph import Graph, neighbor_graph, neighbor_graphs, summed
from deepcluster_sk.graph.neighbors import Features
from deepcluster_sk.graph.patches import PATCH_SIDE
from deepcluster_sk.graph.settings import ONE, Search, search_for
from deepcluster_sk.networks.contrast import CONTRASTS
from deepcluster_sk.networks.inference import autocast, evaluating
from deepcluster_sk.runtime.caching import reused
from deepcluster_sk.training.centers import (
    LATENT_STARTS,
    centers_of,
    given_centers,
    kmeans_start,
    nearest,
    reseed_empty,
)
from deepcluster_sk.training.net import ClusteringNet

#: Fewer samples than this make no graph worth the name.
MIN_NODES = 8
#: Nodes of the graph, at most; the other samples follow their neighbours in it.
GRAPH_NODES = 12_000
#: Hubness of a neighbour graph of pixels above which its neighbours mean little.
HUBNESS = 1.4
#: A trained latent needs fewer views than pixels do.
LATENT_VIEWS = 8
#: Partitions of the data by a neighbour graph, and how hard to look for them: by
#: default the harder, the fewer nodes.
GRAPH_STARTS: dict[str, Search | None] = {"consensus": None, "spectral": ONE}


class StartMixin:
    """The start of a clusterer: a contrast to see images under, labels and centres."""

    n_clusters: int
    contrast: str
    init: Any
    memory: Any

    @abstractmethod
    def _augmentation(self, layout: RowLayout, wide: bool = False) -> AugmentationLike:
        """Augmentation for samples of this layout; the wide one finds neighbours."""

    def _contrasts(self, layout: RowLayout) -> tuple[str, ...]:
        """Contrast normalisations to choose from."""
        if self.contrast == "auto":
            return CONTRASTS if layout.is_image else ("none",)
        if self.contrast != "none" and not layout.is_image:
            raise ValueError(
                f"contrast={self.contrast!r} needs images, but X holds flat vectors. "
                'Pass image_shape, or use contrast="none".'
            )
        return (self.contrast,)

    def _find_partition(self, run: Run, data: dict[str, Any]) -> Partition | None:
        """Contrast to see the samples under, and a partition of them if by graph."""
        contrasts = self._contrasts(run.layout)
        by_graph = isinstance(self.init, str) and self.init in GRAPH_STARTS
        if not by_graph or self.n_clusters == 1 or run.n_samples < MIN_NODES:
            run.contrast = contrasts[0]
            return None

        def find() -> tuple[str, bool, Partition]:
            first = self._first_partition(run, contrasts)
            return run.contrast, run.photographs, first

        key = {
            **data,
            "contrasts": contrasts,
            "n_clusters": self.n_clusters,
            "init": self.init,
        }
        run.contrast, run.photographs, first = reused(
            self.memory, "start", key, run.streams, find
        )
        return first

    def _first_partition(self, run: Run, contrasts: Sequence[str]) -> Partition:
        """Partition of the samples themselves: by pixels, of photographs by patches."""
        n, n_clusters, random_state = run.n_samples, self.n_clusters, run.random_state
        views = replace(
            run.views, augmentation=self._augmentation(run.layout, wide=True)
        )
        run.contrast = choose_contrast(views, contrasts, n_clusters, random_state)
        pixels = pixel_features(views, run.contrast)
        nodes = random_state.permutation(n)[:GRAPH_NODES]
        search = GRAPH_STARTS[self.init] or search_for(len(nodes))
        graphs = neighbor_graphs(views, pixels, nodes, n_clusters, search)
        run.photographs = run.layout.is_image and graphs[-1].hubness > HUBNESS
        if not run.photographs:
            return graph_partition(graphs, n_clusters, n, search, random_state)
        # Patches are found wherever they are: no views are needed.
        graph = neighbor_graph(views, patch_features(views), nodes, n_clusters, 0)
        labels = graph.cut(n_clusters, n, random_state)
        return Partition(graph.regrouped(labels, n_clusters, random_state), graph)

    def _start(
        self, run: Run, first: Partition | None, latent: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Labels and centres the clusters start from."""
        n_clusters, random_state = self.n_clusters, run.random_state
        if first is not None:
            labels = first.labels
        elif isinstance(self.init, str):
            labels = LATENT_STARTS.get(self.init, kmeans_start)(
                latent, n_clusters, random_state
            )
        else:
            centers = given_centers(self.init, latent, n_clusters, random_state)
            return nearest(latent, centers), centers
        labels = reseed_empty(latent, labels, n_clusters)
        return labels, centers_of(latent, labels, n_clusters)

    def _second_partition(
        self, run: Run, net: ClusteringNet, first: Partition
    ) -> Partition:
        """Look at the first partition again, by what is near in the net's latent space.

        Pixels know what clusters there are: samples only move, to where their
        neighbours in pixels, latent and patches are. Of photographs, whose first
        partition is made of patches, the clusters are found anew. Clusters that hardly
        part are regrouped.
        """
        n_clusters, random_state = self.n_clusters, run.random_state
        graphs = [first.graph, self._latent_graph(run, net, first.graph.nodes)]
        drawings = run.layout.is_image and not run.photographs
        if drawings and min(run.layout.shape[1:]) >= PATCH_SIDE:
            patches = patch_features(run.views)
            graphs.append(
                neighbor_graph(run.views, patches, first.graph.nodes, n_clusters, 0)
            )
        graph = summed(graphs)
        if run.photographs:
            labels = graph.cut(n_clusters, run.n_samples, random_state)
        else:
            labels = graph.refined(first.labels, n_clusters, random_state)
        return Partition(graph.regrouped(labels, n_clusters, random_state), graph)

    def _labels_again(
        self,
        run: Run,
        net: ClusteringNet,
        labels: NDArray[np.int64],
        graph: Graph,
    ) -> NDArray[np.int64]:
        """Refine the net's labels on the graph and that of its latent as it is now."""
        latent = self._latent_graph(run, net, graph.nodes)
        return summed([graph, latent]).refined(
            labels, self.n_clusters, run.random_state
        )

    def _latent_graph(
        self, run: Run, net: ClusteringNet, nodes: NDArray[np.int64]
    ) -> Graph:
        """Link samples to their neighbours in the net's latent space."""
        latent = self._latent(run, net)
        with evaluating(net.module_):
            return neighbor_graph(
                run.views, latent, nodes, self.n_clusters, LATENT_VIEWS
            )

    def _latent(self, run: Run, net: ClusteringNet) -> Features:
        """Make features of samples: where they lie in the net's latent space."""

        def latent(x: torch.Tensor) -> torch.Tensor:
            with autocast(run.device, run.precision):
                return net.module_.encode(x).float()

        return latent
