"""Pictures clustered by the features of a pretrained network, from the command line."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from deepcluster_sk import ImageEmbedder
from deepcluster_sk.cli import results
from deepcluster_sk.cli.features import parse_settings
from deepcluster_sk.datasets import load_pictures
from deepcluster_sk.embedding import embedder
from tests.embedding.networks import save_script

pytestmark = pytest.mark.usefixtures("clusterer")


@pytest.fixture
def network(tmp_path):
    return save_script(tmp_path / "grid.pt")


def test_the_model_is_fitted_on_features(
    run, clusterer, capsys, folder, network, tmp_path
):
    out, settings = tmp_path / "out", ["size=16", "mean=0.5", "channel_order=bgr"]
    given = [part for text in settings for part in ("--features-set", text)]
    run("cluster", folder, "-k", 3, "--out", out, "--features", network, *given)
    # Read at the side that the network takes, or the most that most pictures have.
    X = load_pictures(folder, size=10).X
    by_hand = ImageEmbedder(network, size=16, mean=0.5, channel_order="bgr")
    assert_allclose(clusterer.made.fitted, by_hand.fit_transform(X), atol=1e-6)
    assert "By 20 features of" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == sorted(results.FILES)
    told = json.loads((out / results.READING).read_text())["features"]
    assert told["settings"] == {
        "model": str(network),
        "size": 16,
        "mean": 0.5,
        "channel_order": "bgr",
        "white": 255.0,
    }
    assert told["fingerprint"] == by_hand.fingerprint()


def test_a_network_is_loaded_once(
    run, clusterer, folder, network, tmp_path, monkeypatch
):
    loaded, load = [], embedder.load_backbone

    def counted(*args, **settings):
        loaded.append(args)
        return load(*args, **settings)

    monkeypatch.setattr(embedder, "load_backbone", counted)
    argv = ["--out", tmp_path / "out", "--features", network]
    run("cluster", folder, "-k", 2, *argv)
    assert len(loaded) == 1


def test_features_are_kept_for_the_next_run(
    run, clusterer, folder, network, tmp_path, monkeypatch
):
    argv = ["cluster", folder, "-k", 2, "--out", tmp_path / "out", "--force"]
    argv += ["--features", network, "--cache", tmp_path / "cache"]
    run(*argv)
    first = clusterer.made.fitted

    def embed(*given):
        raise AssertionError("features were made again")

    monkeypatch.setattr(ImageEmbedder, "_embed", embed)
    run(*argv)
    assert np.array_equal(clusterer.made.fitted, first)


@pytest.mark.parametrize(
    ("argv", "match"),
    [
        (["--features-set", "size=8"], "--features-set goes with --features"),
        (["--features", "a.pt", "--features-set", "size"], "'size' must be NAME=VALUE"),
        (["--features", "a.pt", "--features-set", "model=b"], "with one of the names"),
        (["--features", "a.pt", *["--features-set", "size=8"] * 2], "comes twice"),
        (["--features", "a.pt", "--kind", "drawing"], "does not go with --features"),
        (["--features", "no/such.pt"], "there is no such file"),
        (["--features", "hub:x"], "is no network: use"),
    ],
)
def test_what_makes_no_sense(fail, folder, tmp_path, argv, match):
    out = tmp_path / "out"
    assert match in fail("cluster", folder, "-k", 2, "--out", out, *argv)
    assert not out.exists()


def test_values_of_settings():
    words = ["output=/pool", "mean=1,2.5,3", "std=2", "download=true", "layout=NHWC"]
    assert parse_settings(words) == {
        "output": "/pool",
        "mean": [1, 2.5, 3],
        "std": 2,
        "download": True,
        "layout": "NHWC",
    }
    assert parse_settings(["std=NaN"]) == {"std": "NaN"}
