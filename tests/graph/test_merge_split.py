import itertools

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk.graph.merge_split import (
    MergeSplitSettings,
    bisected,
    merge_split,
    normalized_cuts,
)
from deepcluster_sk.graph.spectral import affinity
from tests.graph.test_spectral import neighbors_of, random_graph
from tests.made import make_vectors


def cut_of(graph, side):
    """Normalised cut of two parts of a graph, by its definition."""
    between = graph[side][:, ~side].sum()
    volumes = graph[side].sum(), graph[~side].sum()
    return sum(between / volume for volume in volumes)


@given(st.integers(2, 12), st.integers(2, 4), st.integers(0, 10**6))
def test_normalized_cuts_are_those_of_two_clusters_by_themselves(n, n_clusters, seed):
    graph = random_graph(n, seed)
    labels = np.random.default_rng(seed).integers(0, n_clusters, n)
    cuts = normalized_cuts(scipy.sparse.csr_matrix(graph), labels, n_clusters)
    assert not np.diag(cuts).any()
    for a, b in itertools.combinations(range(n_clusters), 2):
        both = np.isin(labels, [a, b])
        two, side = graph[both][:, both], labels[both] == a
        expected = cut_of(two, side) if two[side][:, ~side].any() else 0
        np.testing.assert_allclose(cuts[[a, b], [b, a]], expected)


@given(st.integers(3, 40), st.integers(1, 5), st.integers(0, 10**6))
def test_a_cut_is_what_it_says_and_leaves_enough(n, least, seed):
    graph = random_graph(n, seed)
    cut, side = bisected(scipy.sparse.csr_matrix(graph), least)
    if np.isinf(cut):
        assert not side.any()
        return
    assert min(side.sum(), (~side).sum()) >= least
    np.testing.assert_allclose(cut, cut_of(graph, side), atol=1e-9)


@pytest.mark.parametrize("n", [60, 700])  # few are decomposed densely
def test_two_blobs_are_cut_between_them(n):
    X, y = make_vectors(n=n, n_clusters=2)
    graph = affinity(neighbors_of(X, 12), 12)
    cut, side = bisected(graph, 5)
    assert cut < 0.02
    assert set(zip(side, y, strict=True)) in (
        {(True, 0), (False, 1)},
        {(True, 1), (False, 0)},
    )


def test_a_graph_too_small_or_without_links_is_not_cut():
    assert np.isinf(bisected(scipy.sparse.csr_matrix((9, 9)), 5)[0])
    assert np.isinf(bisected(scipy.sparse.csr_matrix((12, 12)), 5)[0])
    assert np.isinf(bisected(scipy.sparse.csr_matrix((0, 0)), 5)[0])


@pytest.mark.parametrize(("small", "large"), [(5, 5), (5, 9), (1, 2), (9, 5)])
def test_a_part_may_be_as_small_as_is_said_and_no_smaller(small, large):
    clique = scipy.linalg.block_diag(np.ones((small, small)), np.ones((large, large)))
    clique[0, -1] = clique[-1, 0] = 0.1
    graph, least = scipy.sparse.csr_matrix(clique), min(small, large)
    cut, side = bisected(graph, least)
    assert set(np.bincount(side)) == {small, large}
    assert cut == pytest.approx(cut_of(clique, side))
    assert bisected(graph, least + 1)[0] > cut


def blobs(sizes, seed=0):
    """Blobs of such sizes in a row, and which each vector is of."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    noise = np.random.default_rng(seed).normal(size=(len(y), 4))
    return 20 * np.eye(4)[y] + noise, y


def graph_of(X, k=10):
    return affinity(neighbors_of(X, k), k)


def test_a_halved_blob_is_whole_again_and_two_joined_are_two():
    """What modularity finds of a large blob and two small ones, but for a little."""
    X, y = blobs([120, 60, 60])
    graph = graph_of(X)
    halved = np.where(y > 0, 2, X[:, 3] > 0)
    found = merge_split(graph, halved, 3, np.random.RandomState(0))
    assert len(set(zip(found, y, strict=True))) == 3


def test_strays_come_home_with_an_exchange():
    X, y = blobs([120, 60, 60])
    halved = np.where(y > 0, 2, X[:, 3] > 0)
    strays = [0, 1, 130]
    halved[strays] = 2, 2, 0
    found = merge_split(graph_of(X), halved, 3, np.random.RandomState(0))
    assert len(set(zip(found, y, strict=True))) == 3


@pytest.mark.parametrize("name", ["times", "more", "smallest"])
def test_clusters_stay_where_a_border_is_not_far_clearer(name):
    X, y = blobs([120, 60, 60])
    touching = 1e-3 * np.outer(y == 1, y == 2)
    graph = graph_of(X) + scipy.sparse.csr_matrix(touching + touching.T)
    halved = np.where(y > 0, 2, X[:, 3] > 0)
    assert (merge_split(graph, halved, 3, np.random.RandomState(0)) != halved).any()
    strict = MergeSplitSettings(**{name: 1_000})
    found = merge_split(graph, halved, 3, None, settings=strict)
    np.testing.assert_array_equal(found, halved)


@pytest.mark.parametrize("n_clusters", [1, 2, 3, 5])
def test_true_clusters_stay(n_clusters):
    """And nothing random is drawn, so that what follows is the same."""
    X, y = blobs([100, 80, 60])
    labels = np.minimum(y, n_clusters - 1)
    found = merge_split(graph_of(X), labels, n_clusters, None)
    np.testing.assert_array_equal(found, labels)


@given(st.integers(2, 60), st.integers(1, 4), st.integers(0, 10**6))
def test_no_cluster_is_lost(n, n_clusters, seed):
    graph = scipy.sparse.csr_matrix(random_graph(n, seed))
    labels = np.random.default_rng(seed).integers(0, n_clusters, n)
    found = merge_split(graph, labels, n_clusters, np.random.RandomState(seed))
    assert len(np.unique(found)) >= len(np.unique(labels))
