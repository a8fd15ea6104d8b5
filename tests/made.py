"""Made data: small images of a blob in one of a few places, vectors around centres.

Clusters are well apart, so that a few epochs of a small network find them.
"""

import numpy as np

#: Where the blobs are, in pixels of an 8x8 image.
PLACES = ((1.5, 1.5), (5.5, 5.5), (1.5, 5.5), (5.5, 1.5))
#: Settings of a clusterer that trains in a blink, and never stops early.
QUICK = {
    "channels": (4, 8),
    "latent_dim": 4,
    "pretrain_epochs": 2,
    "max_epochs": 2,
    "tol": 0.0,
}


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


def make_vectors(n=48, n_clusters=3, n_features=6, seed=0):
    """Points around centres; X of shape (n, n_features), y of shape (n,)."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % n_clusters)
    centers = rng.normal(0, 5, (n_clusters, n_features))
    return centers[y] + rng.normal(size=(n, n_features)), y
