import errno
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepcluster_sk.cli import output as output_module
from deepcluster_sk.cli import results
from deepcluster_sk.runtime.progress import Progress
from tests.cli.tables import read_table, snapshot

pytestmark = pytest.mark.usefixtures("clusterer")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def out(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def table(out):
    return out / "clusters.csv"


def test_cluster(run, clusterer, capsys, folder, out, table, tmp_path):
    argv = ["cluster", folder, "-k", 3, "--out", out, "--size", 8]
    assert run(*argv, "--device", "cpu") == 0
    # The size that was asked for is not averaged down.
    assert clusterer.made.max_pixels is None
    assert clusterer.made.device == "cpu"
    assert read_table(table) == [
        list(output_module.CLUSTERS),
        ["0.png", "0", "0.9", "", "0.75"],
        ["2.png", "1", "0.9", "", "0.75"],
        ["4.png", "2", "0.9", "", "0.75"],
        ["more/1.png", "0", "0.9", "", "0.75"],
        ["more/3.png", "1", "0.9", "", "0.75"],
        ["more/5.png", "2", "0.9", "", "0.75"],
    ]
    printed = capsys.readouterr()
    assert str(table) in printed.out
    assert "8x8" in printed.out
    assert printed.err == ""
    # Nothing but these files is left.
    assert names_in(tmp_path) == ["pictures", "results"]
    assert names_in(out) == sorted(results.FILES)


def test_a_zip_file_is_as_good_as_its_folder(run, capsys, folder, out, tmp_path):
    (folder / "notes.txt").write_text("")
    run("cluster", folder, "-k", 3, "--out", out)
    zipped = shutil.make_archive(str(tmp_path / "pictures"), "zip", folder)
    said = capsys.readouterr().err
    run("cluster", zipped, "-k", 3, "--out", tmp_path / "again")
    assert (
        capsys.readouterr().err
        == said
        == ("Skipped (1), no picture by its ending (.txt): notes.txt\n")
    )
    found = read_table(tmp_path / "again" / results.TABLE)
    assert found == read_table(out / results.TABLE)


def test_what_was_read_is_kept_for_the_next_run(
    run, clusterer, folder, out, tmp_path, monkeypatch
):
    cache = tmp_path / "cache"
    argv = ("cluster", folder, "-k", 3, "--out", out, "--cache", cache)
    run(*argv)
    assert clusterer.made.memory == str(cache)
    first = clusterer.made.fitted

    def read(*args, **settings):
        raise AssertionError("a picture was read again")

    monkeypatch.setattr("deepcluster_sk.data.picture_loading.read_pixels", read)
    run(*argv, "--force")
    assert np.array_equal(clusterer.made.fitted, first)


def test_progress_is_shown_unless_it_is_not_wanted(
    run, clusterer, capsys, folder, out, monkeypatch
):
    for module in ("telling", "reading", "fitting", "results"):
        monkeypatch.setattr(f"deepcluster_sk.cli.{module}.telling", tell_at_once)
    # A line whenever there is something to tell.
    for name in ("LOG_FIRST", "LOG_SECONDS"):
        monkeypatch.setattr(f"deepcluster_sk.runtime.display.{name}", 0.0)
    advance = Progress.advance

    def advance_and_tell(self):
        advance(self)
        self.tick()

    monkeypatch.setattr(Progress, "advance", advance_and_tell)
    run("cluster", folder, "-k", 2, "--out", out)
    assert clusterer.made.verbose == 1
    lines = capsys.readouterr().err.splitlines()
    assert [lines[0], *lines[-2:]] == ["loading", "loading", "writing"]
    assert any("reading" in line and "5/6 files" in line for line in lines)
    run("cluster", folder, "-k", 2, "--out", out, "--force", "--quiet")
    assert clusterer.made.verbose == 0
    assert capsys.readouterr().err == ""


@contextmanager
def tell_at_once(stage, *, quiet):
    if not quiet:
        sys.stderr.write(f"{stage}\n")
    yield


def test_the_model_keeps_no_pictures_unless_it_is_to(run, clusterer, folder, out):
    run("cluster", folder, "-k", 2, "--out", out)
    assert clusterer.made.references is False
    run("cluster", folder, "-k", 2, "--out", out, "--force", "--references")
    assert clusterer.made.references is True


def test_clusters_are_counted_where_nobody_says_how_many(run, capsys, folder, table):
    assert run("cluster", folder, "-k", "auto", "--out", table.parent) == 0
    assert "Clusters counted: 2" in capsys.readouterr().out
    assert {row[1] for row in read_table(table)[1:]} == {"0", "1"}


def test_after_ctrl_c_there_are_results_all_the_same(
    run, clusterer, capsys, folder, out, monkeypatch
):
    monkeypatch.setattr(clusterer, "interrupted_", "joint training")
    with pytest.raises(SystemExit) as stop:
        run("cluster", folder, "-k", 2, "--out", out)
    assert stop.value.code == 130
    assert names_in(out) == sorted(results.FILES)
    assert "Ctrl-C ended joint training" in capsys.readouterr().err


def test_what_was_left_out_is_counted_and_named(run, capsys, folder, out, table):
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "more" / "raw.cr2").write_bytes(b"")
    for number in range(12):
        (folder / f"{number:02}.txt").write_text("")
    run("cluster", folder, "-k", 2, "--out", out)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == (
        "Not readable (1), its content is damaged, or of a format that is not read: "
        "bad.png"
    )
    (texts,) = (line for line in lines if "(.txt)" in line)
    assert texts.startswith("Skipped (12), no picture by its ending (.txt): 00.txt, ")
    assert texts.endswith("09.txt and 2 more")
    (raw,) = (line for line in lines if ".cr2" in line)
    assert raw.endswith(": more/raw.cr2")
    assert len(read_table(table)) == 7


