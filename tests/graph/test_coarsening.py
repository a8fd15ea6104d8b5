import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk.graph.coarsening import contracted, paired
from deepcluster_sk.graph.spectral import modularity
from tests.graph.test_spectral import random_graph


@given(st.integers(2, 12), st.floats(0, 3), st.integers(0, 10**6))
def test_partitions_of_groups_keep_their_modularity(n, resolution, seed):
    graph = scipy.sparse.csr_matrix(random_graph(n, seed))
    rng = np.random.default_rng(seed)
    groups = np.unique(rng.integers(0, 5, n), return_inverse=True)[1]
    labels = rng.integers(0, 3, groups.max() + 1)
    found = modularity(contracted(graph, groups), labels, resolution)
    expected = modularity(graph, labels[groups], resolution)
    assert found == pytest.approx(expected, abs=1e-9)


@given(st.integers(2, 12), st.integers(0, 10**6))
def test_groups_are_pairs_of_each_others_nearest_in_a_cluster(n, seed):
    weights = random_graph(n, seed)
    labels = np.random.default_rng(seed).integers(0, 3, n)
    degree = weights.sum(1)
    nearest = {}  # of several that are equally near, all
    for i in range(n):
        others = [j for j in range(n) if weights[i, j] and labels[i] == labels[j]]
        strength = {j: weights[i, j] / degree[j] for j in others}
        most = max(strength.values(), default=0)
        nearest[i] = {j for j in others if strength[j] > most * (1 - 1e-9)}
    groups = paired(scipy.sparse.csr_matrix(weights), labels)
    assert set(groups) == set(range(groups.max() + 1))
    assert np.bincount(groups).max() <= 2
    for i in range(n):
        for j in range(i):
            if groups[i] == groups[j]:
                assert j in nearest[i]
                assert i in nearest[j]
            else:
                assert not (nearest[i] == {j} and nearest[j] == {i})


def test_of_equally_near_nodes_the_first_is_taken():
    star = np.zeros((5, 5))
    star[2, [0, 1, 3, 4]] = star[[0, 1, 3, 4], 2] = 1
    groups = paired(scipy.sparse.csr_matrix(star), np.zeros(5, int))
    assert groups[2] == groups[0]
    assert len(set(groups)) == 4
