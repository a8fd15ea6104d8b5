"""Made data: blobs in one of a few places, textures, vectors around centres.

Clusters are well apart, so that a few epochs of a small network find them; but for
textures, whose pixels tell little.
"""

import numpy as np

from deepcluster_sk import (
    DeepTripletClusterer,
    Reconstruction,
    TEMIClusterer,
    TripletMargin,
)

#: Where the blobs are, in pixels of an 8x8 image.
PLACES = ((1.5, 1.5), (5.5, 5.5), (1.5, 5.5), (5.5, 1.5))
#: Latent dimensions of the clusterers that :func:`quick` makes.
LATENT_DIM = 4


def quick(cls, n_clusters=3, **params):
    """Make a clusterer that trains in a blink, and never stops early."""
    settings = {
        "module__channels": (4, 8),
        "latent_dim": LATENT_DIM,
        "pretraining": pretraining(cls, 2),
        "max_epochs": 2,
        "tol": 0.0,
        "random_state": 0,
    }
    return cls(n_clusters, **{**settings, **params})


def pretraining(cls, epochs):
    """Pretraining that a clusterer does with images by default, for so many epochs."""
    if cls is TEMIClusterer:  # has none
        return None
    known = {DeepTripletClusterer: TripletMargin}
    return known.get(cls, Reconstruction)(epochs)


def make_images(n=48, n_clusters=3, n_channels=None, side=8, noise=0.05, seed=0):
    """Blobs of light.

    Returns
    -------
    X : ndarray of shape (n, side, side) or (n, n_channels, side, side), float64
        In [0, 1].
    y : ndarray of shape (n,)
    """
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % n_clusters)
    centers = np.array(PLACES)[y] * side / 8 + rng.normal(0, 0.3, (n, 2))
    grid = np.stack(np.mgrid[:side, :side], axis=-1)
    squared = ((grid - centers[:, None, None]) ** 2).sum(-1)
    X = np.exp(-squared / side) + noise * rng.random((n, side, side))
    X = X / X.max()
    if n_channels is not None:
        tints = rng.uniform(0.3, 1, (n_clusters, n_channels))[y]
        X = X[:, None] * tints[:, :, None, None]
    return X, y


def make_textures(n=48, shape=(16, 16), n_channels=1, seed=0):
    """Stripes that lean to the left or to the right, anywhere, under uneven light.

    Returns
    -------
    X : ndarray of shape (n, n_channels, *shape), float32
    y : ndarray of shape (n,)
        0 or 1.
    """
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    lean = np.where(y, 1, -1)[:, None, None]
    pitch, phase = rng.uniform((1.2, 0), (1.8, 2 * np.pi), (n, 2)).T[:, :, None, None]
    stripes = np.sin(pitch * (rows + lean * columns) + phase)
    down, right = rng.normal(0, 0.3, (2, n, 1, 1))
    noise = rng.normal(0, 0.2, (n, *shape))
    X = stripes + down * rows + right * columns + noise
    tints = rng.uniform(0.5, 1, (n, n_channels, 1, 1))
    return (X[:, None] * tints).astype(np.float32), y


def make_vectors(n=48, n_clusters=3, n_features=6, seed=0):
    """Points around centres; X of shape (n, n_features), y of shape (n,)."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % n_clusters)
    centers = rng.normal(0, 5, (n_clusters, n_features))
    return centers[y] + rng.normal(size=(n, n_features)), y
