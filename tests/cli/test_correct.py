"""Clusters of a folder of results, corrected by hand."""

import re
import subprocess
import sys

import numpy as np
import pytest

from deepcluster_sk import load
from deepcluster_sk.cli import results
from deepcluster_sk.cli.known import KnownClusters
from tests.cli.tables import read_table, snapshot

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def new(tmp_path):
    return tmp_path / "new"


def clusters_in(out):
    """Cluster of each picture, by its name."""
    rows = read_table(out / results.TABLE)[1:]
    return {row[0]: int(row[1]) for row in rows}


def write_labels(path, *rows):
    path.write_text("\n".join(["file,cluster", *rows]))
    return path


def test_merged_and_written_to_another_folder(run, clustered, new, capsys):
    _, out = clustered
    before = snapshot(out)
    run("correct", out, "--merge", 0, 2, "--out", new, "--quiet")
    assert snapshot(out) == before
    assert sorted(path.name for path in new.iterdir()) == sorted(results.FILES)
    assert str(new / results.REPORT) in capsys.readouterr().out
    model = load(new / results.MODEL)
    assert model.n_clusters_ == 2
    assert model.has_references  # as it had
    old, merged = clusters_in(out), clusters_in(new)
    assert list(merged.values()) == model.labels_.tolist()
    same = [merged[name] == (old[name] == 1) for name in old]
    assert np.mean(same) > 0.9


def test_split_in_place_if_that_is_said(run, fail, copied):
    folder, out = copied
    before = snapshot(out)
    argv = ("correct", out, "--split", 1, "--into", 3)
    assert "pass --force if that is meant, or name another" in fail(*argv)
    assert snapshot(out) == before
    run(*argv, "--force")
    model = load(out / results.MODEL)
    assert model.n_clusters_ == 5
    assert set(clusters_in(out).values()) <= set(range(5))
    # It goes on from there.
    run("correct", out, "--merge", 1, 3, 4, "--force")
    assert load(out / results.MODEL).n_clusters_ == 3
    run("assign", out, folder)
    assert read_table(out / "assigned.csv") == read_table(out / results.TABLE)


def test_names_come_first_and_follow_their_clusters(run, copied, new):
    _, out = copied
    argv = ("--rename", 2, "far", "--rename", 0, "near", "--rename", 1, "gone")
    run("correct", out, *argv, "--force")
    assert load(out / results.MODEL).cluster_names_ == ["near", "gone", "far"]
    assert read_table(out / results.TABLE)[0][-1] == "name"
    assert '"near"' in (out / results.REPORT).read_text("utf-8")
    run("correct", out, "--rename", 1, "", "--merge", 0, 1, "--out", new)
    assert load(new / results.MODEL).cluster_names_ == ["near", "far"]


def test_renaming_trains_nothing(run, copied):
    _, out = copied
    before = load(out / results.MODEL)
    run("correct", out, "--rename", 1, "light", "--force")
    after = load(out / results.MODEL)
    assert np.array_equal(after.cluster_centers_, before.cluster_centers_)
    assert after.has_references


