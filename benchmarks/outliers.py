"""Are samples that belong to no data set told from those that do?

    python -m benchmarks.outliers --data FOLDER

Noise, images turned into their negatives, whose pixels change places, of which the
upper half is another's, and all of one class that was not fitted on; beside images held
out, which are none of it. Rows go to ``results/outliers.csv``.
"""

from functools import partial

import numpy as np

from benchmarks.data import load
from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append_missing
from benchmarks.runner import parser, seeds, set_up
from deepcluster_sk import NeighborGraphClusterer

PATH = RESULTS / "outliers.csv"
KEY = ("set", "seed")
#: Shares of what is labelled -1.
MEASURED = (
    *("n", "fitted", "held_out", "noise", "negative", "shuffled", "halves"),
    "other_class",
)
COLUMNS = (*KEY, *MEASURED, *ABOUT)
SETS = (
    *("digits", "usps", "mnist", "fashion_mnist", "coil20", "cmu_pie"),
    *("moco_imagenet50", "imagenette32"),
)
#: Samples of each kind that are judged.
JUDGED = 400


def main():
    options = parser(__doc__, sets=SETS, samples=2_000, seeds=1).parse_args()
    set_up()
    tasks = [(name, str(seed)) for seed in seeds(options) for name in options.sets]
    one = partial(measure, options=options)
    append_missing(PATH, tasks, KEY, COLUMNS, one, provenance(), options.force)


def measure(name, seed, options):
    """Fit two thirds of the samples of all classes but one, and judge the others."""
    rng = np.random.default_rng(int(seed))
    X, y = load(name, options.data)
    order = rng.permutation(len(X))
    X, y = np.asarray(X)[order], y[order]
    other = y == rng.choice(np.unique(y))
    unseen, X = X[other], X[~other]
    n = min(options.samples, 2 * len(X) // 3)
    model = NeighborGraphClusterer(
        len(np.unique(y)) - 1, random_state=int(seed), device=options.device
    ).fit(X[:n])
    held_out = X[n : n + JUDGED]
    kinds = {
        "fitted": X[:n],
        "held_out": held_out,
        "other_class": unseen[:JUDGED],
        **odd(held_out, rng),
    }
    shares = {
        kind: np.mean(model.predict(Z, outliers=True) < 0) for kind, Z in kinds.items()
    }
    return {
        "n": n,
        **{
            kind: round(float(shares[kind]), 3) if kind in shares else ""
            for kind in MEASURED[1:]
        },
    }


def odd(X, rng):
    """Samples of the range of others that are none; of vectors fewer kinds."""
    low, high, flat = X.min(), X.max(), X.reshape(len(X), -1)
    if X.ndim == 2:
        # Each number from another sample: of each alone nothing is odd.
        return {"shuffled": rng.permuted(X, axis=0)}
    half = X.shape[1] // 2
    halves = np.concatenate([X[:, :half], rng.permutation(X)[:, half:]], axis=1)
    return {
        "noise": rng.uniform(low, high, X.shape),
        "negative": low + (high - X),
        "shuffled": rng.permuted(flat, axis=1).reshape(X.shape),
        "halves": halves,
    }


if __name__ == "__main__":
    main()
