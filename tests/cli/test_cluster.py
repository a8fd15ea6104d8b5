import csv
import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepcluster_sk.cli import output as output_module


def read_table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def table(tmp_path):
    return tmp_path / "result.csv"


def test_cluster(run, clusterer, capsys, folder, table, tmp_path):
    argv = ["cluster", folder, "-k", 3, "--output", table, "--size", 8]
    assert run(*argv, "--device", "cpu") == 0
    # The size that was asked for is not averaged down.
    assert clusterer.made.max_pixels is None
    assert clusterer.made.device == "cpu"
    assert read_table(table) == [
        ["path", "cluster", "probability"],
        ["0.png", "0", "0.9"],
        ["2.png", "1", "0.9"],
        ["4.png", "2", "0.9"],
        ["more/1.png", "0", "0.9"],
        ["more/3.png", "1", "0.9"],
        ["more/5.png", "2", "0.9"],
    ]
    assert (tmp_path / "result.png").is_file()
    printed = capsys.readouterr()
    assert str(table) in printed.out
    assert "8x8" in printed.out
    assert printed.err == ""
    # Nothing but the two files is left.
    assert names_in(tmp_path) == ["pictures", "result.csv", "result.png"]


def test_after_ctrl_c_there_is_a_table_all_the_same(
    run, clusterer, capsys, folder, table, monkeypatch
):
    monkeypatch.setattr(clusterer, "interrupted_", "joint training")
    with pytest.raises(SystemExit) as stop:
        run("cluster", folder, "-k", 2, "--output", table)
    assert stop.value.code == 130
    assert len(table.read_text().splitlines()) == 7
    assert table.with_suffix(".png").exists()
    assert "Ctrl-C ended joint training" in capsys.readouterr().err


def test_what_was_left_out_is_counted_and_named(run, capsys, folder, table):
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "more" / "phone.heic").write_bytes(b"")
    for number in range(12):
        (folder / f"{number:02}.txt").write_text("")
    run("cluster", folder, "-k", 2, "--output", table)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == (
        "Not readable (1), its content is damaged, or of a format that is not read: "
        "bad.png"
    )
    (texts,) = (line for line in lines if "(.txt)" in line)
    assert texts.startswith("Skipped (12), no picture by its ending (.txt): 00.txt, ")
    assert texts.endswith("09.txt and 2 more")
    (heic,) = (line for line in lines if ".heic" in line)
    assert heic.endswith(": more/phone.heic")
    assert len(read_table(table)) == 7


def test_background_is_what_transparent_pictures_lie_on(run, clusterer, folder, table):
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(folder / "0.png")
    argv = ("cluster", folder, "-k", 2, "--output", table, "--size", 8)
    run(*argv)
    assert np.all(clusterer.made.fitted[0] == 255)
    run(*argv, "--force", "--background", "#ff0000")
    assert clusterer.made.fitted[0, 0, 0].tolist() == [255, 0, 0]


def test_too_few_pictures(fail, folder, tmp_path, table):
    error = fail("cluster", folder, "-k", 7, "--output", table)
    assert "6 pictures cannot make 7 clusters" in error
    error = fail("cluster", tmp_path / "missing", "-k", 2, "--output", table)
    assert "There is no folder" in error
    assert not table.exists()


def test_outputs_are_checked_before_the_work(fail, clusterer, folder, tmp_path):
    missing = tmp_path / "missing" / "a.csv"
    assert "to write 'a.csv' to" in fail(
        "cluster", folder, "-k", 2, "--output", missing
    )
    (tmp_path / "dir.csv").mkdir()
    assert "is a folder" in fail(
        "cluster", folder, "-k", 2, "--output", tmp_path / "dir.csv"
    )
    (tmp_path / "b.png").mkdir()  # in the place of the picture
    assert "is a folder" in fail(
        "cluster", folder, "-k", 2, "--output", tmp_path / "b.csv"
    )
    too_long = tmp_path / f"{'a' * 300}.csv"
    assert "too long" in fail("cluster", folder, "-k", 2, "--output", too_long)
    assert clusterer.made is None


def test_a_full_disk_is_found_before_the_work(
    fail, clusterer, folder, table, monkeypatch
):
    full_disk(monkeypatch, table.parent)
    error = fail("cluster", folder, "-k", 2, "--output", table)
    assert "Nothing can be written" in error
    assert "No space left" in error
    assert clusterer.made is None
    assert not list(table.parent.glob(".deepcluster*"))


def full_disk(monkeypatch, *folders):
    """Let nothing be written to files in these folders."""
    original = Path.open

    class Full:
        def __init__(self, path):
            self.file = original(path, "xb")

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, content):
            self.file.write(content[:3])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def opened(self, mode="r", *args, **kwargs):
        if mode == "xb" and self.parent in folders:
            return Full(self)
        return original(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)


def fill_the_disk_while_fitting(monkeypatch, clusterer, *folders):
    fit = clusterer.fit

    def fit_and_fill(self, X):
        full_disk(monkeypatch, *folders)
        return fit(self, X)

    monkeypatch.setattr(clusterer, "fit", fit_and_fill)


def test_the_table_is_rescued_from_a_disk_that_fills_up(
    fail, clusterer, folder, tmp_path, monkeypatch
):
    wanted, other = tmp_path / "wanted", tmp_path / "other"
    wanted.mkdir()
    other.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(other))
    fill_the_disk_while_fitting(monkeypatch, clusterer, wanted)
    error = fail("cluster", folder, "-k", 3, "--output", wanted / "a.csv")
    (rescued,) = other.glob("*.csv")
    assert str(rescued) in error
    assert "No space left" in error
    assert len(read_table(rescued)) == 7
    assert not list(wanted.iterdir())


