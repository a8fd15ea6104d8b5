"""Clusters as a tree: which two would be one first, and what each is made of."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.counting.borders import joined, least_clear
from deepcluster_sk.graph.spectral import Labels


class _Growing:
    """A tree that merges are added to, in the format of SciPy's ``linkage``."""

    def __init__(self, n_leaves: int) -> None:
        self.sizes = [1] * n_leaves
        self.rows: list[tuple[int, int, float, int]] = []

    def merge(self, one: int, other: int, height: float) -> int:
        """Merge two nodes; returns the number of what comes of it."""
        left, right = sorted((one, other))
        self.sizes.append(self.sizes[left] + self.sizes[right])
        self.rows.append((left, right, height, self.sizes[-1]))
        return len(self.sizes) - 1

    def grown(self) -> NDArray[np.float64]:
        """Give the tree, ``(n_leaves - 1, 4)`` once all is one."""
        return np.array(self.rows, dtype=np.float64).reshape(-1, 4)


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
    tree, names, height = _Growing(len(links)), list(range(len(links))), 0.0
    while len(links) > 1:
        border, kept, gone = least_clear(links)
        height = max(height, 1 - border / 2)
        names[kept] = tree.merge(names[kept], names.pop(gone), height)
        links = joined(links, kept, gone)
    return tree.grown()


def planted(
    above: NDArray[np.float64], below: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Put a tree under each leaf of another.

    Parameters
    ----------
    above : ndarray of shape (K - 1, 4)
    below : sequence of K ndarray of shape (m_k - 1, 4)

    Returns
    -------
    ndarray of shape (M - 1, 4)
        Its M leaves are those of the trees below, in their order. What is below is
        merged first, the least clear border first of all trees together; where such a
        merge is higher than the first above, it is set down to it.
    """
    n_leaves = [len(tree) + 1 for tree in below]
    ends = np.cumsum(n_leaves).tolist()
    names = [list(range(end - n, end)) for end, n in zip(ends, n_leaves, strict=True)]
    whole = _Growing(sum(n_leaves))

    def merge(known: list[int], row: NDArray[np.float64], height: float) -> None:
        one, other = (known[int(node)] for node in row[:2])
        known.append(whole.merge(one, other, height))

    highest = above[0, 2] if len(above) else np.inf
    order = sorted(
        (row[2], k, step)
        for k, tree in enumerate(below)
        for step, row in enumerate(tree)
    )
    for height, k, step in order:
        merge(names[k], below[k][step], min(height, highest))
    roots = [known[-1] for known in names]
    for row in above:
        merge(roots, row, row[2])
    return whole.grown()


def top_of(tree: NDArray[np.float64], n_clusters: int) -> NDArray[np.float64]:
    """Cut a tree off below so many clusters.

    Parameters
    ----------
    tree : ndarray of shape (M - 1, 4)
    n_clusters : int
        From 1 to M.

    Returns
    -------
    ndarray of shape (n_clusters - 1, 4)
        Its leaves are numbered as the clusters of :func:`labels_at`.
    """
    n_leaves = len(tree) + 1
    n_merges = n_leaves - n_clusters
    members = _members(tree, n_merges)
    ordered = sorted(members, key=lambda name: min(members[name]))
    names = {name: number for number, name in enumerate(ordered)}
    top = _Growing(n_clusters)
    for node, (left, right, height, _) in enumerate(
        tree[n_merges:], n_leaves + n_merges
    ):
        names[node] = top.merge(names[int(left)], names[int(right)], height)
    return top.grown()


def labels_at(tree: NDArray[np.float64], leaves: Labels, n_clusters: int) -> Labels:
    """Labels after so many merges of a tree that this number of clusters is left.

    Parameters
    ----------
    tree : ndarray of shape (M - 1, 4)
    leaves : ndarray of shape (n,), int64
        Leaf of each sample, in [0, M); -1 of an outlier.
    n_clusters : int
        From 1 to M.

    Returns
    -------
    ndarray of shape (n,), int64
        In [0, n_clusters), numbered by the first of the leaves that each is made of; -1
        of an outlier.
    """
    n_leaves = len(tree) + 1
    new = np.empty(n_leaves + 1, np.int64)
    new[-1] = -1
    clusters = _members(tree, n_leaves - n_clusters).values()
    for number, members in enumerate(sorted(clusters, key=min)):
        new[members] = number
    return new[leaves]


def _members(tree: NDArray[np.float64], n_merges: int) -> dict[int, list[int]]:
    """Leaves in each node that is left after so many merges."""
    n_leaves = len(tree) + 1
    members = {leaf: [leaf] for leaf in range(n_leaves)}
    for step, (left, right) in enumerate(tree[:n_merges, :2].astype(int)):
        members[n_leaves + step] = members.pop(left) + members.pop(right)
    return members


class ClusterTreeMixin:
    """Clusters of a fitted estimator merged or divided, after the fit."""

    cluster_tree_: NDArray[np.float64]
    #: Leaf of each training sample.
    _leaves: Labels

    def labels_at(self, n_clusters: int) -> Any:
        """Labels of the training samples in fewer clusters, or in more.

        Clusters are merged along ``cluster_tree_``, the two with the least clear border
        first, or the merges within them undone, the clearest first; nothing is fitted
        again.

        Parameters
        ----------
        n_clusters : int
            From 1 to the number of leaves of the tree, ``len(cluster_tree_) + 1``. At
            ``n_clusters_`` they are ``labels_``.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64
            Outliers, where there are some among ``labels_``, are -1.

        Raises
        ------
        ValueError
            If the tree has not so many leaves.
        """
        check_is_fitted(self)
        n_leaves = len(self.cluster_tree_) + 1
        check_scalar(n_clusters, "n_clusters", Integral, min_val=1, max_val=n_leaves)
        return labels_at(self.cluster_tree_, self._leaves, int(n_clusters))
