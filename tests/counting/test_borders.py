"""Groups of a graph merged by their borders."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from deepcluster_sk.counting.borders import joined, least_clear, merged, over_cut
from deepcluster_sk.graph.merge_split import links_between
from deepcluster_sk.graph.spectral import modularity


def blocks(sizes, between=0.02, seed=0):
    """Graph of groups of nodes, with a weak link between any two groups."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    noise = np.random.default_rng(seed).uniform(0.9, 1.1, (len(labels), len(labels)))
    weights = np.where(labels[:, None] == labels, 1.0, between) * (noise + noise.T) / 2
    np.fill_diagonal(weights, 0)
    return scipy.sparse.csr_matrix(weights), labels


def merges_of(graph, most=1, seed=0):
    random_state = np.random.RandomState(seed)
    return merged(graph, over_cut(graph, most, random_state), random_state)


def same(one, other):
    """Whether two labelings are the same but for their numbers."""
    pairs = len(np.unique(np.stack([one, other]), axis=1).T)
    return pairs == len(np.unique(one)) == len(np.unique(other))


def test_an_over_cut_has_groups_enough():
    graph, _ = blocks([30, 30, 30])
    labels = over_cut(graph, 1, np.random.RandomState(0))
    assert_array_equal(np.unique(labels), np.arange(6))  # 90 nodes by 15
    labels = over_cut(graph, 10, np.random.RandomState(0))
    assert len(np.unique(labels)) == 20  # twice as many as there may be
    labels = over_cut(graph, 90, np.random.RandomState(0))
    assert len(np.unique(labels)) == 30  # three nodes for each


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_a_handful_of_nodes_is_one_group(n):
    graph = scipy.sparse.csr_matrix(np.ones((n, n)))
    assert len(merges_of(graph).n_clusters) == max(1, min(2, n // 3))


def test_every_number_from_one_up_is_there():
    graph, labels = blocks([40, 30, 20])
    merges = merges_of(graph)
    assert_array_equal(merges.n_clusters, np.arange(1, len(merges.n_clusters) + 1))
    for k, found in zip(merges.n_clusters, merges.partitions, strict=True):
        assert_array_equal(np.unique(found), np.arange(k))
    assert same(merges.partitions[2], labels)
    for q, found in zip(merges.modularity, merges.partitions, strict=True):
        assert q == modularity(graph, found)


def test_borders_are_clear_up_to_the_blocks_and_blurred_above():
    merges = merges_of(blocks([40, 30, 20])[0])
    assert merges.border[0] == 0
    assert (merges.border[1:3] < 0.09).all()
    assert (merges.border[3:] > 0.5).all()


@pytest.mark.parametrize("moves", [0.05, 1.0])
def test_groups_that_nothing_links_are_merged_as_well(moves):
    graph, labels = blocks([20, 20, 20, 20], between=0)
    random_state = np.random.RandomState(0)
    merges = merged(graph, labels, random_state)
    assert_array_equal(merges.n_clusters, [1, 2, 3, 4])
    assert_array_equal(merges.border, 0)
    assert same(merges.partitions[3], labels)


def test_nodes_move_after_a_merge():
    graph, labels = blocks([30, 30, 30])
    wrong = labels.copy()
    wrong[[0, 31, 62]] = [1, 2, 0]
    merges = merged(graph, np.concatenate([wrong[:-1], [3]]), np.random.RandomState(0))
    assert same(merges.partitions[2], labels)


@given(st.integers(2, 6), st.integers(0, 1000))
def test_joining_two_is_what_joining_their_nodes_is(k, seed):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(size=(20, 20))
    graph = scipy.sparse.csr_matrix(weights + weights.T)
    labels = np.concatenate([np.arange(k), rng.integers(k, size=20 - k)])
    links = links_between(graph, labels, k)
    border, kept, gone = least_clear(links)
    assert kept < gone
    merged_labels = np.where(labels == gone, kept, labels)
    merged_labels -= merged_labels > gone
    assert_allclose(
        joined(links, kept, gone), links_between(graph, merged_labels, k - 1)
    )
    for a in range(k):
        for b in range(a):
            inside, across = np.diag(links), links[a, b]
            cut = across / (inside[a] + across) + across / (inside[b] + across)
            assert cut <= border + 1e-12
