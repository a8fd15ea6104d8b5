"""Whole fits: how good, how fast, and in how much memory."""

import time
from functools import partial

import numpy as np
import torch
from sklearn.metrics import normalized_mutual_info_score

from benchmarks.methods import METHODS
from benchmarks.speed import high_water, made_images, quick
from deepcluster_sk.metrics import clustering_accuracy_score


def measure(name, bench, method="ours", seed=0, **settings):
    """Fit a set by a method, with a row of all that is told of it."""
    X, y = bench.load(name)
    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bench.device)
    bench.wait()
    start = time.perf_counter()
    fit = METHODS[method](X, len(np.unique(y)), seed, device=bench.device, **settings)
    bench.wait()
    seconds = time.perf_counter() - start
    yield {
        "what": method,
        "n": len(X),
        "seed": seed,
        "acc": clustering_accuracy_score(y, fit.labels),
        "nmi": normalized_mutual_info_score(y, fit.labels),
        "start_acc": clustering_accuracy_score(y, fit.start),
        "seconds": seconds,
        "training_seconds": sum(row["dur"] for row in fit.model.history_),
        "peak_mib": peak(bench),
        "value": seconds,
        "unit": "s",
    }


def paper(bench):
    """Fit the paper's own system."""
    settings = {"max_epochs": 2} if bench.quick else {}
    yield from measure("mnist", bench, "paper's system", **settings)


def memory(bench):
    """Peak memory of an epoch, against the size of the data."""
    for n in (300, 600) if bench.quick else (10_000, 100_000, 1_000_000):
        X = made_images(n, side=16)
        if bench.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(bench.device)
        seconds = bench.measured_seconds(partial(quick(1, device=bench.device).fit, X))
        used, data = peak(bench), X.nbytes / 2**20
        yield {
            "what": "an epoch",
            "n": n,
            "value": used,
            "unit": "MiB",
            "compared_with": "data",
            "compared_value": data,
            "ratio": used / data,
            "seconds": seconds,
            "peak_mib": used,
        }


def peak(bench):
    """MiB of the device, or of this process where that is the CPU."""
    if bench.device.type == "cuda":
        return torch.cuda.max_memory_allocated(bench.device) / 2**20
    return high_water()
