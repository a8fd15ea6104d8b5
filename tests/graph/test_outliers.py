"""Samples that look like none of those fitted on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.duplicates import first_copies
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph import outliers
from deepcluster_sk.graph.outliers import OUTLIERS, OutlierDetector, Surroundings
from tests.made import make_vectors

CPU = torch.device("cpu")


def reader_of(rows, shape=None):
    """What reads samples like these."""
    layout = (
        RowLayout("HW", (1, *shape)) if shape else RowLayout("vector", rows.shape[1:])
    )
    return SampleReader(layout, PixelScaler.standardize(rows, layout))


def found_odd(known, X, reader):
    """Whether each of some samples is an outlier."""
    return known.marked(np.zeros(len(X), int), RowDataset(X), reader, CPU) < 0


def look(rows, shape=None):
    """What is known of rows, and what marks others."""
    reader = reader_of(rows, shape)
    known = OutlierDetector.of(RowDataset(rows), reader)
    return known, lambda X: found_odd(known, X, reader)


@pytest.fixture(scope="module")
def digits():
    return np.random.default_rng(0).permutation(load_digits().data)


@pytest.fixture(scope="module")
def by_digits(digits):
    return look(digits[:1200], (8, 8))[1]


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
    are_outliers = look(np.concatenate([digits[:600], noise]), (8, 8))[1]
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
    assert look(X)[0].seen["none"].references.shape[0] == n


def test_copies_and_equal_samples():
    X = np.repeat(make_vectors(n=60)[0], 20, axis=0)
    known, are_outliers = look(X)
    assert len(known.seen["none"].references) == 60
    assert are_outliers(X).mean() < 0.1
    assert not look(np.ones((40, 3)))[1](np.ones((5, 3))).any()


def test_so_many_are_kept_from_all_over(monkeypatch):
    compared = []

    def watched(rows):
        compared.append(len(rows))
        return first_copies(rows)

    monkeypatch.setattr(outliers, "first_copies", watched)
    X = np.arange(9000.0)[:, None] * [1, 1]
    known, _ = look(X)
    # Of twice as many, so that half of them may be copies.
    assert compared == [2 * OUTLIERS.max_references]
    references = known.seen["none"].references
    assert len(references) == OUTLIERS.max_references
    spread = references[:, 0]
    assert float(spread.max() - spread.min()) == pytest.approx(
        float(np.ptp((X[:, 0] - X[:, 0].mean()) / X[:, 0].std())) * np.sqrt(2), rel=0.05
    )


def test_as_arrays_and_back(digits):
    known, are_outliers = look(digits[:200], (8, 8))
    others = {"labels_": torch.zeros(3), "scaler.scale": torch.ones(1)}
    again = OutlierDetector.from_arrays({**others, **known.arrays()}, "image")
    assert list(again.seen) == ["none", "local"]
    reader = reader_of(digits[:200], (8, 8))
    X = np.concatenate([digits[200:240], 16 - digits[:40]])
    assert_array_equal(found_odd(again, X, reader), are_outliers(X))
    assert OutlierDetector.from_arrays(others, "image") is None


def test_arrays_of_an_earlier_version(digits):
    """They are of one contrast, that of the model, and do not name it."""
    reader = reader_of(digits[:200], (8, 8))
    one = Surroundings.of(RowDataset(digits[:200]), reader, "image")
    arrays = {f"surroundings.{name}": array for name, array in one.arrays().items()}
    again = OutlierDetector.from_arrays(arrays, "image")
    assert list(again.seen) == ["image"]
    X = np.concatenate([digits[200:240], 16 - digits[:40]])
    alone = found_odd(OutlierDetector({"image": one}), X, reader)
    assert_array_equal(found_odd(again, X, reader), alone)
    assert alone.any()


def test_what_one_contrast_alone_knows():
    """Faint noise is no farther from bold shapes than they are; bolder ones are."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 2, (600, 4, 4)).repeat(2, 1).repeat(2, 2).reshape(600, 64)
    X = blocks + rng.normal(0, 0.05, (600, 64))
    known, are_outliers = look(X, (8, 8))
    reader = reader_of(X, (8, 8))
    faint, bold = 0.5 + rng.normal(0, 0.15, (40, 64)), 3 * X[:40]
    for odd, contrast in ((faint, "local"), (bold, "none")):
        found = {
            name: found_odd(OutlierDetector({name: one}), odd, reader)
            for name, one in known.seen.items()
        }
        assert [c for c, rows in found.items() if rows.mean() > 0.9] == [contrast]
        assert_array_equal(are_outliers(odd), found["none"] | found["local"])
    assert are_outliers(X).mean() < 0.1


