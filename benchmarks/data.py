"""Images the benchmarks run on, and samples of them. Labels are for evaluation."""

import io
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from deepcluster_sk.datasets import load_dataset


@lru_cache(maxsize=1)
def load(name, folder=None):
    """Read a set: the digits of scikit-learn, a file of the folder, or OpenML's."""
    if name == "digits":
        digits = load_digits()
        return digits.images, digits.target
    if folder is not None:
        parts = sorted(Path(folder).glob(f"{name}_*of*.npz"))
        if parts:
            images, labels = zip(*map(read_part, parts), strict=True)
            return np.concatenate(images), np.concatenate(labels)
    return load_dataset(name, folder=folder)


def read_part(path):
    """Decode ``NAME_1of2.npz``: pictures end to end in `webp`, cut at `offsets`."""
    from PIL import Image

    with np.load(path) as archive:
        blob, offsets, y = archive["webp"].tobytes(), archive["offsets"], archive["y"]
    images = [
        np.asarray(Image.open(io.BytesIO(blob[start:stop])).convert("RGB"))
        for start, stop in pairwise(offsets)
    ]
    return np.stack(images), y.astype(np.int64)


def sampling(total, samples):
    """Say which of `total` images are used, as the tables say it."""
    if samples is None or samples >= total:
        return "all"
    return f"{samples} of {total}, drawn anew for each seed"


def sample(X, y, samples, seed):
    """Images drawn without regard to class; all, in their order, if there are fewer."""
    if samples is None or samples >= len(X):
        return X, y
    chosen = np.random.default_rng(seed).permutation(len(X))[:samples]
    return X[chosen], y[chosen]


def imbalanced(X, y, r_min, seed):
    """Keep class k with a probability that rises linearly from `r_min` to 1."""
    classes, codes = np.unique(y, return_inverse=True)
    keep = np.linspace(r_min, 1, len(classes))[codes]
    chosen = np.random.default_rng(seed).random(len(y)) < keep
    return X[chosen], y[chosen]


def long_tailed(X, y, r_min, seed):
    """Keep the largest class whole, of the next ever less, of the rarest `r_min`.

    Each keeps the same share of what the one before keeps; which class is how rare is
    drawn.
    """
    random = np.random.default_rng(seed)
    classes, codes = np.unique(y, return_inverse=True)
    keep = random.permutation(np.geomspace(r_min, 1, len(classes)))[codes]
    chosen = random.random(len(y)) < keep
    return X[chosen], y[chosen]
