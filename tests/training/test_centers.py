import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.training import centers
from deepcluster_sk.training.centers import (
    agglomerative_start,
    centers_of,
    checked_centers,
    kmeans_start,
    nearest,
    random_start,
    reseed_empty,
)
from tests.made import make_vectors


def test_kmeans_start_finds_groups():
    X, y = make_vectors(n=90)
    assert adjusted_rand_score(y, kmeans_start(X, 3, np.random.RandomState(0))) == 1


def test_agglomerative_start_finds_groups_that_are_not_round():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(600) % 3)
    X = rng.normal(0, 0.1, (600, 2)) + np.stack([rng.uniform(0, 5, 600), y], 1)
    X = X.astype(np.float32)
    assert adjusted_rand_score(y, kmeans_start(X, 3, np.random.RandomState(0))) < 0.5
    assert adjusted_rand_score(y, agglomerative_start(X, 3)) > 0.9


def test_agglomerative_start_of_few_rows_and_of_equal_ones():
    X = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)
    assert set(agglomerative_start(X, 4)) == {0, 1, 2, 3}
    assert agglomerative_start(np.zeros((30, 2), np.float32), 2).shape == (30,)


def test_random_start_uses_every_cluster():
    X, _ = make_vectors(n=90)
    assert len(np.unique(random_start(X, 5, np.random.RandomState(0)))) == 5


@pytest.mark.parametrize(
    ("init", "described"),
    [
        (np.ones((2, 4)), r"shape \(2, 4\)"),
        (np.ones((3, 5)), r"shape \(3, 5\)"),
        (np.ones((3, 4, 1)), r"shape \(3, 4, 1\)"),
        (np.full((3, 4), np.nan), r"shape \(3, 4\) with NaN or infinite numbers"),
        ([["a"] * 4] * 3, "a list"),
        ([[1.0], [1.0, 2.0]], "a list"),
        ({"a": 1}, "a dict"),
        (7, r"shape \(\)"),
        (None, r"shape \(\) with NaN"),
    ],
)
def test_wrong_centers_are_refused(init, described):
    expected = r"n_clusters, latent_dim\) = \(3, 4\), got "
    with pytest.raises(ValueError, match=expected + described):
        checked_centers(init, 3, 4)


@pytest.mark.parametrize(
    "given",
    [
        np.arange(12.0).reshape(3, 4)[::-1, ::-1],
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.arange(12.0).reshape(3, 4).tolist(),
        torch.arange(12).reshape(3, 4),
    ],
    ids=["reversed", "columns", "list", "tensor"],
)
def test_centers_are_an_array_that_torch_takes(given):
    centers = checked_centers(given, 3, 4)
    assert centers.dtype == np.float32
    assert centers.flags.writeable
    assert not np.shares_memory(centers, np.asarray(given))
    np.testing.assert_array_equal(torch.as_tensor(centers), np.asarray(given))


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


def test_the_row_farthest_from_its_centre_is_taken_in_any_direction():
    latent = np.array([[0.0], [0.1], [0.2], [-9.0], [5.0], [5.1]])
    labels = np.array([0, 0, 0, 0, 1, 1])
    found = reseed_empty(latent, labels, 3)
    assert found.tolist() == [0, 0, 0, 2, 1, 1]


def test_nearest_is_by_distance_though_centres_are_of_any_length():
    rng = np.random.default_rng(0)
    latent, places = (
        rng.normal(size=(50, 3)),
        rng.normal(size=(6, 3)) * np.arange(1, 7)[:, None],
    )
    gaps = ((latent[:, None] - places) ** 2).sum(2)
    np.testing.assert_array_equal(nearest(latent, places), gaps.argmin(1))


@pytest.mark.parametrize(("most", "kind"), [(30, "KMeans"), (29, "MiniBatchKMeans")])
def test_many_rows_are_taken_in_batches(most, kind, monkeypatch):
    monkeypatch.setattr(centers, "FULL_KMEANS_ROWS", most)
    for other in {"KMeans", "MiniBatchKMeans"} - {kind}:
        monkeypatch.setattr(centers, other, None)
    X, y = make_vectors(n=30)
    assert adjusted_rand_score(y, kmeans_start(X, 3, np.random.RandomState(0))) == 1
