import csv
import runpy
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from deepcluster_sk import __main__ as cli


class FakeClusterer:
    """Parts images by their brightness, with the interface the command line uses."""

    made = ()

    def __init__(self, n_clusters=8, *, max_pixels, random_state, verbose):
        self.n_clusters = n_clusters
        self.max_pixels = max_pixels
        self.random_state = random_state
        self.verbose = verbose
        type(self).made = self

    def fit(self, X):
        brightness = np.asarray(X, dtype=float).reshape(len(X), -1).mean(axis=1)
        rank = np.argsort(np.argsort(brightness))
        self.labels_ = rank * self.n_clusters // len(X)
        return self

    def predict_proba(self, X):
        return 0.1 + 0.8 * np.eye(self.n_clusters)[self.labels_]


@pytest.fixture(autouse=True)
def _fake_clusterer(monkeypatch):
    monkeypatch.setattr(cli, "DeepTripletClusterer", FakeClusterer)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for i in range(6):
        name = f"more/{i}.png" if i % 2 else f"{i}.png"
        pixels = np.full((10, 12, 3), 40 * i, np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def fast_tsne(monkeypatch):
    class FastTSNE:
        def __init__(self, **options):
            pass

        def fit_transform(self, X):
            return X[:, 20:24]

    monkeypatch.setattr(cli, "TSNE", FastTSNE)


def run_and_fail(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in argv])
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.mark.usefixtures("fast_tsne")
def test_demo(capsys, tmp_path):
    assert cli.main(["demo", "--output", str(tmp_path / "out"), "--seed", "3"]) == 0
    assert FakeClusterer.made.random_state == 3
    assert FakeClusterer.made.n_clusters == 10
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines() if line.endswith(" s")]
    assert [row[0] for row in rows] == ["k-means", "t-SNE,", "DeepTripletClusterer"]
    for row in rows:
        assert all(0 <= float(score) <= 1 for score in row[-5:-2])
    picture = tmp_path / "out" / "clusters.png"
    assert str(picture) in printed
    with Image.open(picture) as image:
        assert image.width > 500


@pytest.mark.usefixtures("fast_tsne")
def test_demo_without_matplotlib_still_scores(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["demo", "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert "DeepTripletClusterer" in printed.out
    assert "deepcluster-sk[plot]" in printed.err
    assert not (tmp_path / "out").exists()


def test_cluster(capsys, folder, tmp_path):
    table = tmp_path / "result.csv"
    argv = ["cluster", folder, "--n-clusters", 3, "--output", table, "--size", 8]
    assert cli.main([str(argument) for argument in argv]) == 0
    # The size that was asked for is not averaged down.
    assert FakeClusterer.made.max_pixels is None
    with table.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["path", "cluster", "probability"]
    assert rows[1:] == [
        ["0.png", "0", "0.9000"],
        ["2.png", "1", "0.9000"],
        ["4.png", "2", "0.9000"],
        ["more/1.png", "0", "0.9000"],
        ["more/3.png", "1", "0.9000"],
        ["more/5.png", "2", "0.9000"],
    ]
    assert (tmp_path / "result.png").is_file()
    assert str(table) in capsys.readouterr().out


def test_cluster_reports_damaged_pictures(capsys, folder, tmp_path):
    (folder / "bad.png").write_bytes(b"no picture")
    table = tmp_path / "result.csv"
    cli.main(["cluster", str(folder), "--n-clusters", "2", "--output", str(table)])
    assert "bad.png" in capsys.readouterr().err
    assert "bad.png" not in table.read_text()


def test_cluster_errors(capsys, folder, tmp_path):
    missing = tmp_path / "missing"
    error = run_and_fail(capsys, "cluster", missing, "--n-clusters", 2)
    assert "There is no folder" in error
    error = run_and_fail(capsys, "cluster", folder, "--n-clusters", 7)
    assert "6 pictures cannot make 7 clusters" in error
    error = run_and_fail(capsys, "cluster", folder, "--n-clusters", 1)
    assert "must be at least 2" in error
    error = run_and_fail(capsys, "cluster", folder, "--n-clusters", 2, "--size", 4)
    assert "at least 8 pixels" in error
    error = run_and_fail(
        capsys, "cluster", folder, "--n-clusters", 2, "--output", missing / "a.csv"
    )
    assert "to write 'a.csv' to" in error


def test_wrong_usage(capsys):
    assert "COMMAND" in run_and_fail(capsys)
    assert "invalid choice" in run_and_fail(capsys, "nonsense")
    assert "--n-clusters" in run_and_fail(capsys, "cluster", "folder")


def test_debug_shows_the_error_itself(tmp_path):
    argv = ["cluster", str(tmp_path / "no"), "--n-clusters", "2", "--debug"]
    with pytest.raises(NotADirectoryError):
        cli.main(argv)


def test_run_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["deepcluster_sk", "--help"])
    monkeypatch.delitem(sys.modules, "deepcluster_sk.__main__")
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("deepcluster_sk", run_name="__main__")
    assert stop.value.code == 0
    assert "demo" in capsys.readouterr().out


def test_help_in_a_process_of_its_own():
    done = subprocess.run(
        [sys.executable, "-m", "deepcluster_sk", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cluster" in done.stdout
