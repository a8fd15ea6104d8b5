"""The number of clusters in a fit: given, or counted before there is a network."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.resolution import ResolutionMixin
from deepcluster_sk.counting.bounds import bounds_of, is_given
from deepcluster_sk.counting.count import count_clusters
from deepcluster_sk.counting.profile import ClusterCount
from deepcluster_sk.counting.subdivision import tree_in_space
from deepcluster_sk.counting.tree import ClusterTreeMixin, border_tree
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.runtime.caching import cached
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.training.net import ClusteringNet


class CountingMixin(ClusterTreeMixin, ResolutionMixin):
    """Counting of clusters, and what is known of them after a fit."""

    memory: Any
    net_: ClusteringNet
    labels_: Labels

    def _data_key(self, context: FitContext) -> dict[str, Any]:
        """Describe the data as every stage sees them."""
        raise NotImplementedError

    def _counted(self, context: FitContext) -> FitContext:
        """Count the clusters, where their number is not given."""
        if is_given(self.n_clusters):
            return context
        layout = context.layout
        wanted: dict[str, Any] = {
            "bounds": bounds_of(self.n_clusters, context.n_samples),
            "contrasts": self._contrasts(layout),
            "image_kind": self.image_kind,
        }
        streams = context.streams("counting")
        views = context.views(self._augmentation(layout, wide=True), streams)

        def count() -> ClusterCount:
            context.progress.begin("counting")
            with streams.seeded():
                return count_clusters(
                    views, random_state=streams.random_state, **wanted
                )

        key = {**self._data_key(context), **wanted}
        found = cached(self.memory, "counting", key, count)
        # Said before a network is trained for a guess; of constant data all is said.
        if found.doubt is not None and not context.reader.scaler.is_constant:
            warn(found.doubt, ConvergenceWarning)
        return replace(context, n_clusters=found.n_clusters, count=found)

    def _store_count(
        self, context: FitContext, assignment: NDArray[Any], latent: NDArray[Any]
    ) -> None:
        """Set what is known of the clusters; warn.

        By the assignment of the samples, ``(n, K)``, and where they lie in the latent
        space, ``(n, d)``.
        """
        count, n_clusters = context.count, context.n_clusters
        self.n_clusters_ = n_clusters
        self.cluster_profile_ = None if count is None else count.profile
        shared = assignment.astype(np.float64)
        self.labels_ = assignment.argmax(axis=1)
        above = border_tree(shared.T @ shared)
        self.cluster_tree_, self._leaves = tree_in_space(above, latent, self.labels_)
        found = len(np.unique(self.labels_))
        # Of constant data the user has been told already; later samples may be of a few
        # clusters only.
        if context.goes_on:
            return
        if found < n_clusters and not self.net_.reader.scaler.is_constant:
            warn(
                f"Only {found} of n_clusters={n_clusters} clusters are used, the "
                "others are empty. A smaller n_clusters may fit the data better.",
                ConvergenceWarning,
            )
