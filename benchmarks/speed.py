"""Where the time goes: training, the start, growth with n, memory, prediction.

    python -m benchmarks.speed --data FOLDER
    python -m benchmarks.speed overhead predict start growth memory pictures
    python -m benchmarks.speed clustpy

Writes ``results/speed.csv``: one row a measurement, and beside it what it is compared
with, measured in the same run and in turn, so that a busy machine slows both. The
images are made up, since speed does not depend on what they show, but for ``reach``:
how long the defaults take to an ACC, read by a callback, on digits, usps and mnist.
``pictures`` reads photographs that are made for it, from files that the system has in
its memory.
``clustpy`` compares with ClustPy, which has to be installed for it.
"""

import argparse
import multiprocessing
import re
import statistics
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skorch.callbacks import Callback

from benchmarks.bare import BareLoop
from benchmarks.data import load
from benchmarks.photographs import make_photographs
from benchmarks.provenance import provenance
from benchmarks.rows import RESULTS, read, write
from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    PseudoLabels,
    Reconstruction,
    TripletMargin,
)
from deepcluster_sk.datasets import load_pictures
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.runtime.device import resolve_device, resolve_precision
from deepcluster_sk.runtime.malloc import keeping_freed_memory

#: ACC to be reached by the defaults.
TARGETS = {"digits": 0.95, "usps": 0.97, "mnist": 0.98}
FIELDS = ("what", "n", "value", "unit", "compared_with", "compared_value", "ratio")


def clock():
    """Seconds of this process on a CPU, of the world where a GPU does the work.

    Other programs on the machine take turns with this one, and the turns of others are
    not to be counted.
    """
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def made_images(n, side=28, seed=0):
    """Random uint8 images."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, side, side), dtype=np.uint8)


def quick(epochs, kind=TripletMargin, **settings):
    """An estimator that pretrains so many epochs and searches for nothing."""
    settings = {
        "init": "random",
        "max_epochs": 0,
        "module__contrast": "none",
        "pretraining": kind(epochs),
        **settings,
    }
    return DeepTripletClusterer(10, random_state=0, batch_size=256, **settings)


def overhead(n=4_000, rounds=5):
    """Seconds an epoch against the same network in a loop written by hand."""
    X = made_images(n)
    device = resolve_device("auto")
    loop = BareLoop(device, resolve_precision("auto", device))
    loop.epoch(X)
    ours, bare = [], []
    for _ in range(rounds):
        # What comes before and after the epochs is the same in both fits.
        seconds = []
        for epochs in (1, 3):
            start = clock()
            quick(epochs).fit(X)
            seconds.append(clock() - start)
        ours.append((seconds[1] - seconds[0]) / 2)
        start = clock()
        loop.epoch(X)
        bare.append(clock() - start)
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    yield row("epoch", n, statistics.median(ours), "s", "bare loop", bare, ratio)


def growth(sizes=(5_000, 10_000, 20_000, 40_000, 80_000)):
    """Seconds of a whole fit of one epoch in each phase against n."""
    seconds = {}
    for n in sizes:
        X = made_images(n, side=16)
        start = clock()
        # Random images have no clusters to settle on.
        DeepTripletClusterer(
            10,
            pretraining=TripletMargin(1),
            targets=PseudoLabels(n_updates=0),
            max_epochs=1,
            tol=1.0,
            random_state=0,
        ).fit(X)
        seconds[n] = clock() - start
        yield row(
            "fit", n, seconds[n], "s", f"n={sizes[0]}", [seconds[sizes[0]]],
            seconds[n] / seconds[sizes[0]],
        )  # fmt: skip


def high_water():
    """Peak resident memory of this process so far, in MiB; Linux only."""
    # `getrusage` of a new process starts at the peak of its parent.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def peak(n, path, out):
    """Peak resident memory of a process that fits a mapped file; MiB."""
    before = high_water()
    X = np.load(path, mmap_mode="r")[:n]
    quick(1, module__channels=(4, 8, 8)).fit(X)
    out.put(high_water() - before)


def memory(sizes=(10_000, 100_000, 1_000_000), side=16):
    """Peak memory of a fit of one epoch beyond the libraries', file pages included."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        mapped = np.lib.format.open_memmap(
            path, mode="w+", dtype=np.uint8, shape=(max(sizes), side, side)
        )
        for start in range(0, len(mapped), 10_000):
            mapped[start : start + 10_000] = made_images(10_000, side, start)
        mapped.flush()
        for n in sizes:
            out = context.Queue()
            process = context.Process(target=peak, args=(n, path, out))
            process.start()
            used = out.get()
            process.join()
            file = n * side * side / 2**20
            yield row("peak memory", n, used, "MiB", "mapped file", [file], used / file)


