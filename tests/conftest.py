"""Settings that every test shares."""

import os

import pytest

# Before torch is imported. Parallel runs of the tests would otherwise fight for
# cores, and small nets are fastest on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Figures are drawn on no screen.
os.environ.setdefault("MPLBACKEND", "Agg")

import torch

torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked `gpu` where there is no CUDA device."""
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA device")
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)
