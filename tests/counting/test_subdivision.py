"""Clusters divided into the groups that they are made of."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.cluster.hierarchy import is_valid_linkage
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.counting.subdivision import SUBDIVISION, tree_in_space
from deepcluster_sk.counting.tree import border_tree, labels_at
from tests.made import make_vectors


def above(n_clusters, seed=0):
    links = np.random.default_rng(seed).uniform(size=(n_clusters, n_clusters))
    return border_tree(links + links.T + n_clusters * np.eye(n_clusters))


@pytest.mark.parametrize(("n", "n_clusters"), [(300, 3), (40, 4), (3, 2), (2, 1)])
def test_at_the_clusters_it_is_the_clusters(n, n_clusters):
    X, y = make_vectors(n=n, n_clusters=n_clusters)
    tree, leaves = tree_in_space(above(n_clusters), X, y)
    assert_array_equal(labels_at(tree, leaves, n_clusters), y)
    assert_array_equal(labels_at(tree, leaves, 1), 0)
    finest = labels_at(tree, leaves, len(tree) + 1)
    assert_array_equal(finest, leaves)
    for k in range(n_clusters, len(tree) + 2):
        labels = labels_at(tree, leaves, k)
        assert len(np.unique(labels)) == k
        pairs = np.unique(np.stack([labels, y]), axis=1)
        assert pairs.shape[1] == k  # each within one cluster
    if len(tree):
        assert is_valid_linkage(tree)


def test_what_one_cluster_is_made_of():
    X, y = make_vectors(n=600, n_clusters=6)
    coarse = y // 3
    tree, leaves = tree_in_space(above(2), X, coarse)
    assert adjusted_rand_score(labels_at(tree, leaves, 6), y) > 0.95


def test_an_empty_cluster_and_a_rare_one():
    X, y = make_vectors(n=SUBDIVISION.max_nodes + 500, n_clusters=2)
    y[y == 1] = 3
    y[7] = 1  # alone, and 2 is empty
    tree, leaves = tree_in_space(above(4), X, y)
    assert_array_equal(labels_at(tree, leaves, 4), y)


def test_samples_beyond_the_nodes_follow():
    X, y = make_vectors(n=3 * SUBDIVISION.max_nodes, n_clusters=6)
    tree, leaves = tree_in_space(above(2), X, y // 3)
    assert (leaves >= 0).all()
    assert adjusted_rand_score(labels_at(tree, leaves, 6), y) > 0.95


def test_many_clusters_are_not_divided_further():
    X, y = make_vectors(n=900, n_clusters=200)
    tree, leaves = tree_in_space(above(200), X, y)
    assert len(tree) == 199
    assert_array_equal(leaves, y)
