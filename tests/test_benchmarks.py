"""Test what the benchmarks share; what they measure takes too long."""

import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

from benchmarks import pages, tables
from benchmarks.data import imbalanced, load, long_tailed, sample, sampling
from benchmarks.provenance import command
from benchmarks.runner import KEY, Task, identity, measure


def test_readme_shows_what_was_measured():
    text = tables.README.read_text()
    shown = text.split(tables.BEGIN)[1].split(tables.END)[0].strip()
    assert shown == tables.readme_table(), "run `python -m benchmarks.tables`"


@pytest.mark.parametrize("name", ["accuracy", "assignments", *pages.EXPERIMENTS])
def test_pages_can_be_made_with_and_without_results(name, tmp_path, monkeypatch):
    assert pages.page(name)
    for module in (tables, pages):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    assert "Not measured yet" in pages.page(name)
    (tmp_path / "accuracy_made.csv").write_text("set,method,acc\n")  # a run has begun
    assert "Not measured yet" in pages.page(name)
    assert tables.measured_sets() == []


def test_samples_do_not_depend_on_the_method():
    X, y = load("digits")
    first, _ = sample(X, y, 100, seed=3)
    again, _ = sample(X, y, 100, seed=3)
    np.testing.assert_array_equal(first, again)
    assert sample(X, y, None, 0)[0] is X
    assert sampling(len(X), 5000) == sampling(len(X), None) == "all"


def test_imbalance_rises_to_the_last_class():
    y = np.repeat(np.arange(10), 1000)
    _, kept = imbalanced(y, y, 0.1, seed=0)
    shares = np.bincount(kept) / 1000
    np.testing.assert_allclose(shares, np.linspace(0.1, 1, 10), atol=0.06)


def test_a_long_tail_falls_by_the_same_factor():
    y = np.repeat(np.arange(10), 2000)
    kept = [long_tailed(y, y, 0.1, seed)[1] for seed in (0, 1)]
    first, second = (np.bincount(classes) / 2000 for classes in kept)
    np.testing.assert_allclose(np.sort(first), np.geomspace(0.1, 1, 10), atol=0.04)
    assert first.argmax() != second.argmax()


def test_sets_in_parts_are_read(tmp_path):
    rng = np.random.default_rng(0)
    for part in ("1of2", "2of2"):
        files = []
        for image in rng.integers(0, 256, (3, 8, 8, 3), np.uint8):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "webp", lossless=True)
            files.append(file.getvalue())
        np.savez(
            tmp_path / f"made_{part}.npz",
            webp=np.frombuffer(b"".join(files), np.uint8),
            offsets=np.cumsum([0, *map(len, files)]),
            y=np.arange(3),
        )
    X, y = load("made", str(tmp_path))
    assert X.shape == (6, 8, 8, 3)
    assert y.tolist() == [0, 1, 2, 0, 1, 2]


def test_a_row_is_told_by_what_was_fitted_and_measured_without_classes():
    thinned = partial(imbalanced, r_min=0.5)
    key = {"r_min": 0.5}
    task = Task("digits", "k-means", 0, samples=200, key=key, thinned=thinned)
    assert identity(task, None, (*KEY, "r_min")) == (
        *("digits", "200 of 1797, drawn anew for each seed", "k-means", "0", "0.5"),
    )
    row = measure(task, None, "cpu")
    assert 100 < row["n"] < 200
    assert row["clusters_used"] == row["classes"] == 10
    assert 0.5 < row["acc"] <= 1


def test_commands_name_no_folder(monkeypatch):
    monkeypatch.setattr(
        "sys.argv", ["/there/accuracy.py", "--data", "/here", "--methods", "PCA + x"]
    )
    assert command() == (
        'python -m benchmarks.accuracy --data FOLDER --methods "PCA + x"'
    )
