"""Which small changes of the code do the tests not notice?

    python -m benchmarks.mutations --sample 120 --seed 0

Draws places of the package's mathematics where an operator, a number, a comparison or
a condition can be changed; changes one at a time in a copy; and runs the tests of its
room, its own first, until one fails. Rows go to ``results/mutations.csv``: those that
no test noticed are the ones to look at. Changes that cannot matter are listed in
``results/mutations_equivalent.csv`` with the reason; ``--sample 0`` goes through the
rows again by that list. A run that was interrupted goes on where it was, if the code is
still the same.

Tests run in forked processes, which find the heavy imports done: not on Windows.
"""

import argparse
import ast
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.provenance import provenance
from benchmarks.rows import RESULTS, read, write

ROOT = Path(__file__).parents[1]
#: What files have in common, and what methods have.
COMMON = ("test_structure.py", "test_recipe.py")
METHODS = (
    *("methods/test_ranges.py", "methods/test_from_paper.py"),
    *("networks/test_carrying.py", "base/test_documented.py"),
)
#: Rooms that are mutated, with the tests that should notice.
ROOMS = {
    "losses": ("losses",),
    "augmentation": ("augmentation", "test_device_simulation.py"),
    "networks": ("networks", "base/test_threads.py"),
    "graph": ("graph",),
    "training": (
        *("training", "base/test_checkpoints.py", "base/test_documented.py"),
        "test_device_simulation.py",
    ),
    "methods/triplet": ("methods/triplet", *METHODS, "test_device_simulation.py"),
    "methods/dec": ("methods/dec", *METHODS),
    "methods/depict": ("methods/depict", *METHODS),
    "methods/temi": ("methods/temi", *METHODS),
    "methods/variational": ("methods/variational", *METHODS),
    "methods/neighbor_graph": ("methods/neighbor_graph", *METHODS),
}
#: Tests that take seconds each, for what others see as well.
LEFT_OUT = "textures or where_pixels or test_digits or test_every_layout"
#: Why no test can notice a change, by file, line of code and change.
EQUIVALENT = {
    (row["file"], row["code"], row["change"]): row["reason"]
    for row in read(RESULTS / "mutations_equivalent.csv")
}
#: Seconds after which a change counts as noticed: a loop that no longer ends.
PATIENCE = 300
COLUMNS = ("file", "line", "code", "change", "noticed", "seconds", "commit", "seed")
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
}
CONNECTIVES = {ast.And: ast.Or, ast.Or: ast.And}
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True)
class Mutation:
    """A change: the n-th place of a file that can be changed."""

    file: str
    number: int


class Changer(ast.NodeTransformer):
    """Change the n-th place that can be changed, or count them all."""

    def __init__(self, number=None):
        self.number, self.seen = number, 0
        self.line = self.change = None

    def here(self, node, what):
        self.seen += 1
        if self.seen - 1 != self.number:
            return False
        self.line, self.change = node.lineno, what
        return True

    def visit_BinOp(self, node):
        self.generic_visit(node)
        other = OPERATORS.get(type(node.op))
        if other and self.here(node, f"{type(node.op).__name__} -> {other.__name__}"):
            node.op = other()
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        other = COMPARISONS.get(type(node.ops[0]))
        if other and self.here(
            node, f"{type(node.ops[0]).__name__} -> {other.__name__}"
        ):
            node.ops[0] = other()
        return node

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        other = CONNECTIVES[type(node.op)]
        if self.here(node, f"{type(node.op).__name__} -> {other.__name__}"):
            node.op = other()
        return node

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.USub | ast.Not) and self.here(node, "dropped sign"):
            return node.operand
        return node

    def visit_Constant(self, node):
        value = node.value
        if isinstance(value, bool):
            if self.here(node, f"{value} -> {not value}"):
                return ast.copy_location(ast.Constant(not value), node)
        elif isinstance(value, int | float) and self.here(
            node, f"{value} -> {value + 1}"
        ):
            return ast.copy_location(ast.Constant(value + 1), node)
        return node

    def visit_If(self, node):
        self.generic_visit(node)
        if self.here(node, "condition turned round"):
            node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
        return node

    # What is not mathematics: types, docstrings, messages and where they point, what
    # modules are called, and the assertion that what is zipped is of one length.
    def visit_AnnAssign(self, node):
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_arg(self, node):
        return node

    def visit_keyword(self, node):
        return (
            node if node.arg in ("stacklevel", "strict") else self.generic_visit(node)
        )

    def visit_Raise(self, node):
        return node

    def visit_JoinedStr(self, node):
        return node


