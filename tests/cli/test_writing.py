"""Results in the place of earlier ones: all of one model, whatever happens."""

import errno
import io
import os
import tempfile

import numpy as np
import pytest
from PIL import Image

from deepcluster_sk import DeepTripletClusterer, load
from deepcluster_sk.cli import results
from tests.cli.tables import read_table, snapshot

RENAME = ("--rename", 0, "light", "--force")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_no_report_of_an_earlier_model_beside_a_new_one(
    run, copied, monkeypatch, error
):
    _, out = copied

    def broken(*given, **named):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("deepcluster_sk.report.page.report_page", broken)
        with pytest.raises(SystemExit):
            run("correct", out, *RENAME)
    assert not (out / results.REPORT).exists()
    assert load(out / results.MODEL).cluster_names_[0] == "light"
    assert read_table(out / results.TABLE)[0][-1] == "name"
    run("report", out)  # the rest can be made again
    assert '"light"' in (out / results.REPORT).read_text("utf-8")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_ends_before_the_model_is_written_changes_nothing(
    run, copied, monkeypatch, error
):
    _, out = copied
    before = snapshot(out)

    def broken(self, path, *, references):
        path.write_bytes(b"half a model")
        raise error

    monkeypatch.setattr(DeepTripletClusterer, "save", broken)
    with pytest.raises(SystemExit):
        run("correct", out, *RENAME)
    assert snapshot(out) == before


def test_a_model_that_finds_no_room_is_rescued_with_its_results(
    run, fail, copied, monkeypatch, tmp_path
):
    folder, out = copied
    before = snapshot(out)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(other))
    save = DeepTripletClusterer.save

    def full(self, path, *, references):
        if out in path.parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(self, path, references=references)

    monkeypatch.setattr(DeepTripletClusterer, "save", full)
    error = fail("correct", out, *RENAME)
    (rescued,) = other.iterdir()
    assert (
        f"written to the folder {str(out)!r} (No space left on device): "
        f"clusters.csv, model.safetensors, reading.json are in {str(rescued)!r}."
    ) in error
    assert snapshot(out) == before
    # A folder of results, and as good as the one that was wanted.
    run("report", rescued)
    run("assign", rescued, folder)
    assert read_table(rescued / results.ASSIGNED) == read_table(rescued / results.TABLE)


def test_tables_of_an_earlier_model_are_named(run, copied, capsys, tmp_path):
    folder, out = copied
    run("assign", out, folder)
    run("embed", out)
    capsys.readouterr()
    run("correct", out, *RENAME, "--quiet")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"{str(out / name)!r} was written before: 'deepcluster {command} --force' "
        "writes it anew."
        for name, command in (("assigned.csv", "assign"), ("features.csv", "embed"))
    ]
    (out / "assigned.csv").write_text("mine")
    (out / "features.csv").unlink()
    run("correct", out, *RENAME, "--quiet")
    assert capsys.readouterr().err == ""


def test_names_reach_the_picture_of_the_clusters(run, copied, tmp_path):
    _, out = copied

    def column():
        sheet = Image.open(io.BytesIO((out / results.SHEET).read_bytes()))
        return np.asarray(sheet)[:, :110]

    before = column()
    run("correct", out, *RENAME)
    changed = np.flatnonzero((column() != before).any(axis=(1, 2)))
    # Of the first row alone, below its number.
    assert 4 + 38 <= changed.min() <= changed.max() < 4 + 64
