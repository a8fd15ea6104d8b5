"""The package's names are there at once, what they need when they are asked for."""

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import deepcluster_sk


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("deepcluster_sk", {"numpy", "scipy", "sklearn", "torch"}),
        ("deepcluster_sk.datasets", {"torch"}),
    ],
)
def test_importing_imports_nothing_heavy(module, heavy):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not heavy.intersection(done.stdout.split())


def test_type_checkers_see_what_there_is():
    tree = ast.parse(Path(deepcluster_sk.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module.removeprefix("deepcluster_sk.")
        for node in block.body
        for alias in node.names
    }
    assert seen == deepcluster_sk._HOMES
    assert set(seen) == set(deepcluster_sk.__all__)
    assert list(deepcluster_sk.__all__) == sorted(deepcluster_sk.__all__)


@pytest.mark.parametrize("name", deepcluster_sk.__all__)
def test_every_name(name):
    value = getattr(deepcluster_sk, name)
    assert name in dir(deepcluster_sk)
    assert getattr(deepcluster_sk, name) is value
    if isinstance(value, type):
        assert type(pickle.loads(pickle.dumps(value()))) is value
    else:
        assert pickle.loads(pickle.dumps(value))


def test_no_name_needs_matplotlib_or_pandas():
    # scikit-learn brings pandas by itself, where there is one.
    code = (
        "import sys, torch, sklearn.base; before = set(sys.modules); "
        "from deepcluster_sk import *; import deepcluster_sk.report, "
        "deepcluster_sk.plotting; print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = done.stdout.split()
    assert "deepcluster_sk.plotting.pyplot" in modules
    assert not {"matplotlib", "pandas", "PIL"}.intersection(modules)


def test_star_import_brings_every_name():
    names = {}
    exec("from deepcluster_sk import *", names)
    assert set(deepcluster_sk.__all__) <= set(names)


def test_modules_are_attributes():
    """Each at once, before anything else of the package is imported."""
    names = ["datasets", "metrics", "model_selection", "plotting", "report"]
    code = (
        "import sys\n"
        "for name in sys.argv[1:]:\n"
        "    for known in [m for m in sys.modules if m.startswith('deepcluster_sk')]:\n"
        "        del sys.modules[known]\n"
        "    import deepcluster_sk\n"
        "    print(getattr(deepcluster_sk, name).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [f"deepcluster_sk.{name}" for name in names]


def test_no_such_name():
    with pytest.raises(AttributeError, match="'deepcluster_sk' has no attribute 'No'"):
        _ = deepcluster_sk.No
    with pytest.raises(ImportError):
        exec("from deepcluster_sk import No")