def test_told_by_a_table_and_found_by_a_shell(copied, new, tmp_path):
    """From end to end: in a process of its own."""
    _, out = copied
    old = clusters_in(out)
    names = list(old)
    moved = [name for name in names if old[name] == 0][:3]
    kept = [name for name in names if old[name] != 0][:6]
    rows = [f"{name},2" for name in moved] + [f"{name},{old[name]}" for name in kept]
    rows.append(f"{names[-1]},-1")
    labels = write_labels(tmp_path / "labels.csv", *rows)

    def command(*argv):
        return subprocess.run(
            [sys.executable, "-m", "deepcluster_sk", "correct", *map(str, argv)],
            capture_output=True,
            text=True,
            check=False,
        )

    done = command(out, "--labels", labels, "--out", new)
    assert done.returncode == 0, done.stderr
    found, model = clusters_in(new), load(new / results.MODEL)
    start = dict(zip(names, model.initial_labels_.tolist(), strict=True))
    assert [start[name] for name in moved] == [2, 2, 2]
    assert [start[name] for name in kept] == [old[name] for name in kept]
    # Two epochs do not bring them all there.
    n = sum(found[n] == 2 for n in moved) + sum(found[n] == old[n] for n in kept)
    assert f"Of 9 pictures told, {n} are in the cluster you say." in done.stdout
    # A model that is read again fits as it always did.
    assert model.warm_start is False
    done = command(out, "--merge", 1, "--out", tmp_path / "no")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith("error: --merge needs two different clusters, or more.")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "pass --merge, --split, --rename or --labels"),
        (["--merge", 1], "two different clusters"),
        (["--merge", 1, 1], "two different clusters"),
        (["--merge", 1, "two"], "whole number"),
        (["--merge", 0, 1, "--merge", 1, 2], "once a run"),
        (["--merge", 0, 1, "--split", 2], "not allowed with argument --merge"),
        (["--split", -1], "at least 0"),
        (["--split", 1, "--into", 1], "at least 2"),
        (["--split", 3], "There is no cluster 3"),
        (["--merge", 1, 7], "There is no cluster 7"),
        (["--split", 1, "--into", 99], "too few to split"),
        (["--into", 2, "--merge", 0, 1], "--into goes with --split"),
        (["--rename", "cats", 1], "a cluster's number comes first"),
        (["--rename", 3, "cats"], "There is no cluster 3"),
        (["--rename", 0, "a", "--rename", "00", "b"], "--rename 0 comes twice"),
        (["--labels", "no/such.csv"], "'no/such.csv' cannot be read: No such file"),
    ],
)
def test_what_makes_no_sense_changes_nothing(fail, clustered, new, argv, message):
    _, out = clustered
    before = snapshot(out)
    assert message in fail("correct", out, *argv, "--out", new)
    assert snapshot(out) == before
    assert not new.exists()


def test_pictures_that_are_somewhere_else_now(run, fail, copied, new, tmp_path):
    folder, out = copied
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in folder.iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    reading = out / results.READING
    reading.write_text(reading.read_text().replace(str(folder), "/no/such/place"))
    argv = ("correct", out, "--rename", 0, "light", "--out", new)
    for command in (argv, ("report", out, "--force"), ("embed", out)):
        error = fail(*command)
        assert "no folder or zip file '/no/such/place', where the pictures" in error
        assert "name the new place behind RESULTS" in error
    run(*argv[:2], moved, *argv[2:])
    assert str(moved) in (new / results.READING).read_text()
    run("report", new, "--force")  # knows where they are now


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with the names of its columns"),
        ("a.png,1\n", "it begins with 'a.png, 1'"),
        ("file,cluster\n", "tells the cluster of no picture"),
        ("file,cluster\na.png,-1\nb.png,\n", "tells the cluster of no picture"),
        ("file,cluster\na.png\n", "line 2 has too few cells"),
        ("file,cluster\na.png,1\n\nb.png,cats\n", "line 4: 'cats' is no number"),
        ("file,cluster\na.png,1.5\n", "line 2: '1.5' is no number"),
        ("path,cluster\na.png,1\n./a.png,2\n", "line 3: 'a.png' is in cluster 2, but"),
        ('file,cluster\n"a.png,1\n', "is no CSV table"),
        ("file,cluster\na.png,1\nx.png,0\n", "line 3: there is no picture 'x.png'"),
        ("file,cluster\nb.png,9\n", "line 2: there is no cluster 9; they are 0 to 2"),
    ],
)
def test_tables_that_cannot_be_meant(tmp_path, text, message):
    table = tmp_path / "labels.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        KnownClusters.read(table).labels(["a.png", "b.png"], 3)
    assert str(table) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "file,cluster\nb.png,2\n./=1.png,0\n",
        "\ufeffFile;Cluster\r\nb.png;2\r\n=1.png;0\r\n",
        "cluster\tpath\n2\tb.png\n-1\ta.png\n0\t./=1.png\n",
        '"path","cluster","probability"\n"b.png",2,0.9\n"./=1.png",0,0.8\n"b.png",2,1\n',
    ],
)
def test_tables_of_spreadsheets_and_our_own(tmp_path, text):
    table = tmp_path / "labels.csv"
    table.write_bytes(text.encode())
    known = KnownClusters.read(table)
    assert known.labels(["a.png", "./=1.png", "b.png"], 3).tolist() == [-1, 0, 2]


def test_a_table_that_is_no_text(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_bytes(b"file,cluster\n\xff\xfe,1\n")
    with pytest.raises(ValueError, match="is no CSV table"):
        KnownClusters.read(table)
