"""The steps, one after the other, against the clock."""

import signal
import tempfile
import time
import traceback
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.data import load
from benchmarks.gpu import fits, networks, tests
from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, read, write
from deepcluster_sk.runtime.device import resolve_device, resolve_precision
from deepcluster_sk.runtime.malloc import keeping_freed_memory

COLUMNS = (
    *("step", "what", "n", "seed", "value", "unit"),
    *("compared_with", "compared_value", "ratio"),
    *("acc", "nmi", "start_acc", "seconds", "training_seconds", "peak_mib"),
    *("device", "device_name", "precision", "note", *ABOUT),
)


class Step(NamedTuple):
    """A step: its name, what measures it, and the seconds it may take on a GPU."""

    name: str
    measure: object
    seconds: float


#: In the order of their worth.
STEPS = (
    Step("tests", tests.measure, 90),
    Step("overhead", networks.overhead, 25),
    Step("digits", partial(fits.measure, "digits"), 25),
    Step("usps", partial(fits.measure, "usps"), 40),
    Step("mnist", partial(fits.measure, "mnist"), 80),
    Step("fashion_mnist", partial(fits.measure, "fashion_mnist"), 80),
    Step("imagenette32", partial(fits.measure, "imagenette32"), 250),
    Step("cifar10_train", partial(fits.measure, "cifar10_train"), 420),
    Step("compile", networks.compiled, 60),
    Step("graphs", networks.graphed, 20),
    Step("memory", fits.memory, 30),
    Step("paper", fits.paper, 120),
)


class Bench:
    """What steps are given.

    Attributes
    ----------
    device : torch.device
    quick : bool
    deadline : float
        On the clock of ``time.monotonic``.
    folder : Path
        Where data are, at any depth.
    """

    def __init__(self, device, quick, minutes, folder):
        self.device = resolve_device(device)
        self.quick = quick
        self.deadline = time.monotonic() + 60 * minutes
        self.folder = folder

    @property
    def left(self):
        """Seconds left."""
        return self.deadline - time.monotonic()

    @property
    def precision(self):
        """What fits are trained in."""
        return resolve_precision("auto", self.device)

    def load(self, name):
        """Images and classes of a set; a few, of digits, where it goes quickly."""
        if self.quick:
            X, y = load("digits")
            return X[:150], y[:150]
        if name == "digits":
            return load(name)
        with gathered(self.folder) as flat:
            if not [*flat.glob(f"{name}.npz"), *flat.glob(f"{name}_*of*.npz")]:
                raise FileNotFoundError(f"no data of {name} in {self.folder}")
            return load(name, str(flat))

    def wait(self):
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def measured_seconds(self, function):
        """Seconds of a call, those of the device included."""
        self.wait()
        start = time.perf_counter()
        function()
        self.wait()
        return time.perf_counter() - start


@contextmanager
def gathered(folder):
    """Make a folder of links to all data files, whatever part they came in."""
    with tempfile.TemporaryDirectory() as flat:
        for file in folder.resolve().rglob("*.npz"):
            (Path(flat) / file.name).symlink_to(file)
        yield Path(flat)


@contextmanager
def ending_after(seconds):
    """Raise TimeoutError in what runs longer."""

    def late(number, frame):
        raise TimeoutError("the time was over")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, max(1.0, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(options, steps=STEPS):
    """Run steps, and write their rows as they come.

    Parameters
    ----------
    options : Namespace
    steps : sequence of Step

    Returns
    -------
    list of dict
        Rows that were measured.
    """
    names = [step.name for step in steps]
    unknown = set(options.only or ()) - set(names)
    if unknown:
        raise SystemExit(f"no step {', '.join(sorted(unknown))}; there are {names}")
    bench = Bench(options.device, options.quick, options.minutes, options.folder)
    path = options.output or (
        options.folder / "quick.csv" if options.quick else RESULTS / "gpu.csv"
    )
    # A file elsewhere begins as the one that is there, and can take its place.
    rows = [] if options.quick else read(path if path.exists() else RESULTS / "gpu.csv")
    about, measured = described(bench), []

    def record(step, row):
        row = rounded({**dict.fromkeys(COLUMNS, ""), **about, "step": step.name, **row})
        measured.append(row)
        # What a step gave before on such a device is out of date.
        new = set(map(place, measured))
        write(path, [*(r for r in rows if place(r) not in new), *measured], COLUMNS)
        shown = {name: value for name, value in row.items() if value != ""}
        print({k: v for k, v in shown.items() if k not in about}, flush=True)

    for step in steps:
        if options.only and step.name not in options.only:
            continue
        wanted = 1 if options.quick else step.seconds
        if bench.left < wanted:
            print(f"{step.name} takes {wanted} s: left out", flush=True)
            continue
        print(f"{step.name}: {bench.left:.0f} s left", flush=True)
        try:
            # Nothing settles in short fits, and a warning is not what is measured.
            with warnings.catch_warnings(), keeping_freed_memory():
                warnings.simplefilter("ignore")
                with ending_after(bench.left):
                    for row in step.measure(bench):
                        record(step, row)
        except Exception as error:
            # What is left must still be measured.
            traceback.print_exc()
            record(step, {"what": "failed", "note": f"{type(error).__name__}: {error}"})
    return measured


def described(bench):
    """What all rows say."""
    noted = bench.folder / "commit"
    name = bench.device.type
    if name == "cuda":
        name = torch.cuda.get_device_name(bench.device)
    return {
        "device": str(bench.device),
        "device_name": name,
        "precision": str(bench.precision).removeprefix("torch."),
        **provenance(noted.read_text() if noted.exists() else None),
    }


def place(row):
    """What rows of one step on one device have in common."""
    return row["step"], row["device_name"], row["precision"]


def rounded(row):
    """Figures as they are worth writing."""
    return {
        name: float(f"{value:.5g}") if isinstance(value, float | np.floating) else value
        for name, value in row.items()
    }
