"""What ``memory=`` and ``n_jobs=2`` save on a grid of twelve settings.

    python -m benchmarks.search_speed

Writes ``results/search_speed.csv``. CPU seconds are those of the main process; on a
machine with other work they say more than seconds of the clock, but cannot tell what a
second process saves: for that look at ``seconds``, and at ``load``, the number of
processes that wanted a core when the search began.
"""

import argparse
import os
import tempfile
import time
import warnings

import joblib
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append, has_columns, read, write
from deepcluster_sk import DeepTripletClusterer, PseudoLabels
from deepcluster_sk.runtime.device import resolve_device, resolve_precision
from deepcluster_sk.runtime.malloc import keeping_freed_memory

COLUMNS = (
    *("settings", "n", "repeat", "candidates", "memory", "n_jobs"),
    *("seconds", "cpu_seconds", "load", "cores", "best_score", "precision", *ABOUT),
)
GRID = {"beta": [1.0, 3.0, 10.0], "omega": [0.0, 0.1], "gamma": [0.01, 0.1]}
SETTINGS = {
    "default": {},
    "6 epochs, no restarts": {
        "max_epochs": 6,
        "targets": PseudoLabels(n_updates=0),
        "tol": 1.0,
    },
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS))
    parser.add_argument("--compare", nargs="+", default=["memory", "jobs"])
    parser.add_argument("--samples", type=int, default=1797)
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    X = load_digits().images[: arguments.samples]
    path = RESULTS / "search_speed.csv"
    if not has_columns(path, COLUMNS):
        write(path, read(path), COLUMNS)
    precision = resolve_precision("auto", resolve_device("cpu"))
    about = {"precision": str(precision).removeprefix("torch."), **provenance()}
    for repeat in range(arguments.repeats):
        for settings in arguments.settings:
            for memory, n_jobs in runs(arguments.compare):
                row = {"settings": settings, "n": len(X), "repeat": repeat, **about}
                row |= measured(X, SETTINGS[settings], memory, n_jobs)
                append(path, row, COLUMNS)
                print(row, flush=True)


def runs(compare):
    yield False, 1
    if "memory" in compare:
        yield True, 1
    if "jobs" in compare:
        # The second search finds joblib's processes started.
        yield False, 2
        yield False, 2


def measured(X, settings, memory, n_jobs):
    with tempfile.TemporaryDirectory() as folder:
        model = DeepTripletClusterer(
            10,
            memory=folder if memory else None,
            device="cpu",
            random_state=0,
            **settings,
        )
        cv = ShuffleSplit(1, test_size=0.25, random_state=0)
        search = GridSearchCV(model, GRID, cv=cv, refit=False, n_jobs=n_jobs)
        load = os.getloadavg()[0]
        clock, cpu = time.perf_counter(), time.process_time()
        search.fit(X)
        clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    return {
        "candidates": len(search.cv_results_["params"]),
        "memory": memory,
        "n_jobs": n_jobs,
        "seconds": round(clock, 1),
        "cpu_seconds": round(cpu, 1) if n_jobs == 1 else "",
        "load": round(load, 1),
        "cores": joblib.cpu_count(),
        "best_score": round(float(max(search.cv_results_["mean_test_score"])), 5),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with keeping_freed_memory():
        main()
