"""Pictures of another depth than those of the fit: read as these were."""

import json

import numpy as np
import pytest
from PIL import Image

from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.cli import results
from tests.cli.tables import read_table
from tests.made import make_images, quick

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(
        "deepcluster_sk.cli.cluster.make_clusterer",
        lambda k, *given: quick(DeepTripletClusterer, k, random_state=0),
    )


def save(folder, deep=lambda number: False, real=lambda number: False):
    """Write the same pictures, some of them in 16 bits or as floating-point numbers."""
    folder.mkdir()
    images, _ = make_images(n=36)
    for number, image in enumerate(images):
        pixels = np.rint(255 * image).astype(np.uint8)
        ending = "png"
        if deep(number):
            pixels = pixels.astype(np.uint16) * 257
        elif real(number):
            pixels, ending = 40 * image.astype(np.float32) - 3, "tif"
        Image.fromarray(pixels).save(folder / f"{number:02}.{ending}")
    return folder


def clusters_in(table):
    return [row[:2] for row in read_table(table)[1:]]


@pytest.mark.parametrize("fitted", ["plain", "deep", "mixed"])
def test_assigned_alike_whatever_the_depth(run, capsys, tmp_path, fitted):
    folders = {
        "plain": save(tmp_path / "plain"),
        "deep": save(tmp_path / "deep", lambda number: True),
        "mixed": save(tmp_path / "mixed", lambda number: number == 5),
    }
    out = tmp_path / "out"
    run("cluster", folders[fitted], "-k", 3, "--out", out)
    reading = json.loads((out / results.READING).read_text())["reading"]
    assert reading["white"] == (65535 if fitted == "deep" else 255)
    wanted = clusters_in(out / results.TABLE)
    assert len({cluster for _, cluster in wanted}) > 1
    for name, folder in folders.items():
        table = tmp_path / f"{name}.csv"
        run("assign", out, folder, "--out", table)
        assert clusters_in(table) == wanted


def test_integers_are_refused_where_numbers_have_a_scale_of_their_own(
    run, fail, tmp_path
):
    real, out = save(tmp_path / "real", real=lambda number: True), tmp_path / "out"
    run("cluster", real, "-k", 3, "--out", out)
    run("assign", out, real)
    assert clusters_in(out / results.ASSIGNED) == clusters_in(out / results.TABLE)
    for name, is_deep in (("plain", False), ("deep", True)):
        folder = save(tmp_path / name, lambda number, is_deep=is_deep: is_deep)
        error = fail("assign", out, folder, "--force")
        assert "integers, but the model was fitted on floating-point numbers" in error


def test_results_of_before_that_do_not_tell_white(run, fail, copied):
    folder, out = copied
    found = json.loads((out / results.READING).read_text())
    assert found["reading"].pop("white") == 255
    (out / results.READING).write_text(json.dumps(found))
    run("assign", out, folder)
    assert clusters_in(out / results.ASSIGNED) == clusters_in(out / results.TABLE)
    # It may be anything, and be wrong in silence.
    found["reading"]["dtype"] = "float32"
    (out / results.READING).write_text(json.dumps(found))
    error = fail("assign", out, folder, "--force")
    assert "is of an earlier version" in error
