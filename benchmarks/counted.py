"""What does it cost to have clusters counted, and what becomes of them?

    python -m benchmarks.counted --data FOLDER

`NeighborGraphClusterer` with the number of classes given, and with "auto", one after
the other. Rows go to ``results/counted.csv``.
"""

import time
from functools import partial

import numpy as np
from sklearn.metrics import normalized_mutual_info_score

from benchmarks.data import load, sample
from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append_missing
from benchmarks.runner import parser, seeds, set_up
from deepcluster_sk import NeighborGraphClusterer

PATH = RESULTS / "counted.csv"
KEY = ("set", "seed")
MEASURED = (
    *("n", "classes", "n_clusters", "nmi_given", "nmi_counted"),
    *("cpu_given", "cpu_counted"),
)
COLUMNS = (*KEY, *MEASURED, *ABOUT)
SETS = ("digits", "usps", "cmu_pie", "coil20", "mnist")


def main():
    options = parser(__doc__, sets=SETS, samples=10_000, seeds=1).parse_args()
    set_up()
    tasks = [(name, str(seed)) for seed in seeds(options) for name in options.sets]
    one = partial(measure, options=options)
    append_missing(PATH, tasks, KEY, COLUMNS, one, provenance(), options.force)


def measure(name, seed, options):
    """Fit both ways, and look at the classes."""
    X, y = sample(*load(name, options.data), options.samples or None, int(seed))
    n_classes = len(np.unique(y))
    row = {"n": len(X), "classes": n_classes}
    for what, n_clusters in (("given", n_classes), ("counted", "auto")):
        model = NeighborGraphClusterer(
            n_clusters, random_state=int(seed), device=options.device
        )
        began = time.process_time()
        model.fit(X)
        row[f"cpu_{what}"] = round(time.process_time() - began, 1)
        nmi = normalized_mutual_info_score(y, model.labels_)
        row[f"nmi_{what}"] = round(float(nmi), 3)
        row["n_clusters"] = model.n_clusters_
    return row


if __name__ == "__main__":
    main()
