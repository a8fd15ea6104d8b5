"""Clusters as a tree."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster.hierarchy import dendrogram, fcluster, is_valid_linkage

from deepcluster_sk.counting.tree import border_tree, labels_at, planted, top_of


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


def test_outliers_are_in_no_cluster():
    tree = border_tree(links())
    assert_array_equal(labels_at(tree, np.array([0, -1, 3]), 1), [0, -1, 0])
    assert_array_equal(labels_at(tree, np.array([0, -1, 3]), 4), [0, -1, 3])


def test_trees_under_a_tree():
    pair = np.array([[0, 1, 0.7, 2]])
    three = np.array([[1, 2, 0.5, 2], [0, 3, 0.99, 3]])
    above = np.array([[0, 1, 0.9, 2], [2, 3, 0.95, 3]])
    tree = planted(above, [pair, np.empty((0, 4)), three])
    assert is_valid_linkage(tree)
    # Leaves 0 and 1, 2, 3 to 5. The clearest of what is below is not above it.
    assert_allclose(
        tree,
        [
            [4, 5, 0.5, 2],
            [0, 1, 0.7, 2],
            [3, 6, 0.9, 3],
            [2, 7, 0.9, 3],
            [8, 9, 0.95, 6],
        ],
    )
    assert_array_equal(labels_at(tree, np.arange(6), 3), [0, 0, 1, 2, 2, 2])


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_the_top_is_what_was_planted_on(k):
    rng = np.random.default_rng(k)
    weights = rng.uniform(size=(k, k))
    above = border_tree(weights + weights.T)
    below = [border_tree(links()[:n, :n]) for n in rng.integers(1, 5, k)]
    tree = planted(above, below)
    assert_allclose(top_of(tree, k), above)
    assert_allclose(top_of(tree, len(tree) + 1), tree)


def test_a_pair_that_is_merged_is_one_leaf():
    top = top_of(border_tree(links()), 3)  # clusters 0 and 2 of four, 1, and 3
    assert_array_equal(top[:, [0, 1, 3]], [[0, 1, 2], [2, 3, 3]])
