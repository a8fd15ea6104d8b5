"""Which small changes of the code do the tests not notice?

    python -m benchmarks.mutations --sample 120 --seed 0

Draws places of the package's mathematics where an operator, a number, a comparison or
a condition can be changed; changes one at a time in a copy; and runs the tests of its
room until one fails. Rows go to ``results/mutations.csv``: those that no test noticed
are the ones to look at. Changes that cannot matter are listed in `EQUIVALENT`, with the
reason.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.provenance import provenance
from benchmarks.runner import RESULTS, read, write

ROOT = Path(__file__).parents[1]
#: Rooms that are mutated, with the tests that should notice.
ROOMS = {
    "losses": ["tests/losses", "tests/methods"],
    "augmentation": ["tests/augmentation"],
    "networks": ["tests/networks", "tests/base/test_threads.py"],
    "graph": ["tests/graph"],
    "training": ["tests/training", "tests/base/test_memory.py"],
    "methods/triplet": ["tests/methods/triplet"],
    "methods/dec": ["tests/methods/dec"],
    "methods/depict": ["tests/methods/depict"],
    "methods/variational": ["tests/methods/variational"],
    "methods/neighbor_graph": ["tests/methods/neighbor_graph"],
}
#: Changes that no test can notice, as (file, line of code), and why.
EQUIVALENT: dict[tuple[str, str], str] = {
    (
        "deepcluster_sk/methods/triplet/mining.py",
        "for rows in torch.split(pending, max(1, _CHUNK_FLOATS // max(1, tries * d))):",
    ): "the size of a chunk changes no result",
    (
        "deepcluster_sk/networks/autoencoders.py",
        "like = next(module.parameters(), torch.empty(0))",
    ): "only its device is read",
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

    # What is not mathematics: types, docstrings, messages, what modules are called.
    def visit_AnnAssign(self, node):
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_arg(self, node):
        return node

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


def measure(mutation, folder):
    """Make a change in a copy of the checkout, and run the tests of its room."""
    path = folder / mutation.file
    source = path.read_text(encoding="utf-8")
    changer = Changer(mutation.number)
    tree = changer.visit(ast.parse(source))
    code = source.splitlines()[changer.line - 1].strip()
    row = {
        "file": mutation.file,
        "line": changer.line,
        "code": code,
        "change": changer.change,
    }
    if (mutation.file, code) in EQUIVALENT:
        return {**row, "noticed": "equivalent", "seconds": 0}
    path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    tests = ROOMS[room_of(mutation.file)]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    started = time.perf_counter()
    try:
        status = subprocess.run(
            [*command, *tests],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        status = 1
    finally:
        path.write_text(source, encoding="utf-8")
    seconds = round(time.perf_counter() - started, 1)
    return {**row, "noticed": "yes" if status else "no", "seconds": seconds}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sample", type=int, default=120)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--rooms", nargs="+", default=list(ROOMS), choices=ROOMS)
    options = options.parse_args()
    drawn = [m for m in all_mutations() if room_of(m.file) in options.rooms]
    random.Random(options.seed).shuffle(drawn)
    path = RESULTS / "mutations.csv"
    about = {"commit": provenance()["commit"], "seed": options.seed}
    rows = read(path)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "checkout"
        shutil.copytree(
            ROOT, folder, ignore=shutil.ignore_patterns(".git", ".venv*", "results")
        )
        for mutation in drawn[: options.sample]:
            row = {**measure(mutation, folder), **about}
            rows.append(row)
            write(path, rows, COLUMNS)
            print(*row.values(), sep=" | ", flush=True)
    noticed = [row["noticed"] for row in rows if row["noticed"] != "equivalent"]
    survived = noticed.count("no")
    print(f"{survived} of {len(noticed)} changes were not noticed.")


if __name__ == "__main__":
    main()
