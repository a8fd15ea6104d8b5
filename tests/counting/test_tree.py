"""Clusters as a tree."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster.hierarchy import dendrogram, fcluster, is_valid_linkage

from deepcluster_sk.counting.tree import border_tree, labels_at


def links():
    """Of four clusters: 0 and 2 have hardly a border, 1 is nearer to them than 3."""
    found = np.diag([10.0, 10, 10, 10])
    for a, b, weight in ((0, 2, 5.0), (0, 1, 1.0), (2, 1, 1.0), (1, 3, 0.1)):
        found[a, b] = found[b, a] = weight
    return found


def test_the_least_clear_border_goes_first():
    tree = border_tree(links())
    assert_array_equal(tree[:, [0, 1, 3]], [[0, 2, 2], [1, 4, 3], [3, 5, 4]])
    assert_allclose(tree[0, 2], 1 - (5 / 15 + 5 / 15) / 2)
    assert_allclose(tree[1, 2], 1 - (2 / 12 + 2 / 32) / 2)


@pytest.mark.parametrize("k", [2, 5, 12])
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_scipy_takes_it(k, density):
    rng = np.random.default_rng(k)
    weights = rng.uniform(size=(k, k)) * (rng.uniform(size=(k, k)) < density)
    tree = border_tree(weights + weights.T)
    assert is_valid_linkage(tree)
    assert (np.diff(tree[:, 2]) >= 0).all()
    assert len(dendrogram(tree, no_plot=True)["ivl"]) == k


def test_one_cluster_is_a_tree_without_merges():
    assert border_tree(np.ones((1, 1))).shape == (0, 4)


def test_labels_after_merges_are_those_of_scipy():
    tree, labels = border_tree(links()), np.array([3, 1, 0, 2, 2, 0])
    assert_array_equal(labels_at(tree, labels, 4), labels)
    assert_array_equal(labels_at(tree, labels, 3), [2, 1, 0, 0, 0, 0])
    assert_array_equal(labels_at(tree, labels, 1), 0)
    by_scipy = fcluster(tree, 2, "maxclust")[labels]
    ours = labels_at(tree, labels, 2)
    assert_array_equal(ours[:, None] == ours, by_scipy[:, None] == by_scipy)
