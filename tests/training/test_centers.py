import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.training.centers import (
    centers_of,
    given_centers,
    kmeans_start,
    nearest,
    random_start,
    reseed_empty,
)
from tests.made import make_vectors


def test_kmeans_start_finds_groups():
    X, y = make_vectors(n=90)
    assert adjusted_rand_score(y, kmeans_start(X, 3, np.random.RandomState(0))) == 1


def test_random_start_uses_every_cluster():
    X, _ = make_vectors(n=90)
    assert len(np.unique(random_start(X, 5, np.random.RandomState(0)))) == 5


def test_given_centers_may_be_computed():
    X, _ = make_vectors(n=30, n_features=4)
    asked = {}

    def init(latent, n_clusters, random_state):
        asked.update(latent=latent, n_clusters=n_clusters, random_state=random_state)
        return latent[:n_clusters]

    random_state = np.random.RandomState(0)
    centers = given_centers(init, X, 3, random_state)
    np.testing.assert_array_equal(centers, X[:3].astype(np.float32))
    assert asked["n_clusters"] == 3
    assert asked["random_state"] is random_state


@pytest.mark.parametrize(
    "init", [np.ones((2, 4)), np.ones((3, 5)), np.full((3, 4), np.nan)]
)
def test_wrong_centers_are_refused(init):
    with pytest.raises(ValueError, match=r"n_clusters, latent_dim\) = \(3, 4\)"):
        given_centers(init, np.ones((10, 4)), 3, None)


@given(st.lists(st.integers(0, 3), min_size=4, max_size=30), st.integers(0, 99))
def test_empty_clusters_are_reseeded(labels, seed):
    labels = np.array(labels)
    latent = np.random.default_rng(seed).normal(size=(len(labels), 2))
    filled = reseed_empty(latent, labels, 4)
    assert set(filled) == {0, 1, 2, 3}
    assert (filled != labels).sum() == 4 - len(set(labels))


def test_centers_are_means_and_nearest_finds_them():
    X, y = make_vectors(n=60)
    centers = centers_of(X, y, 3)
    np.testing.assert_allclose(centers[1], X[y == 1].mean(0))
    np.testing.assert_array_equal(nearest(X, centers), y)
