import numpy as np
import pytest

from deepcluster_sk.data import duplicates
from deepcluster_sk.data.duplicates import without_crowds
from deepcluster_sk.datasets import near_duplicates
from tests.made import make_images


@pytest.fixture
def X():
    return np.random.default_rng(0).random((30, 3, 8, 8))


def listed(groups):
    return [group.tolist() for group in groups]


def test_what_differs_is_in_no_group(X):
    assert near_duplicates(X) == []
    assert near_duplicates(make_images(n=48)[0], 1.0) == []


def test_groups_the_largest_first(X):
    X[20] = X[4]
    X[[11, 7, 25]] = X[2]
    X[9] = X[1]
    assert listed(near_duplicates(X)) == [[2, 7, 11, 25], [1, 9], [4, 20]]


def test_brightness_contrast_and_a_little_noise_do_not_matter(X):
    X[20] = 0.2 + 0.5 * X[4]
    X[21] = X[4] + np.random.default_rng(1).normal(0, 0.01, X[4].shape)
    assert listed(near_duplicates(X)) == [[4, 20, 21]]
    assert listed(near_duplicates(X, 1.0)) == [[4, 20]]


def test_what_is_like_a_member_belongs_to_the_group(X):
    step = np.random.default_rng(1).normal(0, 0.03, X[4].shape)
    for number in range(1, 5):
        X[number] = X[0] + number * step
    ends = np.corrcoef(X[0].ravel(), X[4].ravel())[0, 1]
    assert ends < 0.99
    assert listed(near_duplicates(X)) == [[0, 1, 2, 3, 4]]


def test_blank_pictures_are_like_each_other_and_nothing_else(X):
    X[3], X[8] = 0.0, 0.7
    assert listed(near_duplicates(X)) == [[3, 8]]
    assert listed(near_duplicates(X, 0.51))[0] == [3, 8]
    assert listed(near_duplicates(np.zeros((3, 4, 4)))) == [[0, 1, 2]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_type_and_layout(X, dtype):
    X = (X * 200).astype(dtype)
    X[20] = X[4]
    before = X.copy()
    assert listed(near_duplicates(X)) == [[4, 20]]
    assert listed(near_duplicates(X.reshape(30, -1))) == [[4, 20]]
    assert np.array_equal(X, before)


def test_bad_input(X):
    for wrong in (0, 0.5, 1.01, np.nan):
        with pytest.raises(ValueError, match="must be from"):
            near_duplicates(X, wrong)
    X[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        near_duplicates(X)
    with pytest.raises(ValueError, match="1D array"):
        near_duplicates(np.arange(5))


def by_loop(rows, r, largest):
    rows = rows - rows.mean(1, keepdims=True)
    rows -= rows.mean(0)
    alike = np.corrcoef(rows) >= r
    kept = []
    for row in range(len(rows)):
        if alike[row].sum() >= largest or alike[row, kept].sum() < 3:
            kept.append(row)
    return kept


def test_of_a_crowd_three_stay(monkeypatch):
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 64))
    rows[10:30] = rows[np.arange(20) % 3]
    rows += random.normal(0, 0.02, rows.shape) + random.normal(size=(40, 1))
    expected = by_loop(rows, duplicates.ONE_PICTURE, 10)
    assert len(expected) == 20 - 3 + 9
    for block in (2_048, 7):
        monkeypatch.setattr(duplicates, "_BLOCK", block)
        assert without_crowds(rows, 1).tolist() == expected
    # Neither what all have in common makes a crowd, nor how large numbers are.
    far = (rows + 100 * random.normal(size=64)) * 1e300
    assert without_crowds(far, 1).tolist() == expected
    assert without_crowds(np.zeros((9, 64), np.uint8), 1).tolist() == list(range(9))
    assert without_crowds(rows[:, :63], 1).tolist() == list(range(40))
    # As many as a quarter of a cluster holds are a kind of their own.
    for n_clusters in (2, 3, 20):
        some = by_loop(rows, duplicates.ONE_PICTURE, 10 / n_clusters)
        assert without_crowds(rows, n_clusters).tolist() == some
    assert len(some) == 40
