"""Going on from a fitted model: collections that grow, corrections, checkpoints.

    python -m benchmarks.continuing growing labels merging checkpoint --data FOLDER

``growing`` learns a set in five parts, drawn evenly or, after the first, sorted by
class; ``labels`` tells a few classes, to a fit and to a fitted model; ``merging`` makes
one cluster of two and splits it again; ``checkpoint`` takes the processor seconds of an
epoch of MNIST with a checkpoint after it against those without. Classes say how good a
result is; only in ``labels`` are a few told. Rows go to ``results/continuing.csv``,
each as soon as it is there.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.data import load
from benchmarks.provenance import provenance
from benchmarks.rows import RESULTS, read, write
from deepcluster_sk import DeepTripletClusterer, FitCheckpoint, TripletMargin
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.runtime.malloc import keeping_freed_memory

N_PARTS = 5
FIELDS = ("what", "set", "n", "seed", "value", "compared_with", "compared_value")
#: Samples of each class that are told.
TOLD = {"digits": 3}


def shuffled(name, folder, seed):
    X, y = load(name, folder)
    order = np.random.default_rng(seed).permutation(len(X))
    return X[order], y[order]


def first_parts(name, folder, seed):
    """A set, and a model of the first fifth of it."""
    X, y = shuffled(name, folder, seed)
    first, *others = np.array_split(np.arange(len(X)), N_PARTS)
    model = DeepTripletClusterer(len(np.unique(y)), random_state=seed)
    return X, y, model.partial_fit(X[first]), others


def growing(name, folder, seed):
    """ACC on all, after the last of five parts, against that after the first."""
    for how in ("evenly", "sorted by class"):
        X, y, model, others = first_parts(name, folder, seed)
        before = accuracy(y, model.predict(X))
        if how != "evenly":
            rest = np.concatenate(others)
            rest = rest[np.argsort(y[rest], kind="stable")]
            others = np.array_split(rest, N_PARTS - 1)
        for part in others:
            model.partial_fit(X[part])
        after = accuracy(y, model.predict(X))
        what = f"ACC after {N_PARTS} parts, {how}"
        yield what, len(X), after, "after the first", before


def labels(name, folder, seed):
    """ACC where a few classes are told: to a fit, and to a model that is fitted."""
    X, y = shuffled(name, folder, seed)
    n_told = TOLD.get(name, 10)
    model = DeepTripletClusterer(len(np.unique(y)), random_state=seed)
    without = accuracy(y, model.fit(X).labels_)
    for to in ("a fitted model", "a fit"):
        known = np.full(len(y), -1)
        for label in np.unique(y):
            number = label
            if to == "a fitted model":  # whose clusters have numbers already
                number = np.bincount(model.labels_[y == label]).argmax()
            known[np.flatnonzero(y == label)[:n_told]] = number
        model.set_params(warm_start=to == "a fitted model").fit_with_labels(X, known)
        found = accuracy(y, model.labels_)
        what = f"ACC, {n_told} labels a class told to {to}"
        yield what, len(X), found, "without", without


def merging(name, folder, seed):
    """ACC after a merge of two clusters by hand, and after it is split again."""
    X, y = shuffled(name, folder, seed)
    model = DeepTripletClusterer(len(np.unique(y)), random_state=seed).fit(X)
    before = accuracy(y, model.labels_)
    # Those that are mistaken for each other most.
    shares = model.predict_proba(X)
    shared = shares.T @ shares
    np.fill_diagonal(shared, 0)
    one, two = sorted(np.unravel_index(shared.argmax(), shared.shape))
    owner = [np.bincount(y[model.labels_ == c]).argmax() for c in (one, two)]
    together = np.where(y == owner[1], owner[0], y)
    merged = np.where(model.labels_ == two, one, model.labels_)
    by_name = accuracy(together, merged)
    model.merge([int(one), int(two)], X)
    value = accuracy(together, model.labels_)
    yield "ACC after a merge", len(X), value, "clusters joined by name", by_name
    model.split(int(one), X)
    value = accuracy(y, model.labels_)
    yield "ACC after it is split again", len(X), value, "before both", before


def checkpoint(name, folder, seed, n=10_000, rounds=3):
    """Processor seconds of an epoch with a checkpoint, against one without.

    On some of the images: the file is of one size, so of all of them it costs less.
    """
    X, _ = load(name, folder)
    with_one, without = [], []
    for number in range(rounds):
        for kept, place in ((False, without), (True, with_one)):
            with tempfile.TemporaryDirectory() as temporary:
                callbacks = [FitCheckpoint(Path(temporary) / "fit")] if kept else None
                seconds = []
                for epochs in (1, 4):
                    begin = time.process_time()
                    DeepTripletClusterer(
                        10,
                        init="random",
                        max_epochs=0,
                        batch_size=256,
                        module__contrast="none",
                        pretraining=TripletMargin(epochs),
                        callbacks=callbacks,
                        random_state=seed + number,
                    ).fit(X[:n])
                    seconds.append(time.process_time() - begin)
                    if kept:
                        (Path(temporary) / "fit").unlink()
                place.append((seconds[1] - seconds[0]) / 3)
    yield (
        "seconds of an epoch with a checkpoint", n, statistics.median(with_one),
        "without", statistics.median(without),
    )  # fmt: skip


def accuracy(y, found):
    return clustering_accuracy_score(y, found)


#: What is measured, and on which sets.
MEASUREMENTS = {
    "growing": (growing, ("digits", "usps")),
    "labels": (labels, ("digits", "usps")),
    "merging": (merging, ("digits",)),
    "checkpoint": (checkpoint, ("mnist",)),
}


def main():
    """Measure what is asked for, in place of what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=list(MEASUREMENTS))
    parser.add_argument("--data", metavar="FOLDER", help=".npz files with X and y")
    parser.add_argument("--sets", nargs="*", help="only these")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    about = provenance()
    warnings.simplefilter("ignore")
    path = RESULTS / "continuing.csv"
    rows = {identity(row): row for row in read(path)}
    with keeping_freed_memory():
        for what in options.what:
            measure, sets = MEASUREMENTS[what]
            for name in options.sets or sets:
                for seed in options.seeds:
                    for found in measure(name, options.data, seed):
                        label, n, value, compared_with, compared = found
                        values = (label, name, n, seed, round(value, 4))
                        values += (compared_with, round(compared, 4))
                        row = {**dict(zip(FIELDS, values, strict=True)), **about}
                        rows[identity(row)] = row
                        write(path, rows.values(), [*FIELDS, *about])
                        print(values, flush=True)


def identity(row):
    """What tells one measurement from another."""
    return row["what"], row["set"], str(row["seed"])


if __name__ == "__main__":
    main()
