"""Fits in parallel processes, one row of a CSV file each; what is there is skipped."""

import argparse
import csv
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from benchmarks.data import load, sample, sampling
from benchmarks.methods import CAPS, DEEP, METHODS
from benchmarks.provenance import provenance
from deepcluster_sk.metrics import clustering_accuracy_score

RESULTS = Path(__file__).parent / "results"
KEY = ("set", "sampling", "method", "seed")
MEASURED = (
    *("n", "classes", "clusters_used", "acc", "nmi", "ari", "start_acc"),
    *("seconds", "cpu_seconds", "device"),
)
ABOUT = ("commit", "machine", "versions", "command")
#: A fit is timed on one thread, and processes do not fight for cores.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """One fit.

    Attributes
    ----------
    data : str
        Name of the set.
    method : str
    seed : int
        Of the method, of the sample and of what is dropped from it.
    samples : int or None
        Images drawn from the set.
    settings : dict
        Parameters of the estimator.
    key : dict
        Columns, beyond KEY, that tell this fit from others of its file.
    thinned : callable or None
        What is kept of ``X, y`` by a `seed`, see `imbalanced` and `long_tailed`.
    n_clusters : int or None
        None is the number of classes.
    """

    data: str
    method: str
    seed: int
    samples: int | None = None
    settings: dict = field(default_factory=dict)
    key: dict = field(default_factory=dict)
    thinned: Callable[..., tuple[np.ndarray, np.ndarray]] | None = None
    n_clusters: int | None = None


def parser(doc, sets=("usps_9298",), samples=None, seeds=2):
    """Options that all benchmarks share."""
    options = argparse.ArgumentParser(description=doc.splitlines()[0])
    options.add_argument(
        "--data", metavar="FOLDER", help=".npz files with X and y; else OpenML is asked"
    )
    options.add_argument("--sets", nargs="+", default=list(sets))
    options.add_argument("--samples", type=int, default=samples, help="0 takes all")
    options.add_argument("--seeds", type=int, default=seeds, help="how many, from 0")
    options.add_argument("--jobs", type=int, default=1, help="parallel processes")
    options.add_argument("--device", default="auto")
    options.add_argument("--force", action="store_true", help="measure again")
    return options


def run(path, tasks, options, extra=()):
    """Measure every task that `path` has no row of yet.

    Parameters
    ----------
    path : Path
    tasks : sequence of Task
    options : Namespace
    extra : sequence of str
        The columns of ``Task.key``.

    Returns
    -------
    list of dict
        All rows of the file, as text.
    """
    key = (*KEY, *extra)
    columns = [*key, *MEASURED, *ABOUT]
    tasks = {identity(task, options.data, key): task for task in tasks}
    rows = {tuple(row[name] for name in key): row for row in read(path)}
    if options.force:
        rows = {name: row for name, row in rows.items() if name not in tasks}
        write(path, rows.values(), columns)
    elif not rows:
        write(path, [], columns)
    missing = {name: task for name, task in tasks.items() if name not in rows}
    print(f"{path.name}: {len(missing)} of {len(tasks)} fits to do", flush=True)
    set_up()
    os.environ.update(dict.fromkeys(THREADS, "1"))  # inherited by the processes
    about = provenance()
    failed = []
    # Fresh interpreters: a fork of a process that has used torch may hang.
    with ProcessPoolExecutor(
        options.jobs, multiprocessing.get_context("spawn"), initializer=set_up
    ) as pool:
        pending = {
            pool.submit(measure, task, options.data, options.device): name
            for name, task in missing.items()
        }
        for future in as_completed(pending):
            name = pending[future]
            if future.exception() is not None:
                failed.append(name)
                print(*name, "failed:", repr(future.exception()), flush=True)
                continue
            row = {**dict(zip(key, name, strict=True)), **future.result(), **about}
            with path.open("a", newline="") as file:
                csv.DictWriter(file, columns).writerow(row)
            print(*name, {m: row[m] for m in MEASURED}, flush=True)
    if failed:
        raise SystemExit(f"{len(failed)} fits failed; the same command tries again.")
    return read(path)


def identity(task, folder, key):
    """What tells the row of a task, as text; not the commit that measured it."""
    total = len(load(task.data, folder)[0])
    row = {
        "set": task.data,
        "sampling": sampling(total, capped(task)),
        "method": task.method,
        "seed": task.seed,
        **task.key,
    }
    return tuple(str(row[name]) for name in key)


def capped(task):
    """Images the method is given, at most; None is all."""
    limits = [n for n in (task.samples, CAPS.get(task.method)) if n]
    return min(limits, default=None)


def subset(task, folder):
    """Images and classes of a task."""
    X, y = load(task.data, folder)
    X, y = sample(X, y, capped(task), task.seed)
    if task.thinned is not None:
        X, y = task.thinned(X, y, seed=task.seed)
    return X, y


def measure(task, folder, device):
    """Fit, and judge by the classes, which the fit never sees."""
    X, y = subset(task, folder)
    n_classes = len(np.unique(y))
    settings = dict(task.settings)
    if task.method in DEEP:
        settings = {"device": device, **settings}
    wall, cpu = time.perf_counter(), time.process_time()
    result = METHODS[task.method](
        X, task.n_clusters or n_classes, task.seed, **settings
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    start = result.start
    row = {
        "n": len(X),
        "classes": n_classes,
        "clusters_used": len(np.unique(result.labels)),
        "acc": clustering_accuracy_score(y, result.labels),
        "nmi": normalized_mutual_info_score(y, result.labels),
        "ari": adjusted_rand_score(y, result.labels),
        "start_acc": "" if start is None else clustering_accuracy_score(y, start),
        "seconds": wall,
        "cpu_seconds": cpu,
        "device": getattr(result.model, "device_", "cpu"),
    }
    digits = {"seconds": 1, "cpu_seconds": 1}
    return {
        name: round(value, digits.get(name, 4)) if isinstance(value, float) else value
        for name, value in row.items()
    }


def set_up():
    """Prepare a process."""
    torch.set_num_threads(1)
    # Baselines need not converge, nor their graphs be connected.
    warnings.simplefilter("ignore")
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=end_with, args=[parent], daemon=True).start()


def end_with(parent):
    """End this process when its parent does, even if it was killed amid a fit."""
    parent.join()
    os._exit(1)


def read(path):
    """Rows of a CSV file, as text; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows, columns):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
