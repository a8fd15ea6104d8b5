"""What joint training begins with: clusters in a latent space, and who holds them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.fitted import to_numpy
from deepcluster_sk.base.known import started_by
from deepcluster_sk.base.looks import draw_views, refinement
from deepcluster_sk.base.resolution import ResolutionMixin
from deepcluster_sk.base.start import Start, first_clusters
from deepcluster_sk.graph.propagation import pinned
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.pseudo_labels import LabelUpdates
from deepcluster_sk.training.targets import PseudoLabels


class PlacingMixin(ResolutionMixin):
    """Clusters placed in the latent space of a network, and held to their labels."""

    tol: float

    def _place_clusters(
        self, net: ClusteringNet, context: FitContext, start: Start, streams: Streams
    ) -> NDArray[np.int64]:
        """Place the clusters in the latent space; returns the labels they start from.

        Those of a fitted network are in place.
        """
        if context.goes_on:
            assert start.labels is not None
            return start.labels
        augmentation = self._augmentation(context.layout, start.image_kind)
        first = partial(
            self._first_clusters,
            latent=to_numpy(net.embed(context.dataset).latent),
            draw=partial(draw_views, net, context, augmentation, streams),
            n_clusters=context.n_clusters,
            random_state=streams.random_state,
        )
        labels, centers = first(start)
        if context.known is not None:
            start = replace(start, labels=started_by(start, context, labels))
            labels, centers = first(start)
            # An empty cluster begins at any row, but takes none that is known.
            labels = pinned(labels, context.known)
        net.module_.set_centers(torch.as_tensor(centers))
        return labels

    def _first_clusters(
        self,
        start: Start,
        latent: NDArray[np.float32],
        draw: Callable[[int], list[NDArray[np.float32]]],
        n_clusters: int,
        random_state: np.random.RandomState,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Labels and centres the clusters start from."""
        init = self._init()
        return first_clusters(init, start, latent, draw, n_clusters, random_state)

    def _held(
        self,
        context: FitContext,
        start: Start,
        labels: NDArray[np.int64],
        streams: Streams,
    ) -> dict[str, Any]:
        """Gather what holds joint training: pseudo-labels, and who judges them."""
        targets = PseudoLabels(n_updates=0) if context.holds else self._targets()
        judge = None if start.graph is None else start.graph.graph
        pseudo_labels = None
        if isinstance(targets, PseudoLabels):
            refine = None
            if judge is not None:
                augmentation = self._augmentation(context.layout, start.image_kind)
                refine = refinement(context, judge, augmentation, streams)
            pseudo_labels = LabelUpdates(
                labels, context.n_clusters, targets, judge, refine, context.known
            )
        return {
            "tol": self.tol,
            "pseudo_labels": pseudo_labels,
            "judge": judge,
            "known": context.known,
        }