def test_background_is_what_transparent_pictures_lie_on(
    run, clusterer, folder, out, table
):
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(folder / "0.png")
    argv = ("cluster", folder, "-k", 2, "--out", out, "--size", 8)
    run(*argv)
    assert np.all(clusterer.made.fitted[0] == 255)
    run(*argv, "--force", "--background", "#ff0000")
    assert clusterer.made.fitted[0, 0, 0].tolist() == [255, 0, 0]
    run(*argv, "--force", "--background", "128")
    assert np.all(clusterer.made.fitted[0] == 128)


def test_too_few_pictures(fail, folder, tmp_path, out, table):
    error = fail("cluster", folder, "-k", 7, "--out", out)
    assert "6 pictures cannot make 7 clusters" in error
    error = fail("cluster", tmp_path / "missing", "-k", 2, "--out", out)
    assert "There is no folder" in error
    assert not table.exists()


def test_outputs_are_checked_before_the_work(fail, clusterer, folder, out, tmp_path):
    (tmp_path / "file").write_text("mine")
    for name in ("file", "file/below"):
        error = fail("cluster", folder, "-k", 2, "--out", tmp_path / name)
        assert "There is no folder" in error
    for name in results.FILES:
        (out / name).mkdir(parents=True)
        assert "is a folder" in fail("cluster", folder, "-k", 2, "--out", out)
        (out / name).rmdir()
    too_long = tmp_path / ("a" * 300)
    assert "too long" in fail("cluster", folder, "-k", 2, "--out", too_long / "b")
    assert clusterer.made is None


def test_a_full_disk_is_found_before_the_work(
    fail, clusterer, folder, out, table, monkeypatch
):
    out.mkdir()
    full_disk(monkeypatch, out)
    error = fail("cluster", folder, "-k", 2, "--out", out)
    assert "Nothing can be written" in error
    assert "No space left" in error
    assert clusterer.made is None
    assert not list(out.iterdir())


def full_disk(monkeypatch, *folders):
    """Let nothing be written to files below these folders."""
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
        if mode == "xb" and any(f in self.parents for f in folders):
            return Full(self)
        return original(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)


def fill_the_disk_while_fitting(monkeypatch, clusterer, *folders):
    fit = clusterer.fit

    def fit_and_fill(self, X):
        full_disk(monkeypatch, *folders)
        return fit(self, X)

    monkeypatch.setattr(clusterer, "fit", fit_and_fill)


def test_results_are_rescued_from_a_disk_that_fills_up(
    fail, clusterer, folder, tmp_path, monkeypatch
):
    wanted, other = tmp_path / "wanted", tmp_path / "other"
    wanted.mkdir()
    other.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(other))
    fill_the_disk_while_fitting(monkeypatch, clusterer, wanted)
    error = fail("cluster", folder, "-k", 3, "--out", wanted)
    (rescued,) = other.iterdir()
    assert f"are in {str(rescued)!r}." in error
    assert "No space left" in error
    assert len(read_table(rescued / results.TABLE)) == 7
    assert (rescued / results.MODEL).is_file()
    assert '"side": 10' in (rescued / results.READING).read_text()
    assert not list(wanted.iterdir())


