"""Settings that every test shares."""

import os
import signal

import pytest

# All before torch or SciPy is imported. Parallel runs of the tests would otherwise
# fight for cores, and small nets are fastest on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Figures are drawn on no screen.
os.environ.setdefault("MPLBACKEND", "Agg")
# Without it scikit-learn's checks of array API dispatch skip themselves.
os.environ["SCIPY_ARRAY_API"] = "1"

import torch
from hypothesis import settings

from deepcluster_sk.graph.features import COARSE
from deepcluster_sk.graph.patches import PATCHES

torch.set_num_threads(1)
# The first example pays for imports, and the machine may be busy. The same examples in
# every run: nothing is to fail by chance in somebody else's change. Other examples are
# tried with --hypothesis-profile=default.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")


# A shell that runs the tests in the background has Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Give tests that draw from torch's global stream the same numbers every time."""
    torch.manual_seed(0)


@pytest.fixture
def few_words(monkeypatch):
    """Code patches by an eighth of the words, where little depends on how many."""
    for settings_ in (PATCHES, COARSE):
        monkeypatch.setitem(vars(settings_), "n_words", PATCHES.n_words // 8)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked `gpu` where there is no CUDA device."""
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA device")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(skip)