def predict(n=5_000, rounds=5):
    """Images a second of predict against plain float32 forward passes over the data."""
    X = made_images(n)
    model = quick(1).fit(X[:1000])
    module = model.net_.module_.eval()
    device = next(module.parameters()).device
    ours, plain = [], []
    for _ in range(rounds):
        start = clock()
        model.predict(X)
        ours.append(n / (clock() - start))
        start = clock()
        with torch.no_grad():
            for first in range(0, n, 1024):
                x = (
                    torch.from_numpy(X[first : first + 1024])
                    .to(device)
                    .float()[:, None]
                )
                module.embed(x.contiguous(memory_format=torch.channels_last))
        plain.append(n / (clock() - start))
    ratio = statistics.median(a / b for a, b in zip(ours, plain, strict=True))
    yield row(
        "predict", n, statistics.median(ours), "images/s", "forward", plain, ratio
    )


def start(sizes=(100_000, 1_000_000), n_features=10):
    """Seconds of a start by graph on vectors, against those of an epoch of training."""
    for n in sizes:
        X = np.random.default_rng(0).normal(size=(n, n_features)).astype(np.float32)
        seconds = []
        for init, epochs in (("graph", 0), ("random", 0), ("random", 1)):
            begin = clock()
            quick(epochs, partial(Reconstruction, omega=0.3), init=init).fit(X)
            seconds.append(clock() - begin)
        value, epoch = seconds[0] - seconds[1], seconds[2] - seconds[1]
        yield row("start", n, value, "s", "epoch", [epoch], value / epoch)


def pictures(n=2_000):
    """Seconds to read photographs of 12 megapixels, against decoding them in full."""
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name, "photographs"), Path(name, "cache")
        folder.mkdir()
        make_photographs(folder, n)
        seconds = []
        for _ in range(2):  # read, then found in the cache
            begin = clock()
            found = load_pictures(folder, memory=str(cache))
            seconds.append(clock() - begin)
        begin = clock()
        for path in found.paths:
            with Image.open(path) as picture:
                picture.resize(found.X.shape[1:3])
        whole = clock() - begin
    names = ("read photographs", "read photographs again, cached")
    for what, value in zip(names, seconds, strict=True):
        yield row(what, n, value, "s", "Pillow, in full", [whole], value / whole)


class Reached(Callback):
    """Note when clusters first match classes so well; classes serve for this alone."""

    def __init__(self, y, accuracy):
        self.y, self.accuracy = y, accuracy
        self.begin, self.seconds = clock(), None

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        if net.criterion_.name == "cluster" and self.seconds is None:
            labels = net.embed(dataset_train).log_assignment.argmax(1).cpu().numpy()
            if clustering_accuracy_score(self.y, labels) >= self.accuracy:
                self.seconds = clock() - self.begin