def test_the_table_is_printed_where_no_disk_takes_it(
    run, clusterer, folder, out, table, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    fill_the_disk_while_fitting(monkeypatch, clusterer, tmp_path, out)
    with pytest.raises(SystemExit):
        run("cluster", folder, "-k", 3, "--out", out)
    printed = capsys.readouterr()
    assert '"more/5.png",2,0.9' in printed.out
    assert "on standard output, the model is lost" in printed.err
    assert not list(out.iterdir())


def test_a_folder_that_goes_while_fitting(run, clusterer, folder, out, monkeypatch):
    out.mkdir()
    fit = clusterer.fit

    def fit_and_remove(self, X):
        shutil.rmtree(out)
        return fit(self, X)

    monkeypatch.setattr(clusterer, "fit", fit_and_remove)
    run("cluster", folder, "-k", 3, "--out", out)
    assert names_in(out) == sorted(results.FILES)


def test_a_file_that_comes_while_fitting_is_kept(
    fail, clusterer, folder, out, table, tmp_path, monkeypatch
):
    (tmp_path / "rescue").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "rescue"))
    fit = clusterer.fit

    def fit_and_write(self, X):
        out.mkdir()
        table.write_text("mine")
        return fit(self, X)

    monkeypatch.setattr(clusterer, "fit", fit_and_write)
    assert "meanwhile" in fail("cluster", folder, "-k", 3, "--out", out)
    assert table.read_text() == "mine"
    assert len(list((tmp_path / "rescue").glob("*/*.csv"))) == 1


@pytest.mark.parametrize("name", results.FILES)
def test_files_of_the_user_are_never_overwritten(fail, clusterer, folder, name):
    shutil.copy(folder / "0.png", folder / name)
    if not name.endswith(".png"):
        (folder / name).write_text("name,age\nAda,36\n")
    before = snapshot(folder)
    argv = ("cluster", folder, "-k", 2, "--out", folder)
    assert "already" in fail(*argv)
    assert "was not written by this command" in fail(*argv, "--force")
    assert clusterer.made is None
    assert snapshot(folder) == before


def test_a_link_is_not_written_through(fail, folder, out, table, tmp_path):
    out.mkdir()
    table.symlink_to(tmp_path / "elsewhere.csv")
    assert "already" in fail("cluster", folder, "-k", 2, "--out", out)
    assert not (tmp_path / "elsewhere.csv").exists()


def test_results_are_replaced_when_forced_only(fail, run, folder, out, table):
    run("cluster", folder, "-k", 2, "--out", out)
    before = snapshot(out)
    assert "--force" in fail("cluster", folder, "-k", 3, "--out", out)
    assert snapshot(out) == before
    run("cluster", folder, "-k", 3, "--out", out, "--force")
    assert snapshot(out)[table] != before[table]


def test_own_output_is_not_read_the_next_time(run, clusterer, capsys, folder):
    for name in ("first", "second"):
        run("cluster", folder, "-k", 2, "--out", folder / name)
        assert len(clusterer.made.fitted) == 6
    said = capsys.readouterr().err
    assert "drawn by deepcluster_sk itself: first/clusters.png" in said


def test_names_that_a_spreadsheet_would_compute(run, folder, out, table):
    names = ["=1+1.png", "+1.png", "-1.png", "@SUM(1).png", "a;=1+1.png", " =1.png"]
    names += ["\uff1d1.png", 'b"=1.png', "plain.png", "-dir/c.png"]
    (folder / "-dir").mkdir()
    for name in names:
        shutil.copy(folder / "0.png", folder / name)
    run("cluster", folder, "-k", 2, "--out", out)
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
    out = tmp_path / os.fsdecode(b"r\xe9sum\xe9")
    run("cluster", folder, "-k", 2, "--out", out)
    assert "caf\\xe9.png" in {row[0] for row in read_table(out / "clusters.csv")}
    assert "bad\\xe9.png" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_a_terminal_obeys_no_name(run, fail, folder, tmp_path, capsys):
    (folder / "a\x1b[31mred.txt").write_text("")
    (folder / "b.\x1b[2Jnone").write_text("")
    (folder / "c\n\x9bcaf\xe9.png").write_bytes(b"")
    run("cluster", folder, "-k", 2, "--out", tmp_path / "results")
    said = capsys.readouterr().err
    assert said.replace("\n", "").isprintable()
    assert "a\\x1b[31mred.txt" in said
    assert "ending (.\\x1b[2jnone)" in said
    assert "c\\n\\x9bcaf\xe9.png" in said
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "b.\x1b[2Jnone").write_text("")
    argv = ("cluster", tmp_path / "none", "-k", 2, "--out", tmp_path / "again")
    assert "ending (.\\x1b[2jnone)" in fail(*argv)


def test_cells():
    assert output_module.cell(Path("a/b.png")) == "a/b.png"
    assert output_module.cell(Path("\t=1.png")) == "./\t=1.png"
    assert output_module.cell(Path("a/=1.png")) == "a/=1.png"
