import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk.graph import refinement
from deepcluster_sk.graph.refinement import (
    REFINEMENT,
    RefinementSettings,
    refined,
)
from deepcluster_sk.graph.spectral import affinity, modularity
from tests.graph.test_spectral import neighbors_of, random_graph
from tests.made import make_vectors


@given(st.integers(2, 12), st.floats(0, 3), st.integers(0, 10**6))
def test_no_move_of_one_node_is_left(n, resolution, seed):
    """Naive reference: no move of one node raises the modularity any more."""
    graph = scipy.sparse.csr_matrix(random_graph(n, seed))
    labels = np.random.default_rng(seed).integers(0, 3, n)
    # Moves may empty a cluster of nodes this few; refining starts from there then.
    labels = refinement._climbed(
        graph, labels, 3, np.random.RandomState(seed), resolution, REFINEMENT
    )
    found = refined(graph, labels, 3, np.random.RandomState(seed), resolution)
    merit = modularity(graph, found, resolution)
    assert merit >= modularity(graph, labels, resolution) - 1e-12
    for i in range(n):
        for label in range(3):
            moved = found.copy()
            moved[i] = label
            assert modularity(graph, moved, resolution) <= merit + 1e-6


def test_refining_brings_strays_home():
    X, y = make_vectors(n=90)
    strayed = np.where(np.random.default_rng(0).random(90) < 0.2, (y + 1) % 3, y)
    graph = affinity(neighbors_of(X, 8), 8)
    found = refined(graph, strayed, 3, np.random.RandomState(0))
    np.testing.assert_array_equal(found, y)


def test_refining_keeps_labels_of_a_graph_without_links():
    labels = np.array([0, 1, 0])
    found = refined(scipy.sparse.csr_matrix((3, 3)), labels, 2, None)
    np.testing.assert_array_equal(found, labels)


def cliques(n_cliques, size, inside, between):
    """Two clusters of cliques; every node is linked to its twins in the cluster's."""
    n = 2 * n_cliques * size
    clique = np.arange(n) // size
    cluster = clique // n_cliques
    twins = np.arange(n) % size
    same = clique[:, None] == clique
    near = (cluster[:, None] == cluster) & (twins[:, None] == twins)
    graph = inside * same + between * (near & ~same)
    np.fill_diagonal(graph, 0)
    return scipy.sparse.csr_matrix(graph), cluster, clique


@pytest.mark.parametrize("grouped", [False, True])
def test_nodes_that_hold_each_other_move_together(grouped):
    """A clique of four in the wrong cluster: each node has its three fellows there."""
    settings = REFINEMENT if grouped else RefinementSettings(n_groups=10**6)
    graph, cluster, clique = cliques(40, 4, inside=20.0, between=1.0)
    strayed = np.where(clique == 0, 1, cluster)
    found = refined(graph, strayed, 2, np.random.RandomState(0), settings=settings)
    np.testing.assert_array_equal(found, cluster if grouped else strayed)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 10**6))
def test_no_cluster_is_lost(n, n_clusters, seed):
    graph = scipy.sparse.csr_matrix(random_graph(n, seed))
    labels = np.random.default_rng(seed).integers(0, n_clusters, n)
    found = refined(graph, labels, n_clusters, np.random.RandomState(seed))
    assert len(np.unique(found)) >= len(np.unique(labels))


def test_where_fewer_clusters_are_better_all_are_refined_all_the_same():
    """Two cliques in three clusters, of which one is nearly empty."""
    graph, cluster, _ = cliques(1, 30, inside=1.0, between=0.0)
    crowded = cluster.copy()
    crowded[:2] = 2
    merged = refinement._climbed(
        graph, crowded, 3, np.random.RandomState(0), 1.0, REFINEMENT
    )
    assert len(np.unique(merged)) == 2
    found = refined(graph, crowded, 3, np.random.RandomState(0))
    small, half, clique = sorted(np.bincount(found))
    assert (small + half, clique) == (30, 30)
    assert small > 10


def test_a_cluster_in_name_counts_as_lost():
    """Two cliques, one in halves: moves leave three of its nodes, which is too few."""
    graph, cluster, _ = cliques(1, 60, inside=1.0, between=0.0)
    halves = cluster.copy()
    halves[:30] = 2
    held = scipy.sparse.lil_matrix(graph)
    held[:3, :3] *= 1000  # they stay together, wherever they are
    held = held.tocsr()
    in_name = refined(
        held,
        halves,
        3,
        np.random.RandomState(0),
        settings=RefinementSettings(smallest_share=0),
    )
    assert np.bincount(in_name).min() == 3
    found = refined(held, halves, 3, np.random.RandomState(0))
    assert np.bincount(found).min() >= 4


def test_a_cluster_that_is_empty_may_stay_so():
    graph, cluster, _ = cliques(40, 4, inside=20.0, between=1.0)
    found = refined(graph, cluster, 5, np.random.RandomState(0), resolution=0.5)
    np.testing.assert_array_equal(found, cluster)