def places(file):
    """How many places of a file can be changed."""
    changer = Changer()
    changer.visit(ast.parse((ROOT / file).read_text(encoding="utf-8")))
    return changer.seen


def room_of(file):
    return file.removeprefix("deepcluster_sk/").rpartition("/")[0]


def all_mutations():
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / "deepcluster_sk" / room).glob("*.py")):
            file = path.relative_to(ROOT).as_posix()
            found += [Mutation(file, number) for number in range(places(file))]
    return found


def tests_of(file):
    """Files of tests that should notice a change of a file, its own first."""
    found = []
    for name in (*ROOMS[room_of(file)], *COMMON):
        path = ROOT / "tests" / name
        found += [path] if path.is_file() else sorted(path.glob("test_*.py"))
    own = f"test_{Path(file).stem}"
    found.sort(key=lambda path: not path.stem.startswith(own))
    return [path.relative_to(ROOT).as_posix() for path in found]


def noticed(tests, folder):
    """Whether one of the tests fails in a copy of the checkout."""
    child = os.fork()
    if not child:
        try:
            run(tests, folder)
        finally:
            os._exit(1)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return bool(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def run(tests, folder):
    """Run tests until one fails, and end this process with the outcome."""
    os.setsid()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    os.environ |= {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    for name in list(sys.modules):
        if name.partition(".")[0] in ("deepcluster_sk", "benchmarks"):
            del sys.modules[name]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    options = ["-x", "-p", "no:cacheprovider", "-k", f"not ({LEFT_OUT})"]
    os._exit(pytest.main([*options, *tests]))


def measure(mutation, folder):
    """Make a change in a copy of the checkout, and run the tests of its room."""
    path = folder / mutation.file
    source = path.read_text(encoding="utf-8")
    changer = Changer(mutation.number)
    tree = changer.visit(ast.parse(source))
    row = {
        "file": mutation.file,
        "line": changer.line,
        "code": source.splitlines()[changer.line - 1].strip(),
        "change": changer.change,
        "seconds": 0,
    }
    if reason(row):
        return row | {"noticed": "equivalent"}
    path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    started = time.perf_counter()
    try:
        found = noticed(tests_of(mutation.file), folder)
    finally:
        path.write_text(source, encoding="utf-8")
    seconds = round(time.perf_counter() - started, 1)
    return row | {"noticed": "yes" if found else "no", "seconds": seconds}


def reason(row):
    """Why no test can notice a change; None where one can."""
    return EQUIVALENT.get((row["file"], row["code"], row["change"]))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sample", type=int, default=120)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--rooms", nargs="+", default=list(ROOMS), choices=ROOMS)
    options = options.parse_args()
    drawn = [m for m in all_mutations() if room_of(m.file) in options.rooms]
    random.Random(options.seed).shuffle(drawn)
    path = RESULTS / "mutations.csv"
    about = {"commit": provenance()["commit"], "seed": str(options.seed)}
    rows = read(path)
    for row in rows:
        if row["noticed"] == "no" and reason(row):
            row["noticed"] = "equivalent"
    write(path, rows, COLUMNS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "checkout"
        shutil.copytree(
            ROOT, folder, ignore=shutil.ignore_patterns(".git", ".venv*", "results")
        )
        done = sum(row["seed"] == about["seed"] for row in rows)
        for mutation in drawn[done : options.sample]:
            row = {**measure(mutation, folder), **about}
            rows.append(row)
            write(path, rows, COLUMNS)
            print(*(row[name] for name in COLUMNS), sep=" | ", flush=True)
    for seed in sorted({row["seed"] for row in rows}):
        found = [row["noticed"] for row in rows if row["seed"] == seed]
        yes, no, never = (found.count(kind) for kind in ("yes", "no", "equivalent"))
        print(f"seed {seed}: {no} of {yes + no} not noticed, {never} cannot be")


if __name__ == "__main__":
    main()
