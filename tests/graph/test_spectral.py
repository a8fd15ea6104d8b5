import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.graph.neighbors import Neighbors, view_neighbors
from deepcluster_sk.graph.spectral import (
    affinity,
    consensus,
    modularity,
    modularity_shares,
    partition,
    spectral_embedding,
)
from tests.made import make_vectors


def neighbors_of(X, k):
    points = torch.from_numpy(X).float()
    return view_neighbors(points, [points], k, same=True)


def random_graph(n, seed):
    rng = np.random.default_rng(seed)
    weights = rng.random((n, n)) * (rng.random((n, n)) < 0.4)
    weights = np.triu(weights, 1)
    return weights + weights.T


@given(st.integers(2, 12), st.floats(0, 10), st.integers(0, 10**6))
def test_modularity_is_that_of_a_double_loop(n, resolution, seed):
    weights = random_graph(n, seed)
    labels = np.random.default_rng(seed).integers(0, 3, n)
    total, degree = weights.sum(), weights.sum(1)
    expected = np.zeros(n)
    for i in range(n):
        for j in range(n):
            if labels[i] == labels[j] and total:
                chance = degree[i] * degree[j] / total**2
                expected[i] += weights[i, j] / total - resolution * chance
    graph = scipy.sparse.csr_matrix(weights)
    shares = modularity_shares(graph, labels, resolution)
    assert shares == pytest.approx(expected, abs=1e-9)
    found = modularity(graph, labels, resolution)
    assert found == pytest.approx(expected.sum(), abs=1e-9)


def test_modularity_of_one_cluster_is_zero():
    graph = scipy.sparse.csr_matrix(random_graph(20, 0))
    assert modularity(graph, np.zeros(20, int)) == pytest.approx(0)


def test_modularity_does_not_reward_a_collapse():
    X, y = make_vectors(n=90)
    graph = affinity(neighbors_of(X, 8), 8)
    merged = np.where(y == 2, 1, y)
    assert modularity(graph, y) > modularity(graph, merged) > 0
    assert modularity(graph, np.random.default_rng(0).permutation(y)) < 0.1


def test_affinity_is_symmetric_with_self_tuning_weights():
    X, _ = make_vectors(n=30)
    found = neighbors_of(X, 6)
    graph = affinity(found, 4).toarray()
    np.testing.assert_allclose(graph, graph.T)
    scale = found.distances[:, 2].numpy()
    one_way = np.zeros((30, 30))
    for i in range(30):
        for j, d in zip(found.indices[i, :4], found.distances[i, :4], strict=True):
            one_way[i, j] = np.exp(-(float(d) ** 2) / (scale[i] * scale[j]))
    np.testing.assert_allclose(graph, (one_way + one_way.T) / 2, rtol=1e-4)


def test_copies_of_one_point_make_no_trouble():
    same = Neighbors(torch.tensor([[1, 2], [0, 2], [0, 1]]), torch.zeros(3, 2))
    graph = affinity(same, 2)
    assert np.isfinite(graph.toarray()).all()
    assert np.isfinite(spectral_embedding(graph, 2)).all()


@pytest.mark.parametrize("n", [60, 400])  # dense and sparse decomposition
def test_embedding_holds_the_leading_eigenvectors(n):
    X, _ = make_vectors(n=n)
    graph = affinity(neighbors_of(X, 10), 10)
    vectors = spectral_embedding(graph, 4)
    degree = np.asarray(graph.sum(1)).ravel()
    normalized = graph.toarray() / np.sqrt(np.outer(degree, degree))
    values = np.linalg.eigvalsh(normalized)[::-1]
    np.testing.assert_allclose(
        np.diag(vectors.T @ normalized @ vectors), values[:4], atol=1e-2
    )
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(4), atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_partition_finds_separate_groups(seed):
    X, y = make_vectors(n=90, seed=seed)
    vectors = spectral_embedding(affinity(neighbors_of(X, 8), 8), 3)
    found = partition(vectors, 3, 3, np.random.RandomState(seed))
    assert adjusted_rand_score(y, found) == 1


def test_consensus_outvotes_the_odd_ones():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    noisy = [
        rng.permutation(3)[np.where(rng.random(300) < 0.25, rng.integers(0, 3, 300), y)]
        for _ in range(9)
    ]
    found = consensus(noisy, 3, np.random.RandomState(0))
    assert adjusted_rand_score(y, found) > 0.95
    assert max(adjusted_rand_score(y, labels) for labels in noisy) < 0.75


def test_consensus_of_one_is_itself():
    labels = np.array([0, 1, 1, 0])
    assert consensus([labels], 2, np.random.RandomState(0)) is labels
