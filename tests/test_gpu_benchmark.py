"""The command that measures a GPU, without one."""

import io
import signal
import sys
import time
import xml.etree.ElementTree as ET
from argparse import Namespace
from importlib import import_module

import numpy as np
import pytest
import torch

from benchmarks import pages, provenance, tables
from benchmarks.gpu import networks, prepare
from benchmarks.gpu import run as module
from benchmarks.gpu.run import STEPS, Bench, Step, ending_after, run
from benchmarks.gpu.tests import outcomes
from benchmarks.rows import ABOUT, read

CPU = torch.device("cpu")


@pytest.fixture
def options(tmp_path):
    return Namespace(
        device="cpu", quick=True, minutes=5.0, folder=tmp_path, only=None, output=None
    )


def rows_of(options):
    return read(options.folder / "quick.csv")


def test_a_small_part_of_it_on_a_cpu(options, monkeypatch):
    monkeypatch.setattr(networks, "BATCH", 4)
    options.only = ["overhead", "graphs", "memory"]
    run(options)
    rows = rows_of(options)
    assert [row["step"] for row in rows] == [
        *("overhead", "overhead", "graphs", "memory", "memory"),
    ]
    for row in rows:
        assert row["device"] == row["device_name"] == "cpu"
        assert all(row[name] for name in (*ABOUT, "precision"))
        assert (row["note"] == "needs CUDA") == (row["step"] == "graphs")
    epoch, busy = rows[:2]
    assert float(epoch["value"]) > 0
    assert float(epoch["ratio"]) > 0
    assert float(busy["value"]) > 0


# Short fits leave clusters empty.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_whole_fits_have_all_that_is_told_of_them(options):
    bench = Bench("cpu", True, 5, options.folder)
    X, y = bench.load("mnist")  # digits
    bench.load = lambda name: (X[:60], y[:60])
    from benchmarks.gpu.fits import measure

    (row,) = measure("mnist", bench, max_epochs=1, pretraining=None, tol=1.0)
    assert set(row) <= set(module.COLUMNS)
    assert row["n"] == 60
    assert 0 < row["start_acc"] <= 1
    assert 0 < row["acc"] <= 1
    assert 0 < row["training_seconds"] < row["seconds"]
    assert row["peak_mib"] > 0


def test_rows_are_there_at_once_and_a_step_that_fails_ends_nothing(options):
    def breaks(bench):
        yield {"what": "first", "value": 1 / 3}
        assert [row["what"] for row in rows_of(options)] == ["first"]
        raise OSError("no such thing")

    def works(bench):
        yield {"what": "second"}

    run(options, [Step("a", breaks, 1), Step("b", works, 1)])
    rows = rows_of(options)
    assert [(row["step"], row["what"]) for row in rows] == [
        *(("a", "first"), ("a", "failed"), ("b", "second")),
    ]
    assert rows[0]["value"] == "0.33333"
    assert rows[1]["note"] == "OSError: no such thing"


def test_what_no_longer_fits_is_left_out_and_what_takes_too_long_is_ended(options):
    options.minutes = 0.02

    def endless(bench):
        while True:
            time.sleep(0.01)
        yield

    def never(bench):
        raise AssertionError

    run(options, [Step("a", endless, 1), Step("b", never, 1)])
    assert [row["note"] for row in rows_of(options)] == [
        "TimeoutError: the time was over"
    ]


def test_an_alarm_is_off_where_all_went_well():
    before = signal.getsignal(signal.SIGALRM)
    with ending_after(100.0):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_a_step_takes_the_place_of_its_old_rows(options, tmp_path, monkeypatch):
    # Rows that are committed are no part of it.
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    options.quick, options.output = False, tmp_path / "gpu.csv"

    def gives(*names):
        return lambda bench: ({"what": name} for name in names)

    run(options, [Step("a", gives("old", "older"), 1), Step("b", gives("kept"), 1)])
    run(options, [Step("a", gives("new"), 1)])
    rows = read(options.output)
    assert [(row["step"], row["what"]) for row in rows] == [("b", "kept"), ("a", "new")]


