"""Rooms: imports run downwards only, in no circle. Files: short enough to read."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import deepcluster_sk

PACKAGE = Path(deepcluster_sk.__file__).parent
#: Top floor first; a room imports from itself and from rooms below it.
ROOMS = (
    "__main__",
    "cli",
    "__init__",
    "report",
    "model_selection",
    "plotting",
    "methods",
    "base",
    "persistence",
    "training",
    "counting",
    "graph",
    "augmentation",
    "networks",
    "losses",
    "embedding",
    "datasets",
    "data",
    "runtime",
    "metrics",
)


def module_files():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(path):
    """Modules of the package that a file imports, for its types only as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return {name for name in found if name in NAMES and name != name_of(path)}


NAMES = {name_of(path): path for path in module_files()}
IMPORTS = {name: imported(path) for name, path in NAMES.items()}


def room_of(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_every_room_is_listed():
    assert {room_of(name) for name in NAMES} == set(ROOMS)


def test_no_import_runs_up():
    floor = {room: number for number, room in enumerate(ROOMS)}
    upwards = [
        f"{name} imports {other}"
        for name, others in IMPORTS.items()
        for other in others
        if floor[room_of(other)] < floor[room_of(name)] and room_of(other) != "__init__"
    ]
    assert not upwards


def test_no_method_imports_another():
    strangers = [
        f"{name} imports {other}"
        for name, others in IMPORTS.items()
        for other in others
        if room_of(name) == room_of(other) == "methods"
        and name.split(".")[2:3] != other.split(".")[2:3]
    ]
    assert not strangers


def test_imports_make_no_circle():
    TopologicalSorter(IMPORTS).prepare()


#: Values that count while they are used; no other is changed once it is made.
CHANGING = {"Triplets"}


def test_values_are_frozen():
    changing = {
        node.name
        for path in module_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        for decorator in map(ast.unparse, node.decorator_list)
        if decorator.startswith("dataclass") and "frozen=True" not in decorator
    }
    assert changing == CHANGING


#: So that a file can be read in one go.
MOST_LINES = 400


def test_no_file_is_long():
    root = Path(__file__).parents[1]
    files = [
        path
        for folder in ("deepcluster_sk", "tests", "benchmarks", "examples")
        for path in (root / folder).rglob("*.py")
    ]
    assert len(files) > 100
    lengths = {
        str(path.relative_to(root)): len(path.read_text("utf-8").splitlines())
        for path in files
    }
    assert not {name: n for name, n in lengths.items() if n > MOST_LINES}
