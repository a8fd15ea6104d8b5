"""Clusters as a tree: which two would be one first."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.counting.borders import joined, least_clear
from deepcluster_sk.graph.spectral import Labels


def border_tree(links: NDArray[np.float64]) -> NDArray[np.float64]:
    """Merge clusters by their borders, the least clear first.

    Parameters
    ----------
    links : ndarray of shape (K, K)
        Weight of the links between clusters, and inside each.

    Returns
    -------
    ndarray of shape (K - 1, 4)
        As :func:`scipy.cluster.hierarchy.linkage` has it: the two that are merged, the
        height, the clusters in what comes of it, which is number K, K + 1 …. The height
        is one less half the share of links that cross the border (0 where nothing tells
        the two apart, 1 where nothing links them), and no lower than any before.
    """
    n_leaves = len(links)
    names, sizes = list(range(n_leaves)), [1] * n_leaves
    rows: list[tuple[int, int, float, int]] = []
    height = 0.0
    while len(links) > 1:
        border, kept, gone = least_clear(links)
        height = max(height, 1 - border / 2)
        size = sizes[kept] + sizes.pop(gone)
        left, right = sorted((names[kept], names.pop(gone)))
        rows.append((left, right, height, size))
        names[kept], sizes[kept] = n_leaves + len(rows) - 1, size
        links = joined(links, kept, gone)
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def labels_at(tree: NDArray[np.float64], labels: Labels, n_clusters: int) -> Labels:
    """Labels after so many merges of a tree that this number of clusters is left.

    Parameters
    ----------
    tree : ndarray of shape (K - 1, 4)
    labels : ndarray of shape (n,), int64
        In [0, K).
    n_clusters : int
        From 1 to K.

    Returns
    -------
    ndarray of shape (n,), int64
        In [0, n_clusters), numbered by the first of the clusters that each is made of.
    """
    n_leaves = len(tree) + 1
    members = {leaf: [leaf] for leaf in range(n_leaves)}
    for step, (left, right) in enumerate(tree[: n_leaves - n_clusters, :2].astype(int)):
        members[n_leaves + step] = members.pop(left) + members.pop(right)
    new = np.empty(n_leaves, np.int64)
    for number, leaves in enumerate(sorted(members.values(), key=min)):
        new[leaves] = number
    return new[labels]


class ClusterTreeMixin:
    """Clusters of a fitted estimator merged, after the fit."""

    labels_: Labels
    cluster_tree_: NDArray[np.float64]

    def labels_at(self, n_clusters: int) -> Any:
        """Labels of the training samples in fewer clusters.

        Clusters are merged along ``cluster_tree_``, the two with the least clear border
        first; nothing is fitted again.

        Parameters
        ----------
        n_clusters : int
            From 1 to ``n_clusters_``.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64

        Raises
        ------
        ValueError
            If there are not so many clusters to begin with.
        """
        check_is_fitted(self)
        n_leaves = len(self.cluster_tree_) + 1
        check_scalar(n_clusters, "n_clusters", Integral, min_val=1, max_val=n_leaves)
        return labels_at(self.cluster_tree_, self.labels_, int(n_clusters))