def reach(folder):
    """Seconds of the default fit until it has an ACC, and to its end."""
    for name, accuracy in TARGETS.items():
        if folder is None and name != "digits":
            continue
        X, y = load(name, folder)
        reached = Reached(y, accuracy)
        model = DeepTripletClusterer(10, random_state=0, callbacks=[reached])
        model.fit(X)
        whole = clock() - reached.begin
        value = float("nan") if reached.seconds is None else reached.seconds
        yield row(
            f"{name} until ACC {accuracy}", len(X), value, "s", "whole fit", [whole],
            value / whole,
        )  # fmt: skip


def clustpy(n=4_000, rounds=3):
    """DEC, with a network as wide, and the defaults against the DEC of ClustPy."""
    try:
        from clustpy.deep import DEC
    except ImportError as error:
        raise SystemExit(f"pip install clustpy torchvision ({error})") from error
    device = resolve_device("auto")

    def theirs(X, **epochs):
        model = DEC(10, random_state=0, device=device, **epochs)
        model.fit((X.reshape(len(X), -1) / X.max()).astype(np.float32))
        return model.labels_

    def ours(X, pretrain_epochs, clustering_epochs):
        DECClusterer.from_paper(
            10,
            batch_size=256,
            tol=0.0,
            random_state=0,
            pretraining=Reconstruction(pretrain_epochs),
            max_epochs=clustering_epochs,
        ).fit(X)

    def seconds(fit, *args, **epochs):
        begin = clock()
        fit(*args, **epochs)
        return clock() - begin

    X = made_images(n)
    found = {phase: ([], []) for phase in ("pretrain_epochs", "clustering_epochs")}
    once = dict.fromkeys(found, 1)
    ours(X, **once)  # the first fit of a process takes longer
    for _ in range(rounds):
        for fit, place in ((ours, 0), (theirs, 1)):
            least = seconds(fit, X, **once)
            for phase, speeds in found.items():
                more = seconds(fit, X, **{**once, phase: 11})
                speeds[place].append(10 * n / (more - least))
    for phase, (mine, other) in found.items():
        ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
        yield row(
            f"DEC, {phase}", n, statistics.median(mine), "images/s", "ClustPy", other,
            ratio,
        )  # fmt: skip
    X, y = load("digits", None)
    begin = clock()
    accuracy = clustering_accuracy_score(y, theirs(X))
    whole = clock() - begin
    reached = Reached(y, accuracy)
    DeepTripletClusterer(10, random_state=0, callbacks=[reached]).fit(X)
    yield row(
        f"digits until ACC {accuracy:.3f}", len(X), reached.seconds, "s",
        "ClustPy's DEC", [whole], reached.seconds / whole,
    )  # fmt: skip


def row(what, n, value, unit, compared_with, compared, ratio):
    """One measurement."""
    compared = statistics.median(compared)
    values = (what, n, round(value, 3), unit, compared_with, round(compared, 3))
    return dict(zip(FIELDS, (*values, round(ratio, 3)), strict=True))


def main():
    """Measure what is asked for, in place of what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="FOLDER", help=".npz files with X and y")
    measurements = (overhead, predict, start, reach, growth, memory, pictures)
    default = [m.__name__ for m in measurements]
    measurements = {m.__name__: m for m in (*measurements, clustpy)}
    parser.add_argument("what", nargs="*", default=default)
    options = parser.parse_args()
    measurements["reach"] = partial(reach, options.data)
    device = resolve_device("auto")
    precision = str(resolve_precision("auto", device)).removeprefix("torch.")
    about = {"device": str(device), "precision": precision, **provenance()}
    warnings.simplefilter("ignore")  # nothing settles in one epoch
    path = RESULTS / "speed.csv"
    rows = {identity(row): row for row in read(path)}
    with keeping_freed_memory():
        for name in options.what:
            for measured in measurements[name]():
                measured |= about
                rows[identity(measured)] = measured
                write(path, rows.values(), [*FIELDS, *about])
                print({key: measured[key] for key in FIELDS}, flush=True)


def identity(row):
    """What tells one measurement from another."""
    return row["what"], str(row["n"]), row["device"]


if __name__ == "__main__":
    main()