def by_loop(rows, features):
    """Distances of all to all, with what components leave out, in plain NumPy."""
    mean, basis = features.mean.numpy(), features.basis.numpy()
    centered = rows - mean
    components = centered @ basis
    left_out = np.linalg.norm(centered - components @ basis.T, axis=1)
    n = len(rows)
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            gap = ((components[i] - components[j]) ** 2).sum()
            found[i, j] = np.sqrt(gap + left_out[i] ** 2 + left_out[j] ** 2)
    return found


@pytest.mark.parametrize("n", [3, 12, 150])
def test_a_plain_loop_finds_the_same_measures(digits, n):
    reader = reader_of(digits[:n], (8, 8))
    X = torch.as_tensor(digits[: n + 40], dtype=torch.float32)
    known = Surroundings.of(RowDataset(digits[:n]), reader, "image")
    rows = known.features.prepare(reader.read(X, CPU)).flatten(1).numpy()
    assert abs(known.features.mean).max() > 0.1  # so that it has to be taken off
    k = min(10, n // 2)
    distances = by_loop(rows, known.features)
    within = distances[:n, :n].copy()
    np.fill_diagonal(within, np.inf)
    nearest = within.argsort(1)[:, :k]
    reaches = within[np.arange(n), nearest[:, -1]]
    np.testing.assert_allclose(known.reaches.numpy(), reaches, rtol=1e-4)
    own = np.log(reaches)
    beside = own - np.log(reaches[nearest].mean(1))
    fences = []
    for values in (own, beside):
        low, high = np.quantile(values, [0.25, 0.75])
        fences.append(high + OUTLIERS.fence * (high - low))
    np.testing.assert_allclose(known.fences, fences, atol=1e-3)
    # And of samples that were not fitted on.
    nearest = distances[n:, :n].argsort(1)[:, :k]
    reach = np.take_along_axis(distances[n:, :n], nearest[:, -1:], 1)[:, 0]
    expected = np.log(reach), np.log(reach) - np.log(reaches[nearest].mean(1))
    found = known._measured(reader.read(X[n:], CPU)).numpy()
    np.testing.assert_allclose(found, np.stack(expected, 1), atol=1e-3)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("below", "beyond"), [(-1.0, False), (5e-4, False), (2e-3, True)]
)
def test_a_fence_is_passed_by_more_than_rounding(digits, which, below, beyond):
    reader = reader_of(digits[:60], (8, 8))
    known = Surroundings.of(RowDataset(digits[:60]), reader, "none")
    X = digits[60:61]
    measure = known._measured(reader.read(RowDataset(X).slice(0, 1), CPU))
    measure = measure[0, which].item()
    fences = [np.inf, np.inf]
    fences[which] = measure - below
    known = OutlierDetector({"none": replace(known, fences=tuple(fences))})
    assert found_odd(known, X, reader).tolist() == [beyond]


def test_what_never_varied_may_be_odd_too(digits):
    _, odd = look(digits[:300])
    constant = np.ptp(digits[:300], axis=0) == 0
    assert constant.sum() > 3
    # By the measure of what varies most, slight traces are nothing.
    new = digits[1200:1300].copy()
    before = odd(new)
    new[:, constant] += 1
    assert_array_equal(odd(new), before)
    for value in (100, 1e30, 1e300):
        new[:, constant] = value
        assert odd(new).all()


def test_a_colour_that_was_never_seen_is_odd(digits):
    grey = digits[:300].reshape(-1, 8, 8)
    rows = np.stack([grey, grey, np.zeros_like(grey)], axis=1).reshape(300, -1)
    layout = RowLayout("CHW", (3, 8, 8))
    reader = SampleReader(layout, PixelScaler.standardize(rows, layout))
    known = OutlierDetector.of(RowDataset(rows), reader)
    assert found_odd(known, rows, reader).mean() < 0.1
    coloured = rows[:50].copy()
    coloured[:, 128:] = 16
    assert found_odd(known, coloured, reader).all()