def test_the_table_is_printed_where_no_disk_takes_it(
    run, clusterer, folder, table, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    fill_the_disk_while_fitting(monkeypatch, clusterer, tmp_path)
    with pytest.raises(SystemExit):
        run("cluster", folder, "-k", 3, "--output", table)
    printed = capsys.readouterr()
    assert '"more/5.png",2,0.9' in printed.out
    assert "on standard output" in printed.err
    assert names_in(tmp_path) == ["pictures"]


def test_a_folder_that_goes_while_fitting(
    fail, clusterer, folder, tmp_path, monkeypatch
):
    (tmp_path / "out").mkdir()
    (tmp_path / "rescue").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "rescue"))
    fit = clusterer.fit

    def fit_and_remove(self, X):
        shutil.rmtree(tmp_path / "out")
        return fit(self, X)

    monkeypatch.setattr(clusterer, "fit", fit_and_remove)
    fail("cluster", folder, "-k", 3, "--output", tmp_path / "out" / "a.csv")
    (rescued,) = (tmp_path / "rescue").glob("*.csv")
    assert len(read_table(rescued)) == 7


def test_a_file_that_comes_while_fitting_is_kept(
    fail, clusterer, folder, table, tmp_path, monkeypatch
):
    (tmp_path / "rescue").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "rescue"))
    fit = clusterer.fit

    def fit_and_write(self, X):
        table.write_text("mine")
        return fit(self, X)

    monkeypatch.setattr(clusterer, "fit", fit_and_write)
    assert "meanwhile" in fail("cluster", folder, "-k", 3, "--output", table)
    assert table.read_text() == "mine"
    assert len(list((tmp_path / "rescue").glob("*.csv"))) == 1


def test_pictures_of_the_user_are_never_overwritten(fail, clusterer, folder):
    before = snapshot(folder)
    argv = ("cluster", folder, "-k", 2, "--output", folder / "2.csv")  # and 2.png
    assert "already" in fail(*argv)
    assert "was not written by this command" in fail(*argv, "--force")
    assert clusterer.made is None
    assert snapshot(folder) == before


def test_a_table_of_the_user_is_never_overwritten(fail, run, folder, table):
    table.write_text("name,age\nAda,36\n")
    assert "already" in fail("cluster", folder, "-k", 2, "--output", table)
    error = fail("cluster", folder, "-k", 2, "--output", table, "--force")
    assert "was not written by this command" in error
    assert table.read_text() == "name,age\nAda,36\n"


def test_a_link_is_not_written_through(fail, folder, table, tmp_path):
    table.symlink_to(tmp_path / "elsewhere.csv")
    assert "already" in fail("cluster", folder, "-k", 2, "--output", table)
    assert not (tmp_path / "elsewhere.csv").exists()


def test_results_are_replaced_when_forced_only(fail, run, folder, table):
    run("cluster", folder, "-k", 2, "--output", table)
    before = table.read_bytes()
    assert "--force" in fail("cluster", folder, "-k", 3, "--output", table)
    assert table.read_bytes() == before
    run("cluster", folder, "-k", 3, "--output", table, "--force")
    assert table.read_bytes() != before


def test_own_output_is_not_read_the_next_time(run, clusterer, capsys, folder):
    for name in ("first.csv", "second.csv"):
        run("cluster", folder, "-k", 2, "--output", folder / name)
        assert len(clusterer.made.fitted) == 6
    assert "drawn by deepcluster_sk itself: first.png" in capsys.readouterr().err


def test_names_that_a_spreadsheet_would_compute(run, folder, table):
    names = ["=1+1.png", "+1.png", "-1.png", "@SUM(1).png", "a;=1+1.png", " =1.png"]
    names += ["\uff1d1.png", 'b"=1.png', "plain.png", "-dir/c.png"]
    (folder / "-dir").mkdir()
    for name in names:
        shutil.copy(folder / "0.png", folder / name)
    run("cluster", folder, "-k", 2, "--output", table)
    rows = read_table(table)[1:]
    for path, *_ in rows:
        assert path.strip()[0] not in "=+-@\uff1d"
        assert not path[0].isspace()
        assert (folder / path).is_file()  # the same path still
    # Every name is in quotes, so that no cell begins at the semicolon in one.
    assert '"a;=1+1.png",' in table.read_text()
    assert {Path(path).as_posix() for path, *_ in rows} >= set(names)


@pytest.mark.skipif(sys.platform != "linux", reason="names there are Unicode")
def test_names_that_are_not_utf8(run, folder, tmp_path, capsys):
    odd = os.fsdecode(b"caf\xe9.png")
    shutil.copy(folder / "0.png", folder / odd)
    (folder / os.fsdecode(b"bad\xe9.png")).write_bytes(b"")
    table = tmp_path / os.fsdecode(b"r\xe9sum\xe9.csv")
    run("cluster", folder, "-k", 2, "--output", table)
    assert "caf\\xe9.png" in {row[0] for row in read_table(table)}
    assert "bad\\xe9.png" in capsys.readouterr().err


def test_cells():
    assert output_module.cell(Path("a/b.png")) == "a/b.png"
    assert output_module.cell(Path("\t=1.png")) == "./\t=1.png"
    assert output_module.cell(Path("a/=1.png")) == "a/=1.png"


def test_without_matplotlib_there_is_a_table(run, folder, table, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    run("cluster", folder, "-k", 2, "--output", table)
    assert table.is_file()
    assert not table.with_suffix(".png").exists()
    assert "deepcluster-sk[plot]" in capsys.readouterr().err
