"""A folder of pictures, a clusterer that takes no time, and results of a real one."""

import shutil
import warnings

import numpy as np
import pytest
from PIL import Image

import deepcluster_sk
from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.base.calibration import Assessment
from deepcluster_sk.cli import main
from tests.made import make_images, quick


class FakeClusterer:
    """Parts images by their brightness, with the interface the command line uses."""

    made = None
    interrupted_ = None
    cluster_names_ = None

    def __init__(
        self, n_clusters=8, *, max_pixels, device, random_state, verbose, memory=None
    ):
        self.n_clusters = n_clusters
        self.memory = memory
        self.max_pixels = max_pixels
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.fitted = None
        type(self).made = self

    def fit(self, X):
        self.fitted = X
        self.n_clusters_ = 2 if self.n_clusters == "auto" else self.n_clusters
        brightness = np.asarray(X, dtype=float).reshape(len(X), -1).mean(axis=1)
        rank = np.argsort(np.argsort(brightness))
        self.labels_ = rank * self.n_clusters_ // len(X)
        return self

    def assess(self, X, *, temperature=None):
        q = 0.1 + 0.8 * np.eye(self.n_clusters_)[self.labels_]
        return Assessment(q, None, self.confidence(X), temperature)

    def confidence(self, X):
        return np.full(len(X), 0.75)

    def predict(self, X, outliers=False):
        return self.labels_

    def save(self, path, *, references=False):
        self.references = references
        path.write_bytes(b'{"__metadata__":{"format":"deepcluster_sk"}}')


@pytest.fixture(autouse=True)
def _no_progress_on_slow_machines(monkeypatch):
    monkeypatch.setattr("deepcluster_sk.runtime.display.LOG_FIRST", 3600.0)


@pytest.fixture
def clusterer(monkeypatch):
    """Make commands fit what takes no time."""
    monkeypatch.setattr(deepcluster_sk, "DeepTripletClusterer", FakeClusterer)
    monkeypatch.setattr(FakeClusterer, "made", None)
    page = b'<meta name="generator" content="deepcluster_sk">'
    monkeypatch.setattr(
        "deepcluster_sk.report.page.report_page", lambda *given, **named: page
    )
    return FakeClusterer


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
def run():
    """Run a command as a shell would, with arguments of any type."""

    def run(*argv):
        return main([str(argument) for argument in argv])

    return run


@pytest.fixture
def fail(run, capsys):
    """Run a command that must end in status 2, and return what it says."""

    def fail(*argv):
        with pytest.raises(SystemExit) as stop:
            run(*argv)
        assert stop.value.code == 2
        said = capsys.readouterr().err
        assert len(said.splitlines()[-1:]) == 1
        return said

    return fail


@pytest.fixture(scope="session")
def clustered(tmp_path_factory):
    """A folder of pictures, and its results."""
    root = tmp_path_factory.mktemp("clustered")
    folder, out = root / "pictures", root / "out"
    folder.mkdir()
    images, _ = make_images(n=36)
    for number, image in enumerate(images):
        pixels = np.rint(255 * image).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(
            "deepcluster_sk.cli.cluster.make_clusterer",
            lambda k, *given: quick(DeepTripletClusterer, k, random_state=0),
        )
        main(["cluster", str(folder), "-k", "3", "--out", str(out), "--references"])
    return folder, out


@pytest.fixture
def copied(clustered, tmp_path):
    """The same, to be changed."""
    folder, out = clustered
    shutil.copytree(out, tmp_path / "out")
    return folder, tmp_path / "out"