def test_steps_that_there_are_not_are_named(options):
    options.only = ["digits", "letters"]
    with pytest.raises(SystemExit, match="no step letters"):
        run(options)


def test_the_tests_come_first_and_every_step_has_its_time():
    names = [step.name for step in STEPS]
    assert names[:2] == ["tests", "overhead"]
    assert len(set(names)) == len(names)
    # All but the last few fit into ten minutes, one set of photographs among them.
    assert names[6] == "imagenette32"
    assert sum(step.seconds for step in STEPS[:7]) <= 600


def test_outcomes_of_tests():
    report = io.StringIO(
        """<testsuites><testsuite>
        <testcase classname="tests.a" name="one" time="1.5"/>
        <testcase classname="tests.a" name="two" time="0.5">
        <failure message="assert 1 == 2">long</failure></testcase>
        <testcase classname="tests.a" name="three" time="0">
        <skipped message="needs a CUDA device"/></testcase>
        </testsuite></testsuites>"""
    )
    passed, *others = outcomes(ET.parse(report))
    assert passed == {"what": "passed", "value": 1, "unit": "tests", "seconds": 2.0}
    assert others == [
        {"what": "tests.a::two", "note": "failure: assert 1 == 2"},
        {"what": "tests.a::three", "note": "skipped: needs a CUDA device"},
    ]


def test_what_travels_is_all_there_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "PART", 3000)
    data, folder = tmp_path / "data", tmp_path / "gpu"
    data.mkdir()
    rng = np.random.default_rng(0)
    names = ("usps", "mnist", "cifar10_train_1of2", "cifar10_train_2of2", "other")
    for name in names:
        X = rng.integers(0, 256, (20, 8, 8), np.uint8)
        np.savez(data / f"{name}.npz", X=X, y=np.arange(20) % 10)
    prepare.prepare(folder, data)
    parts = sorted(path.name for path in folder.glob("[0-9]"))
    assert len(parts) > 1
    assert "other.npz" not in {path.name for path in folder.rglob("*.npz")}
    X, y = Bench("cpu", False, 1, folder).load("mnist")
    assert X.shape == (20, 8, 8)
    assert y.max() == 9
    with pytest.raises(FileNotFoundError, match="no data of fashion_mnist"):
        Bench("cpu", False, 1, folder).load("fashion_mnist")
    assert provenance.digest_of_code() in (folder / "commit").read_text()
    assert (folder / "site" / "skorch" / "net.py").exists()
    assert not list(folder.rglob("*.pyc"))


def test_a_package_that_is_not_python_alone_is_not_copied(tmp_path):
    with pytest.raises(ValueError, match="not in Python alone"):
        prepare.copy_package("numpy", tmp_path)


def test_a_folder_is_prepared_again(tmp_path, monkeypatch):
    """What lies in it is not taken for what is installed."""
    command = import_module("benchmarks.gpu.__main__")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "")
    folder = str(tmp_path)
    monkeypatch.setattr("sys.argv", ["gpu", "--folder", folder, "--prepare", folder])
    for _ in range(2):
        (tmp_path / "commit").unlink(missing_ok=True)
        command.main()
        assert (tmp_path / "commit").exists()
        assert (tmp_path / "site" / "skorch" / "net.py").exists()


def test_what_was_brought_is_imported_before_what_is_installed(tmp_path, monkeypatch):
    command = import_module("benchmarks.gpu.__main__")
    seen = []
    monkeypatch.setattr(module, "run", lambda options: seen.append(list(sys.path)))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "before")
    monkeypatch.setattr("sys.argv", ["gpu", "--folder", str(tmp_path), "--quick"])
    command.main()
    assert seen[0][0] == str(tmp_path / "site")


def test_the_page_of_a_gpu(options, tmp_path, monkeypatch):
    for place in (tables, pages):
        monkeypatch.setattr(place, "RESULTS", tmp_path)
    assert "Not measured yet" in pages.page("gpu")
    options.quick, options.output = False, tmp_path / "gpu.csv"
    run(options, [Step("a", lambda bench: [{"what": "seen"}], 1)])
    assert "seen" in pages.page("gpu")
