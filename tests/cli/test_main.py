import runpy
import subprocess
import sys
from contextlib import contextmanager

import pytest

import deepcluster_sk
from deepcluster_sk.cli import cluster

pytestmark = pytest.mark.usefixtures("clusterer")

HEAVY = {"matplotlib", "numpy", "PIL", "scipy", "sklearn", "skorch", "torch"}


def process(code):
    """Run Python code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["cluster", "--help"], 0),
        (["demo", "--help"], 0),
        ([], 2),
        (["nonsense"], 2),
        (["cluster", "folder"], 2),
        (["cluster", "folder", "-k", "1"], 2),
        (["cluster", "folder", "-k", "2", "--size", "99999999"], 2),
        (["cluster", "", "-k", "2"], 2),
        (["demo", "--device", "gpu"], 2),
        (["demo", "--seed", "-1"], 2),
        # Found before the device is looked for.
        (["cluster", "tests", "-k", "2", "--out", "pyproject.toml/a"], 2),
        (["cluster", "no/such/folder", "-k", "2"], 2),
        (["cluster", "folder", "-k", "2", "--method", "dec", "--kind", "drawing"], 2),
        (["cluster", "folder", "-k", "2", "--features-set", "size=8"], 2),
        (["cluster", "tests", "-k", "2", "--features", "x", "--features-set", "y"], 2),
        (["assign", "no/such/folder", "folder"], 2),
        (["correct", "--help"], 0),
        (["correct", "tests", "--merge", "1", "2"], 2),
        (["correct", "tests", "--labels", "no/such.csv", "--out", "results"], 2),
        (["report", "no/such/folder"], 2),
        (["embed", "no/such/folder"], 2),
        (["info", "no/such/folder"], 2),
    ],
)
def test_help_and_errors_of_usage_import_nothing_heavy(argv, status):
    done = process(
        "import sys\n"
        "from deepcluster_sk.cli import main\n"
        f"try: main({argv!r})\n"
        "except SystemExit as stop: print(stop.code, *sys.modules, file=sys.stderr)"
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    assert int(code) == status
    assert not HEAVY.intersection(modules)


def test_run_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["deepcluster_sk", "--help"])
    monkeypatch.delitem(sys.modules, "deepcluster_sk.__main__", raising=False)
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
    assert "python -m deepcluster_sk" in done.stdout


def test_version(run, capsys):
    with pytest.raises(SystemExit) as stop:
        run("--version")
    assert stop.value.code == 0
    assert deepcluster_sk.__version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "COMMAND"),
        (["nonsense"], "invalid choice"),
        (["cluster", "folder"], "--n-clusters"),
        (["cluster", "", "-k", 2], "name is empty"),
        (["cluster", "folder", "-k", 2, "--out", ""], "name is empty"),
        (["cluster", "folder", "-k", 2, "--method", "magic"], "invalid choice"),
        (
            ["cluster", "folder", "-k", 2, "--method", "dec", "--kind", "drawing"],
            "--kind drawing goes with --method triplet",
        ),
        (["assign", "no/such/folder", "folder"], "There is no folder"),
        (["assign", "tests", "folder", "--out", "a.txt"], "must end in .csv"),
        (["info", "no/such/folder"], "There is no folder"),
        (["cluster", "folder", "-k", 1], "at least 2"),
        (["cluster", "folder", "-k", "two"], "at least 2"),
        (["cluster", "folder", "-k", 2, "--size", 4], "at least 8 and at most 4096"),
        (["cluster", "folder", "-k", 2, "--size", 99999999], "at most 4096"),
        (["cluster", "folder", "-k", 2, "--background", "nocolour"], "no opaque"),
        (["cluster", "folder", "-k", 2, "--background", "256"], "no opaque"),
        (["demo", "--out", ""], "name is empty"),
        (["demo", "--seed", -1], "whole number, at least 0"),
        (["demo", "--device", "gpu"], "not a device"),
        (["demo", "--device", "cuda:99"], "not on this machine"),
    ],
)
def test_wrong_usage(fail, argv, message):
    assert message in fail(*argv)


def test_debug_shows_the_error_itself(run, tmp_path):
    output = tmp_path / "results"
    with pytest.raises(NotADirectoryError):
        run("cluster", tmp_path / "no", "-k", 2, "--out", output, "--debug")


def test_ctrl_c_ends_in_the_status_that_shells_know(run, monkeypatch, capsys, tmp_path):
    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cluster, "run", interrupt)
    with pytest.raises(SystemExit) as stop:
        run("cluster", tmp_path, "-k", 2)
    assert stop.value.code == 130
    assert "interrupted" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        run("cluster", tmp_path, "-k", 2, "--debug")


def test_commands_keep_the_memory_that_training_frees(run, monkeypatch, tmp_path):
    done = []

    @contextmanager
    def kept():
        done.append("kept")
        yield
        done.append("returned")

    monkeypatch.setattr("deepcluster_sk.cli.keeping_freed_memory", kept)
    monkeypatch.setattr(cluster, "run", lambda arguments: done.append("run"))
    run("cluster", tmp_path, "-k", 2)
    assert done == ["kept", "run", "returned"]


def test_errors_take_one_line(fail, monkeypatch, tmp_path):
    def wrong(arguments):
        raise ValueError("first line\nsecond line")

    monkeypatch.setattr(cluster, "run", wrong)
    assert fail("cluster", tmp_path, "-k", 2).endswith("first line second line\n")
