"""Files that say the same thing twice say it alike."""

import re
import tomllib
from pathlib import Path

import pytest

import deepcluster_sk
from tests.test_structure import ROOMS

ROOT = Path(__file__).parents[1]
TOML = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TOML)["project"]
#: "name>=1.2": the name and its lowest version.
RANGE = re.compile(r"([A-Za-z0-9-]+)>=([\d.]+)$")

#: Pinned beside the lowest versions, which use them.
COMPANIONS = {"pyparsing"}


def ranges(*extras):
    """The lowest version of every requirement, by name."""
    wanted = list(PROJECT["dependencies"])
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    own = PROJECT["name"]
    return dict(
        RANGE.match(line).groups()
        for line in wanted
        if not line.startswith(f"{own}[") and "==" not in line
    )


def pins(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and line[0] != "#")


def numbers(version):
    return [int(part) for part in version.split(".")]


def same(version, other):
    """Whether 1.2 and 1.2.0 are meant."""
    a, b = numbers(version), numbers(other)
    length = max(len(a), len(b))
    return a + [0] * (length - len(a)) == b + [0] * (length - len(b))


def test_lowest_constraints_are_the_lowest_of_each_range():
    # The documentation is built with the newest alone.
    lowest = ranges("plot", "images", "heif", "accelerate", "distributed", "test")
    pinned = pins("constraints-lowest.txt")
    assert pinned.keys() - lowest.keys() == COMPANIONS
    assert lowest.keys() <= pinned.keys()
    assert {n: v for n, v in lowest.items() if not same(v, pinned[n])} == {}


def test_tested_versions_lie_in_the_ranges():
    tested = {n.lower(): version for n, version in pins("constraints.txt").items()}
    wanted = ranges("plot", "images", "heif", "distributed", "test", "docs")
    assert wanted.keys() <= tested.keys()
    low = [n for n, v in wanted.items() if numbers(tested[n]) < numbers(v)]
    assert not low


def test_one_version_everywhere():
    version = deepcluster_sk.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == version
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d.*?)\]", changes, re.MULTILINE)[0] == version


def test_contributing_describes_every_room():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == ROOMS


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_ci_runs_every_python_that_is_promised(python):
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert f'"{python}"' in re.search(r"python-version: \[(.*)\]", workflow)[1]
