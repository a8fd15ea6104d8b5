"""Interrupts and kills: is a fit that was cut short ever taken for a whole one?

    python -m benchmarks.robustness.interruptions --interrupts 40 --kills 24 --seed 0

Ctrl-C at a random moment must end a fit that has no clusters yet, or leave a model that
predicts and says that it was interrupted, or come after the end; a fit in another
process is killed at a random moment, with a cache, and the next one must find what an
undisturbed fit does. Anything else is a fault. Rows go to
``results/robustness_interruptions.csv``.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from benchmarks.provenance import provenance
from benchmarks.runner import RESULTS, write
from deepcluster_sk import DeepTripletClusterer, TripletMargin

EPOCHS = 3
#: What another process does: the same fit.
CODE = (
    "import sys; from benchmarks.robustness.interruptions import fit; fit(sys.argv[1])"
)


def images():
    random = np.random.default_rng(0)
    y = np.arange(150) % 3
    return np.eye(3)[y][:, :, None].repeat(8, 2).repeat(3, 1)[:, :8] + random.random(
        (150, 8, 8)
    )


def fit(memory=None):
    """Fit through every stage: start, pretraining, second look, joint training."""
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return DeepTripletClusterer(
            3,
            pretraining=TripletMargin(EPOCHS),
            max_epochs=EPOCHS,
            tol=0.0,
            memory=memory,
            random_state=0,
        ).fit(images())


def interrupted(delay, whole):
    """Interrupt a fit after so many seconds; say what came of it."""
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    model = None
    try:
        timer.start()
        model = fit()
        timer.join()
        time.sleep(0.01)  # one that is still under way arrives here
    except KeyboardInterrupt:
        pass
    if model is None:
        return "ended"
    if model.interrupted_ is not None:
        usable = np.array_equal(model.labels_, model.predict(images()))
        short = len(model.history_) < 2 * EPOCHS
        return f"model, {model.interrupted_}" if usable and short else "fault"
    same = np.array_equal(model.labels_, whole.labels_)
    return "whole" if same and len(model.history_) == 2 * EPOCHS else "fault"


def killed(delay, whole):
    """Kill a fit with a cache after so many seconds, and fit again with the cache."""
    with tempfile.TemporaryDirectory() as memory:
        process = subprocess.Popen([sys.executable, "-c", CODE, memory])
        time.sleep(delay)
        process.kill()
        process.wait()
        again = fit(memory)
    same = np.array_equal(again.transform(images()), whole.transform(images()))
    return "whole" if same else "fault"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--interrupts", type=int, default=40)
    options.add_argument("--kills", type=int, default=24)
    options.add_argument("--seed", type=int, default=0)
    options = options.parse_args()
    random = np.random.default_rng(options.seed)
    # A shell that runs this in the background has Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fit()  # the first one also imports
    started = time.perf_counter()
    whole = fit()
    takes = time.perf_counter() - started
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as memory:
        subprocess.run([sys.executable, "-c", CODE, memory], check=True)
    takes_process = time.perf_counter() - started
    counts = Counter()
    for _ in range(options.interrupts):
        counts["interrupt", interrupted(random.uniform(0, takes), whole)] += 1
    for _ in range(options.kills):
        delay = takes_process * random.uniform(0.3, 1)  # after the imports
        counts["kill", killed(delay, whole)] += 1
    about = {"seed": options.seed, "commit": provenance()["commit"]}
    rows = [
        {"what": what, "outcome": found, "count": count, **about}
        for (what, found), count in sorted(counts.items())
    ]
    columns = ("what", "outcome", "count", "seed", "commit")
    write(RESULTS / "robustness_interruptions.csv", rows, columns)
    for row in rows:
        print(row)
    nothing_cut_short = counts["interrupt", "whole"] == options.interrupts > 0
    return nothing_cut_short or any(row["outcome"] == "fault" for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
