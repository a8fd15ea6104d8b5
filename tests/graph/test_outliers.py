"""Samples that look like none of those fitted on."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph.outliers import OUTLIERS, Surroundings
from tests.made import make_vectors

CPU = torch.device("cpu")


def look(rows, shape=None, contrast="none"):
    """Surroundings of rows, and what marks others."""
    layout = (
        RowLayout("HW", (1, *shape)) if shape else RowLayout("vector", rows.shape[1:])
    )
    reader = SampleReader(layout, PixelScaler.standardize(rows, layout))
    known = Surroundings.of(RowDataset(rows), reader, contrast)

    def are_outliers(X):
        zeros = np.zeros(len(X), int)
        return known.marked(zeros, RowDataset(X), reader, CPU) < 0

    return known, are_outliers


@pytest.fixture(scope="module")
def digits():
    return np.random.default_rng(0).permutation(load_digits().data)


@pytest.fixture(scope="module")
def by_digits(digits):
    return look(digits[:1200], (8, 8), "image")[1]


def test_digits_beside_noise(digits, by_digits):
    rng = np.random.default_rng(1)
    assert by_digits(digits[:1200]).mean() < 0.04
    assert by_digits(digits[1200:]).mean() < 0.04
    for noise in (
        rng.uniform(0, 16, (50, 64)),
        rng.permuted(digits[:50], axis=1),
        16 - digits[:50],
    ):
        assert by_digits(noise).mean() > 0.95


def test_noise_among_the_samples_hides_nothing(digits):
    noise = np.random.default_rng(1).uniform(0, 16, (60, 64))
    are_outliers = look(np.concatenate([digits[:600], noise]), (8, 8), "image")[1]
    assert are_outliers(noise).mean() > 0.95
    assert are_outliers(digits[:600]).mean() < 0.05


def test_it_depends_on_the_sample_alone(digits, by_digits):
    X = np.concatenate([digits[:40], 16 - digits[:40]])
    together = by_digits(X)
    assert_array_equal(np.concatenate([by_digits(x[None]) for x in X]), together)


def test_what_components_leave_out_counts():
    """Noise in directions that hardly any sample differs in."""
    rng = np.random.default_rng(0)
    X = np.zeros((300, 100))
    X[:, :5] = rng.normal(size=(300, 5))
    X[:, 5:] = 0.01 * rng.normal(size=(300, 95))
    reader_of_all = look(X)[1]
    odd = X[:50].copy()
    odd[:, 5:] *= 100
    assert reader_of_all(odd).all()


def test_dense_and_thin_clusters_have_measures_of_their_own():
    rng = np.random.default_rng(0)
    dense, thin = rng.normal(0, 0.05, (200, 4)), rng.normal(20, 2, (200, 4))
    are_outliers = look(np.concatenate([dense, thin]))[1]
    beside = np.full((1, 4), 0.6)  # nearer than the thin are to each other
    assert are_outliers(beside).all()
    assert are_outliers(thin).mean() < 0.1


@pytest.mark.parametrize("n", [2, 3, 7])
def test_few_samples(n):
    X = make_vectors(n=n)[0]
    assert not look(X)[1](X).any()
    assert look(X)[0].references.shape[0] == n


def test_copies_and_equal_samples():
    X = np.repeat(make_vectors(n=60)[0], 20, axis=0)
    known, are_outliers = look(X)
    assert len(known.references) == 60
    assert are_outliers(X).mean() < 0.1
    assert not look(np.ones((40, 3)))[1](np.ones((5, 3))).any()


def test_so_many_are_kept_from_all_over():
    X = np.arange(9000.0)[:, None] * [1, 1]
    known, _ = look(X)
    assert len(known.references) == OUTLIERS.max_references
    spread = known.references[:, 0]
    assert float(spread.max() - spread.min()) == pytest.approx(
        float(np.ptp((X[:, 0] - X[:, 0].mean()) / X[:, 0].std())) * np.sqrt(2), rel=0.05
    )


def test_as_arrays_and_back(digits):
    known, are_outliers = look(digits[:200], (8, 8), "image")
    again = Surroundings.from_arrays(known.arrays(), "image")
    layout = RowLayout("HW", (1, 8, 8))
    reader = SampleReader(layout, PixelScaler.standardize(digits[:200], layout))
    X = np.concatenate([digits[200:240], 16 - digits[:40]])
    found = again.marked(np.zeros(80, int), RowDataset(X), reader, CPU)
    assert_array_equal(found < 0, are_outliers(X))
    assert Surroundings.from_arrays({}, "image") is None
