"""Fits in parallel processes, one row of a CSV file each; what is there is skipped."""

import argparse
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from benchmarks.data import load, sample, sampling
from benchmarks.methods import METHODS
from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append, has_columns, read, write
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.runtime.device import resolve_device, resolve_precision
from deepcluster_sk.runtime.malloc import keeping_freed_memory

__all__ = ["KEY", "RESULTS", "Task", "measure", "parser", "run", "seeds", "set_up"]

KEY = ("set", "sampling", "method", "seed")
MEASURED = (
    *("n", "classes", "clusters_used", "acc", "nmi", "ari", "start_acc"),
    *("seconds", "cpu_seconds", "device", "precision"),
)
#: A fit is timed on one thread, and processes do not fight for cores.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
#: What lasts as long as the process.
_lasting = ExitStack()


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
    options.add_argument("--seeds", type=int, default=seeds, help="how many")
    options.add_argument(
        "--seeds-from",
        type=int,
        default=0,
        metavar="SEED",
        help="the first; defaults were chosen on seeds below 100, so from 100 on they "
        "flatter nothing",
    )
    options.add_argument("--jobs", type=int, default=1, help="parallel processes")
    options.add_argument("--device", default="auto")
    options.add_argument(
        "--precision", default="auto", choices=["auto", "float32", "bf16"]
    )
    options.add_argument("--force", action="store_true", help="measure again")
    return options


def seeds(options):
    """Seeds that were asked for."""
    return range(options.seeds_from, options.seeds_from + options.seeds)


def run(path, tasks, options, extra=()):
    """Measure every task that `path` has no row of yet, in the precision asked for.

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
    precision = precision_of(options)
    tasks = {(*identity(task, options.data, key), precision): task for task in tasks}
    # Of a row that does not tell its precision it is taken to be this.
    rows = {
        (*(row[name] for name in key), row["precision"] or precision): row
        for row in read(path)
    }
    if options.force:
        rows = {name: row for name, row in rows.items() if name not in tasks}
    if options.force or not has_columns(path, columns):
        write(path, rows.values(), columns)
    missing = {name: task for name, task in tasks.items() if name not in rows}
    print(f"{path.name}: {len(missing)} of {len(tasks)} fits to do", flush=True)
    torch.set_num_threads(1)  # as in the processes, which rows tell of
    os.environ.update(dict.fromkeys(THREADS, "1"))  # inherited by the processes
    about = provenance()
    failed = []
    # Fresh interpreters: a fork of a process that has used torch may hang.
    with ProcessPoolExecutor(
        options.jobs, multiprocessing.get_context("spawn"), initializer=set_up
    ) as pool:
        pending = {
            pool.submit(measure, task, options.data, options): name
            for name, task in missing.items()
        }
        for future in as_completed(pending):
            name = pending[future]
            if future.exception() is not None:
                failed.append(name)
                print(*name, "failed:", repr(future.exception()), flush=True)
                continue
            row = {**dict(zip(key, name[:-1], strict=True)), **future.result(), **about}
            append(path, row, columns)
            print(*name, {m: row[m] for m in MEASURED}, flush=True)
    if failed:
        raise SystemExit(f"{len(failed)} fits failed; the same command tries again.")
    return read(path)


def precision_of(options):
    """Precision of what is asked for, as rows have it."""
    resolved = resolve_precision(options.precision, resolve_device(options.device))
    return str(resolved).removeprefix("torch.")


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
    limits = [n for n in (task.samples, METHODS[task.method].cap) if n]
    return min(limits, default=None)


def subset(task, folder):
    """Images and classes of a task."""
    X, y = load(task.data, folder)
    X, y = sample(X, y, capped(task), task.seed)
    if task.thinned is not None:
        X, y = task.thinned(X, y, seed=task.seed)
    return X, y


def measure(task, folder, options):
    """Fit, and judge by the classes, which the fit never sees."""
    X, y = subset(task, folder)
    n_classes = len(np.unique(y))
    method, settings = METHODS[task.method], dict(task.settings)
    if method.is_deep:
        where = {"device": options.device, "precision": options.precision}
        settings = {**where, **settings}
    wall, cpu = time.perf_counter(), time.process_time()
    result = method(X, task.n_clusters or n_classes, task.seed, **settings)
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
        "precision": precision_used(result.model),
    }
    digits = {"seconds": 1, "cpu_seconds": 1}
    return {
        name: round(value, digits.get(name, 4)) if isinstance(value, float) else value
        for name, value in row.items()
    }


def precision_used(model):
    """Precision that a clusterer was trained in; nothing of other methods."""
    net = getattr(model, "net_", None)
    return "" if net is None else str(net.precision).removeprefix("torch.")


def set_up():
    """Prepare a process that fits and does nothing else."""
    torch.set_num_threads(1)
    _lasting.enter_context(keeping_freed_memory())
    # Baselines need not converge, nor their graphs be connected.
    warnings.simplefilter("ignore")
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=end_with, args=[parent], daemon=True).start()


def end_with(parent):
    """End this process when its parent does, even if it was killed amid a fit."""
    parent.join()
    os._exit(1)
