"""The numbers that results were measured with: who changes one means to.

    python -m tests.test_recipe

writes them anew to ``tests/recipe.txt``, a line each: module-level constants, settings
of estimators that are no parameters, and defaults of functions. Defaults of what is
public stand in docstrings, and are compared with those.
"""

import ast
import importlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from numbers import Real
from pathlib import Path

from sklearn.base import BaseEstimator

import deepcluster_sk
from tests.clusterers import CLUSTERERS
from tests.test_structure import NAMES

RECIPE = Path(__file__).with_name("recipe.txt")
#: What reads, shows, keeps and tells: no result is of its numbers. Defaults of the base
#: are stated anew by every estimator.
NO_RESULTS = ("cli", "report", "plotting", "persistence", "datasets", "data.picture")
NO_RESULTS += ("runtime", "metrics", "base.clusterer")
PACKAGE = f"{deepcluster_sk.__name__}."


def numbers(name, value):
    """Numbers that a constant is made of, by name."""
    if isinstance(value, Real):
        return {name: repr(value)}
    if isinstance(value, tuple) and all(isinstance(part, Real) for part in value):
        return {name: repr(value)} if value else {}
    if isinstance(value, Mapping):
        parts = {f"[{getattr(k, '__name__', k)}]": part for k, part in value.items()}
    elif isinstance(value, BaseEstimator):
        parts = {f".{k}": part for k, part in value.get_params(deep=False).items()}
    elif is_dataclass(value) and not isinstance(value, type):
        parts = {f".{f.name}": getattr(value, f.name) for f in fields(value)}
    else:
        parts = {}
    return merged(numbers(name + end, part) for end, part in parts.items())


def merged(found):
    return {name: value for part in found for name, value in part.items()}


def constants(module, tree):
    """Numbers of the constants that a module defines itself."""
    names = [
        node.id
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    held = vars(importlib.import_module(module))
    return merged(numbers(f"{module}.{n}", held[n]) for n in names if n.isupper())


def defaults(name, tree):
    """Numbers that parameters of functions are left at, but for what is public."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name not in deepcluster_sk.__all__:
            found |= defaults(f"{name}.{node.name}", node)
        elif isinstance(node, ast.FunctionDef):
            given = [*node.args.posonlyargs, *node.args.args][::-1]
            pairs = [
                *zip(given, node.args.defaults[::-1], strict=False),
                *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
            ]
            for parameter, default in pairs:
                value = getattr(default, "value", None)
                if isinstance(value, Real) and not isinstance(value, bool):
                    found[f"{name}.{node.name}({parameter.arg})"] = repr(value)
    return found


def attributes(cls):
    """Numbers that an estimator has from its class, and no instance is given."""
    held = {name: getattr(cls, name) for name in dir(cls) if name.startswith("_")}
    numeric = {n: v for n, v in held.items() if not (n.endswith("_") or callable(v))}
    return merged(
        numbers(f"{cls.__name__}.{name}", value)
        for name, value in numeric.items()
        if not isinstance(value, Mapping)
    )


def recipe():
    """All of them, by name."""
    found = merged(attributes(cls) for cls in CLUSTERERS)
    for module, path in NAMES.items():
        if not module.removeprefix(PACKAGE).startswith(NO_RESULTS):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= constants(module, tree) | defaults(module, tree)
    return {name.removeprefix(PACKAGE): found[name] for name in sorted(found)}


def written(found):
    return "".join(f"{name} = {value}\n" for name, value in found.items())


def test_results_are_of_this_recipe():
    then = set(RECIPE.read_text(encoding="utf-8").splitlines())
    now = set(written(recipe()).splitlines())
    changed = [*(f"- {line}" for line in then - now), *(f"+ {x}" for x in now - then)]
    told = "\n".join(sorted(changed, key=lambda line: line[2:]))
    assert not changed, (
        f"The recipe has changed:\n{told}\nRows of benchmarks/results are of the old "
        "one. Where the change is meant, measure again what it bears on, and write the "
        "new one down by `python -m tests.test_recipe`."
    )


if __name__ == "__main__":
    RECIPE.write_text(written(recipe()), encoding="utf-8")
