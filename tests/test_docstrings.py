"""The examples in docstrings and in the README do what they say."""

import doctest
import importlib
import pkgutil
import re
from functools import partial
from pathlib import Path

import pytest
from matplotlib import pyplot as plt

import deepcluster_sk

ROOT = Path(__file__).parents[1]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(deepcluster_sk.__path__, "deepcluster_sk.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", ["deepcluster_sk", *MODULES])
def test_examples_in_docstrings(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert not failed


# Two epochs are too few to settle: enough to see that the lines run.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_readme_code(monkeypatch):
    quick = partial(
        deepcluster_sk.DeepTripletClusterer,
        pretraining=deepcluster_sk.Reconstruction(1),
        max_epochs=1,
        init="kmeans",
    )
    monkeypatch.setattr(deepcluster_sk, "DeepTripletClusterer", quick)
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    names = {}
    exec(code, names)
    plt.close("all")
    assert len(names["labels"]) == len(names["features"]) == len(names["X"])


def test_readme_has_one_command_for_the_demo_and_one_for_the_tests():
    lines = (ROOT / "README.md").read_text().splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv ")]
    assert len(commands) == 2
    assert commands[0].endswith("-m deepcluster_sk demo")
    assert "-m pytest" in commands[1]
