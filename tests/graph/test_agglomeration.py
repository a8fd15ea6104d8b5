import time

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.graph import agglomeration
from deepcluster_sk.graph.agglomeration import AgglomerationSettings, agglomerated
from deepcluster_sk.graph.spectral import affinity, modularity
from tests.graph.test_spectral import neighbors_of, random_graph
from tests.made import make_vectors


@given(st.integers(2, 10), st.integers(1, 4), st.floats(0.1, 3), st.integers(0, 10**6))
def test_the_two_that_gain_most_are_joined(n, n_clusters, resolution, seed):
    """Naive reference: all pairs are tried at every step."""
    n_clusters = min(n, n_clusters)
    graph = scipy.sparse.csr_matrix(random_graph(n, seed))
    labels = np.arange(n)
    while len(set(labels)) > n_clusters:
        joined = [
            np.where(labels == gone, kept, labels)
            for kept in set(labels)
            for gone in set(labels)
            if kept < gone
        ]
        labels = max(joined, key=lambda found: modularity(graph, found, resolution))
    found = agglomerated(graph, n_clusters, resolution)
    assert set(found) == set(range(n_clusters))
    expected = modularity(graph, labels, resolution)
    assert modularity(graph, found, resolution) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("most", [20, 2_000])
def test_blobs_are_found_whether_joined_in_pairs_or_not(most):
    settings = AgglomerationSettings(most)
    X, y = make_vectors(n=120)
    graph = affinity(neighbors_of(X, 8), 8)
    found = agglomerated(graph, 3, settings=settings)
    assert adjusted_rand_score(y, found) == 1


@pytest.mark.parametrize("most", [1, 2_000])
def test_clusters_are_as_many_as_asked_for(most):
    settings = AgglomerationSettings(most)
    graph = affinity(neighbors_of(make_vectors(n=60)[0], 5), 5)
    for n_clusters in (1, 7, 25, 59, 60):
        found = agglomerated(graph, n_clusters, settings=settings)
        assert set(found) == set(range(n_clusters))


def test_nodes_without_links_are_joined_too():
    found = agglomerated(scipy.sparse.csr_matrix((6, 6)), 4)
    assert set(found) == set(range(4))


def test_what_hangs_on_a_hub_follows_it():
    """Of a star's points one at a time is the hub's nearest: pairs get nowhere."""
    star = np.zeros((201, 201))
    star[0, 1:] = star[1:, 0] = 1
    graph = scipy.sparse.csr_matrix(scipy.linalg.block_diag(star, star, star))
    found = agglomerated(graph, 3, settings=AgglomerationSettings(20))
    np.testing.assert_array_equal(found, np.repeat(found[[0, 201, 402]], 201))
    assert set(found) == {0, 1, 2}


def test_time_is_bounded_where_nothing_is_linked():
    before = time.process_time()
    found = agglomerated(scipy.sparse.csr_matrix((12_000, 12_000)), 10)
    assert time.process_time() - before < 10
    assert set(found) == set(range(10))


def test_nothing_is_joined_in_pairs_up_to_so_many(monkeypatch):
    monkeypatch.setattr(agglomeration, "paired", None)
    graph = affinity(neighbors_of(make_vectors(n=60)[0], 5), 5)
    for n_clusters, most in ((7, 60), (60, 20)):
        found = agglomerated(graph, n_clusters, settings=AgglomerationSettings(most))
        assert set(found) == set(range(n_clusters))
