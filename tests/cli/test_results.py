"""What can be done with the results of an earlier clustering."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from deepcluster_sk import clustering_accuracy_score, load
from deepcluster_sk.cli import main, results
from deepcluster_sk.cli.output import CLUSTERS
from deepcluster_sk.datasets import load_pictures
from tests.cli.tables import read_table


@pytest.fixture
def few(clustered, tmp_path):
    """A folder of three of the pictures."""
    folder, few = clustered[0], tmp_path / "few"
    few.mkdir()
    for number in range(3):
        shutil.copy(folder / f"{number:02}.png", few)
    return few


def test_all_results_tell_of_the_same_model(clustered):
    folder, out = clustered
    pictures = load_pictures(folder)
    model = load(out / results.MODEL)
    header, *rows = read_table(out / results.TABLE)
    assert header == list(CLUSTERS)
    assert [row[0] for row in rows] == [path.name for path in pictures.paths]
    assert [int(row[1]) for row in rows] == model.predict(pictures.X).tolist()
    wanted = (
        model.predict_proba(pictures.X).max(axis=1),
        model.calibrated_proba(pictures.X).max(axis=1),
        model.confidence(pictures.X),
    )
    for column, values in enumerate(wanted, 2):
        found = [float(row[column]) for row in rows]
        np.testing.assert_allclose(found, values, atol=6e-5)
    assert "Clusters of pictures" in (out / results.REPORT).read_text("utf-8")
    reading = json.loads((out / results.READING).read_text())["reading"]
    assert reading["side"] == 8
    assert reading["is_colour"] is False


def test_the_pictures_of_the_fit_are_assigned_as_they_were(run, copied):
    folder, out = copied
    run("assign", out, folder)
    assert read_table(out / "assigned.csv") == read_table(out / results.TABLE)


def test_the_same_from_a_zip_file(run, fail, copied, tmp_path):
    folder, out = copied
    zipped = shutil.make_archive(str(tmp_path / "pictures"), "zip", folder)
    for command, name in (("assign", "a.csv"), ("embed", "b.csv")):
        tables = tmp_path / name, tmp_path / f"zip_{name}"
        for source, table in zip((folder, zipped), tables, strict=True):
            run(command, out, source, "--out", table)
        assert read_table(tables[0]) == read_table(tables[1])
    assert "no folder or zip file" in fail("embed", out, tmp_path / "c.zip", "--force")


def test_other_sizes_and_colours_are_read_as_those_of_the_fit(run, copied, tmp_path):
    folder, out = copied
    other = tmp_path / "other"
    other.mkdir()
    with Image.open(folder / "00.png") as picture:
        large = picture.resize((64, 64), Image.Resampling.BOX)
    tinted = np.asarray(large.convert("RGB")).copy()
    tinted[..., 2] //= 2  # blue: a ninth of the brightness
    Image.fromarray(tinted).save(other / "large.png")
    (other / "notes.txt").write_text("")
    table = tmp_path / "mine.csv"
    run("assign", out, other, "--out", table)
    rows = read_table(table)
    assert [row[0] for row in rows] == ["path", "large.png"]
    assert rows[1][1] == read_table(out / results.TABLE)[1][1]


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["assign"], "assigned.csv"),
        (["embed"], "features.csv"),
        (["report"], "page.html"),
    ],
)
def test_nothing_is_replaced_unless_forced(run, fail, copied, argv, name):
    folder, out = copied
    argv = [*argv, out, folder, "--out", out / name]
    run(*argv)
    first = (out / name).read_bytes()
    assert "--force" in fail(*argv)
    run(*argv, "--force")
    assert (out / name).read_bytes() == first
    (out / name).write_text("mine")
    assert "was not written by this command" in fail(*argv, "--force")
    assert (out / name).read_text() == "mine"


def test_report_again(run, fail, copied):
    _, out = copied
    before = (out / results.REPORT).read_bytes()
    assert "--force" in fail("report", out)
    run("report", out, "--force")
    assert (out / results.REPORT).read_bytes() == before


def test_reports_show_larger_files_larger(run, copied, tmp_path):
    folder, out = copied
    large = tmp_path / "large"
    large.mkdir()
    for path in folder.iterdir():
        with Image.open(path) as picture:
            picture.resize((40, 60)).save(large / path.name)
    zipped = shutil.make_archive(str(large), "zip", large)
    for source, side in ((folder, 8), (large, 40), (zipped, 40)):
        page = tmp_path / f"page{side}.html"
        run("report", out, source, "--out", page, "--force")
        assert f'"side":{side},' in page.read_text("utf-8")


def test_embed(run, copied):
    folder, out = copied
    run("embed", out)
    header, *rows = read_table(out / "features.csv")
    assert header == ["path", "z0", "z1", "z2", "z3"]
    latent = load(out / results.MODEL).transform(load_pictures(folder).X)
    found = np.array([[float(value) for value in row[1:]] for row in rows])
    np.testing.assert_allclose(found, latent, rtol=1e-5)


def test_info(run, clustered, capsys):
    folder, out = clustered
    run("info", out)
    told = capsys.readouterr().out
    assert str(folder) in told
    assert "grey, 8x8 pixels, 8 bits a channel" in told
    assert "DeepTripletClusterer" in told
    assert "outliers:              can be told" in told


@pytest.mark.parametrize("command", ["report", "embed", "info"])
def test_what_is_no_folder_of_results(fail, copied, tmp_path, command):
    _, out = copied
    force = [] if command == "info" else ["--force"]
    (out / results.READING).write_text("{}")
    assert "does not tell how pictures were read" in fail(command, out, *force)
    (out / results.MODEL).unlink()
    assert "holds no 'model.safetensors'" in fail(command, out, *force)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("folder", 3),
        ("side", "8"),
        ("side", -8),
        ("is_colour", "no"),
        ("dtype", "float64"),
        ("dtype", ["uint8"]),
        ("white", "255"),
        ("white", 0),
        ("background", [0, 0]),
        ("background", "white"),
        ("background", [0, 0, 256]),
        ("background", 255),
        ("another", 1),
    ],
)
def test_readings_that_are_damaged(fail, copied, field, value):
    _, out = copied
    found = json.loads((out / results.READING).read_text())
    found["reading"][field] = value
    (out / results.READING).write_text(json.dumps(found))
    for command in ("info", "embed"):
        assert "how pictures were read, or is damaged" in fail(command, out)
    (out / results.READING).write_text("[]")
    assert "how pictures were read, or is damaged" in fail("info", out)


@pytest.mark.parametrize("between", [["--force"], ["--force", "--"]])
def test_the_folder_may_come_behind_options(run, fail, copied, few, tmp_path, between):
    _, out = copied
    run("embed", out, *between, few)
    assert len(read_table(out / "features.csv")) == 4
    run("report", out, *between, few)
    assert "Clusters of few" in (out / results.REPORT).read_text("utf-8")
    for argv, message in (
        (("embed", out, *between, few, few), f"arguments: {few} {few}"),
        (("embed", out, few, "--force", few), f"arguments: {few}"),
        (("embed", out, "--forced"), "arguments: --forced"),
        (("embed", out, *between, ""), "the name is empty"),
        (("embed", out, *between, tmp_path / "no"), "no folder or zip file"),
        (("info", out, "--debug", few), f"arguments: {few}"),
    ):
        assert message in fail(*argv).replace("arguments: -- ", "arguments: ")


def test_a_pipe_that_nobody_reads_any_more(clustered):
    _, out = clustered
    code = (
        "import os, sys\n"
        "from deepcluster_sk.cli import main\n"
        "read, write = os.pipe()\n"
        "os.dup2(write, 1)\n"
        "os.close(read)\n"
        f"main(['info', {str(out)!r}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 141


def test_few_new_pictures_are_calibrated_by_those_of_the_fit(run, fail, copied, few):
    _, out = copied
    run("assign", out, few)
    rows = read_table(out / "assigned.csv")[1:]
    wanted = read_table(out / results.TABLE)[1:4]
    # Confidence alone needs the others.
    assert [row[:4] for row in rows] == [row[:4] for row in wanted]
    assert all(row[3] for row in rows)
    # Results of before do not know it, and three pictures do not tell.
    described = json.loads((out / results.READING).read_text())
    assert described.pop("temperature") > 0
    (out / results.READING).write_text(json.dumps(described))
    run("assign", out, few, "--force")
    (out / results.READING).write_text(json.dumps({**described, "temperature": "hot"}))
    assert "its temperature is 'hot'" in fail("info", out)
    assert [row[3] for row in read_table(out / "assigned.csv")[1:]] == [""] * 3


@pytest.mark.slow
def test_the_digits_from_files_to_files(tmp_path):
    digits = load_digits()
    folder, new = tmp_path / "digits", tmp_path / "new"
    for number, (image, digit) in enumerate(
        zip(digits.images, digits.target, strict=True)
    ):
        pixels = np.rint(image * 255 / 16).astype(np.uint8)
        for root in (folder, new)[: 2 if number < 500 else 1]:
            path = root / str(digit) / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)

    def command(*argv):
        done = subprocess.run(
            [sys.executable, "-m", "deepcluster_sk", *map(str, argv)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    out = tmp_path / "out"
    command("cluster", folder, "-k", 10, "--out", out, "--references")
    rows = read_table(out / results.TABLE)[1:]
    truth = [int(path.split("/")[0]) for path, *_ in rows]
    found = [int(row[1]) for row in rows]
    assert clustering_accuracy_score(truth, found) >= 0.98
    assert (out / results.REPORT).stat().st_size < 500_000
    command("assign", out, new)
    wanted = {path: cluster for path, cluster, *_ in rows}
    assigned = read_table(out / "assigned.csv")[1:]
    assert len(assigned) == 500
    assert all(wanted[path] == cluster for path, cluster, *_ in assigned)
    command("assign", out, new, "--outliers", "--force")
    marked = [row[1] for row in read_table(out / "assigned.csv")[1:]]
    assert marked.count("-1") < 50
    # Three of each digit, told by the numbers that the clusters have.
    labels, better = tmp_path / "labels.csv", tmp_path / "better"
    told = [row for digit in "0123456789" for row in rows if row[0][0] == digit]
    told = [row for place, row in enumerate(told) if place % 180 < 3]
    labels.write_text(
        "".join(f"{a},{b}\n" for a, b, *_ in [("file", "cluster"), *told])
    )
    command("correct", out, "--labels", labels, "--out", better)
    again = [int(row[1]) for row in read_table(better / results.TABLE)[1:]]
    assert clustering_accuracy_score(truth, again) >= 0.98


def test_names_of_clusters_reach_the_table(copied):
    folder, out = copied
    model = load(out / "model.safetensors")
    model.rename({0: "light", 2: "=2+3"}).save(out / "model.safetensors")
    main(["assign", str(out), str(folder)])
    header, *rows = read_table(out / "assigned.csv")
    assert header == [*CLUSTERS, "name"]
    names = {"0": "light", "1": "", "2": "'=2+3"}
    assert len(rows) == 36
    assert all(row[5] == names[row[1]] for row in rows)


def test_pictures_like_none_fitted_on_are_in_no_cluster(run, copied, capsys, tmp_path):
    folder, out = copied
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    noise = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(noise).save(other / "noise.png")
    run("assign", out, other)
    assert "Outliers" not in capsys.readouterr().out
    known = read_table(out / "assigned.csv")
    run("assign", out, other, "--outliers", "--out", tmp_path / "marked.csv")
    X = load_pictures(other).X
    wanted = load(out / results.MODEL).predict(X, outliers=True)
    rows = read_table(tmp_path / "marked.csv")[1:]
    assert [int(row[1]) for row in rows] == wanted.tolist()
    assert dict(zip((row[0] for row in rows), wanted, strict=True))["noise.png"] == -1
    n = int((wanted == -1).sum())
    assert n < 10
    assert f"Outliers, in cluster -1: {n}\n" in capsys.readouterr().out
    # All else that is said of a picture stays.
    for before, after in zip(known[1:], rows, strict=True):
        assert before[:1] + before[2:] == after[:1] + after[2:]
    named = load(out / results.MODEL).rename({0: "light"})
    named.save(out / results.MODEL, references=True)
    run("assign", out, other, "--outliers", "--out", tmp_path / "named.csv")
    rows = read_table(tmp_path / "named.csv")[1:]
    assert {row[-1] for row in rows if row[1] == "-1"} == {"outlier"}


def test_outliers_are_not_told_by_a_model_that_keeps_no_pictures(
    run, fail, copied, capsys
):
    folder, out = copied
    load(out / results.MODEL).save(out / results.MODEL)
    run("info", out)
    assert "outliers:              cannot be told" in capsys.readouterr().out
    error = fail("assign", out, folder, "--outliers")
    assert error.endswith("cluster again with --references, which keeps it.\n")
    assert not (out / "assigned.csv").exists()
