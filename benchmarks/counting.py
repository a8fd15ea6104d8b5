"""How near does the counted number of clusters come to the number of classes?

    python -m benchmarks.counting --data FOLDER

Whole sets, some of their classes alone, single classes, and noise. Rows go to
``results/counting.csv``; ``notes/n_clusters.md`` tells how the limit was chosen.
"""

import time
import warnings
from functools import partial

import numpy as np
from sklearn.datasets import make_blobs

from benchmarks.data import load, sample
from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append_missing, read
from benchmarks.runner import parser, seeds, set_up
from deepcluster_sk.model_selection import suggest_n_clusters

PATH = RESULTS / "counting.csv"
KEY = ("set", "what", "seed")
MEASURED = ("n", "classes", "n_clusters", "lowest", "highest", "guess", "cpu_seconds")
COLUMNS = (*KEY, *MEASURED, *ABOUT)
#: Sets, and how many of their classes are taken alone.
SETS = {
    "digits": (3, 5),
    "usps": (5,),
    "usps_9298": (3,),
    "mnist": (3, 6),
    "fashion_mnist": (5,),
    "cifar10_train": (3,),
    "imagenette32": (3,),
    "cmu_pie": (10, 30),
    "coil20": (5, 10),
    "yaleb": (15,),
    "notmnist10k": (5,),
    "gtsrb": (15,),
    "neu6": (3,),
    "moco_imagenet50": (5, 10, 20, 30),
}
#: Sets of which one class is taken.
SINGLE = ("digits", "usps", "mnist", "fashion_mnist", "coil20", "moco_imagenet50")
#: Normal vectors of so many dimensions.
NOISE = (2, 10, 50)
#: Normal clouds of so many centres.
BLOBS = (3, 10, 30)


def main():
    options = parser(__doc__, sets=SETS, samples=2000, seeds=1)
    options = options.parse_args()
    set_up()
    wanted = [
        (*task, str(seed)) for seed in seeds(options) for task in tasks(options.sets)
    ]
    one = partial(measure, options=options)
    append_missing(PATH, wanted, KEY, COLUMNS, one, provenance(), options.force)
    for line in summary(read(PATH)):
        print(line)


def tasks(sets):
    """Names of the data, and what is taken of them; a set is read only once."""
    for name in sets:
        yield name, "all"
        for k in (*SETS.get(name, ()), *([1] if name in SINGLE else [])):
            yield name, f"{k} classes" if k > 1 else "1 class"
    for n in NOISE:
        yield "noise", f"{n} dimensions"
    for k in BLOBS:
        yield "blobs", f"{k} centres"


def data(name, what, seed, options):
    """Samples and classes of a task."""
    rng = np.random.default_rng(seed)
    number = 0 if what == "all" else int(what.split()[0])
    if name == "noise":
        return rng.normal(size=(1000, number)), np.zeros(1000)
    if name == "blobs":
        return make_blobs(
            2000, 10, centers=number, center_box=(-5, 5), random_state=seed
        )
    X, y = load(name, options.data)
    if number:
        kept = np.isin(y, rng.permutation(np.unique(y))[:number])
        X, y = X[kept], y[kept]
    return sample(X, y, options.samples or None, seed)


def measure(name, what, seed, options):
    """Count, and look at the classes."""
    X, y = data(name, what, int(seed), options)
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        count = suggest_n_clusters(X, random_state=int(seed), device=options.device)
    return {
        "n": len(X),
        "classes": len(np.unique(y)),
        "n_clusters": count.n_clusters,
        "lowest": count.lowest,
        "highest": count.highest,
        "guess": count.is_guess,
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def summary(rows):
    """Tell how often the count is near, where there is more than one class."""
    for title, kept in (
        ("sets and parts of them", [r for r in rows if int(r["classes"]) > 1]),
        ("those not called a guess", [r for r in rows if r["guess"] == "False"]),
    ):
        ratio = [int(r["n_clusters"]) / int(r["classes"]) for r in kept]
        error = np.abs(np.log(ratio))
        yield (
            f"{title}: {len(kept)}, median factor {np.exp(np.median(error)):.2f}, "
            f"within 10 % {near(error, 1.1):.0%}, within 35 % {near(error, 1.35):.0%}"
        )
    single = [r for r in rows if int(r["classes"]) == 1]
    ones = sum(r["n_clusters"] == "1" for r in single)
    yield f"one class and noise: {ones} of {len(single)} counted as one"


def near(error, factor):
    """Share of counts within a factor."""
    return np.mean(error <= np.log(factor) + 1e-9)


if __name__ == "__main__":
    main()
