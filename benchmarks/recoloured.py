"""Are objects still found where each image has light, or colours, of its own?

    python -m benchmarks.recoloured --data FOLDER

Half of the images inverted at random, each painted in two colours drawn at random, or
each lit from a side drawn at random: what an image shows is the same, and classes are.
The accuracy of the default, of the graph alone, and of the graph under the contrast
"image", which sees what was changed.
Rows go to ``results/recoloured.csv``; the sets are those of ``benchmarks.protocol``
whose images are grey, of both halves.
"""

from functools import partial

import numpy as np

from benchmarks.data import load, sample
from benchmarks.protocol import HALVES
from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append_missing
from benchmarks.runner import parser, seeds, set_up
from deepcluster_sk import (
    DeepTripletClusterer,
    NeighborGraphClusterer,
    clustering_accuracy_score,
)

PATH = RESULTS / "recoloured.csv"
KEY = ("set", "change", "seed")
COLUMNS = (*KEY, "half", "n", "classes", "contrast", "ours", "graph", "image", *ABOUT)
SETS = ("digits", "usps", "fashion_mnist", "mnist", "notmnist10k", "coil20", "cmu_pie")
#: Ink and ground differ by this much, of 255, in the mean over channels, or more.
LEAST_APART = 50


def inverted(X, rng):
    """Half of the images, ``(n, H, W)`` in [0, 1], with light and dark exchanged."""
    return np.where(rng.random(len(X))[:, None, None] < 0.5, 1 - X, X)


def painted(X, rng):
    """Images ``(n, H, W, 3)`` in two colours each: one for 1, another for 0."""
    ink, ground = rng.uniform(0, 255, (2, len(X), 1, 1, 3))
    alike = abs((ink - ground).mean(-1)).ravel() < LEAST_APART
    ground[alike] = (ink[alike] + 128) % 256
    return ground + X[..., None] * (ink - ground)


def lit(X, rng):
    """Images ``(n, H, W)`` under light that grows along a direction drawn for each."""
    side = rng.uniform(0, 2 * np.pi, (len(X), 1, 1))
    down, across = (np.linspace(-1, 1, n) for n in X.shape[1:])
    light = np.cos(side) * across + np.sin(side) * down[:, None]
    return np.clip(0.4 * X + 0.3 + 0.3 * light, 0, 1)


CHANGES = {
    "none": lambda X, rng: X,
    "inverted": inverted,
    "painted": painted,
    "lit": lit,
}


def main():
    options = parser(__doc__, sets=SETS, samples=1_500, seeds=1).parse_args()
    set_up()
    tasks = [
        (name, change, str(seed))
        for seed in seeds(options)
        for name in options.sets
        for change in CHANGES
    ]
    one = partial(measure, options=options)
    append_missing(PATH, tasks, KEY, COLUMNS, one, provenance(), options.force)


def measure(name, change, seed, options):
    """Fit all three on the changed images."""
    X, y = sample(*load(name, options.data), options.samples or None, int(seed))
    X = CHANGES[change](X / X.max(), np.random.default_rng(int(seed)))
    X = np.round(255 * X / X.max()).astype(np.uint8)
    k = len(np.unique(y))
    settings = {"random_state": int(seed), "device": options.device}
    ours = DeepTripletClusterer(k, **settings).fit(X)
    graph = NeighborGraphClusterer(k, **settings).fit(X)
    image = NeighborGraphClusterer(k, contrast="image", **settings).fit(X)
    found = {"ours": ours, "graph": graph, "image": image}
    return {
        "half": next(half for half, names in HALVES.items() if name in names),
        "n": len(X),
        "classes": k,
        "contrast": ours.contrast_,
        **{
            what: round(clustering_accuracy_score(y, model.labels_), 3)
            for what, model in found.items()
        },
    }


if __name__ == "__main__":
    main()
