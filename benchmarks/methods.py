"""The methods that are compared: ``METHODS[name](X, n_clusters, seed, **settings)``."""

from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    VariationalClusterer,
)

#: Methods whose cost grows faster than the data get a sample of at most so many images.
CAPS = {"t-SNE + k-means": 12_000, "spectral": 12_000}
#: Components kept before t-SNE, and for k-means on components.
COMPONENTS = 50
#: Our network and losses where the paper starts and what it trains on: here the terms
#: have work to do, while the defaults train on the labels of a good start.
SELF_TRAINING = {
    "init": "kmeans",
    "contrast": "none",
    "anchoring": 0,
    "n_restarts": 0,
    "pretraining": "reconstruction",
}
#: The paper's schedule, from the notes of DeepTripletClusterer. Negatives are drawn by
#: the paper's rule for all images at once, since its loop takes ten times as long. The
#: paper does not say how long it trains: this is longer than our defaults do.
PAPER = {
    **SELF_TRAINING,
    "beta": 0.8,
    "radius": None,
    "kernel_power": 1,
    "n_views": 1,
    "pull_views": False,
    "negatives": "bulk",
    "pretrain_omega": 0,
    "pretrain_epochs": 3,
    "lr_schedule": None,
    "max_epochs": 20,
}
#: DEC with views to learn from, and the start that its siblings have by default.
AUGMENTED = {"augmentation": "auto", "init": "consensus", "contrast": "auto"}
#: The network of DEC's paper, in place of ours.
PUBLISHED_DEC = {"architecture": "mlp", "channels": (500, 500, 2000)}


class Result(NamedTuple):
    """Clusters, those of the start where there is one, and the fitted estimator."""

    labels: np.ndarray
    start: np.ndarray | None = None
    model: object = None


def pixels(X):
    return X.reshape(len(X), -1).astype(np.float32) / max(1, np.abs(X).max())


def components(X, seed):
    rows = pixels(X)
    n_components = min(COMPONENTS, *rows.shape)
    return PCA(n_components, random_state=seed).fit_transform(rows)


def cut(rows, n_clusters, seed):
    model = KMeans(n_clusters, n_init=10, random_state=seed)
    return Result(model.fit_predict(rows))


def kmeans(X, n_clusters, seed):
    return cut(pixels(X), n_clusters, seed)


def pca_kmeans(X, n_clusters, seed):
    return cut(components(X, seed), n_clusters, seed)


def tsne_kmeans(X, n_clusters, seed):
    plane = TSNE(random_state=seed).fit_transform(components(X, seed))
    return cut(plane, n_clusters, seed)


def spectral(X, n_clusters, seed):
    model = SpectralClustering(
        n_clusters, affinity="nearest_neighbors", n_neighbors=10, random_state=seed
    )
    return Result(model.fit_predict(pixels(X)))


def fitted(kind, X, n_clusters, seed, settings):
    model = kind(n_clusters, random_state=seed, **settings).fit(X)
    return Result(model.labels_, model.initial_labels_, model)


def autoencoder(X, n_clusters, seed, **settings):
    # What DEC starts from: the same autoencoder, the same k-means.
    return dec(X, n_clusters, seed, max_epochs=0, **settings)._replace(start=None)


def dec(X, n_clusters, seed, **settings):
    return fitted(DECClusterer, X, n_clusters, seed, settings)


def idec(X, n_clusters, seed, **settings):
    return dec(X, n_clusters, seed, reconstruction_weight=10.0, **settings)


def published_dec(X, n_clusters, seed, **settings):
    return dec(X, n_clusters, seed, **{**PUBLISHED_DEC, **settings})


def augmented_dec(X, n_clusters, seed, **settings):
    return dec(X, n_clusters, seed, **{**AUGMENTED, **settings})


def depict(X, n_clusters, seed, **settings):
    return fitted(DepictClusterer, X, n_clusters, seed, settings)


def variational(X, n_clusters, seed, **settings):
    return fitted(VariationalClusterer, X, n_clusters, seed, settings)


def paper(X, n_clusters, seed, **settings):
    return ours(X, n_clusters, seed, **{**PAPER, **settings})


def self_training(X, n_clusters, seed, **settings):
    return ours(X, n_clusters, seed, **{**SELF_TRAINING, **settings})


def ours(X, n_clusters, seed, **settings):
    return fitted(DeepTripletClusterer, X, n_clusters, seed, settings)


METHODS = {
    "k-means": kmeans,
    "PCA + k-means": pca_kmeans,
    "t-SNE + k-means": tsne_kmeans,
    "spectral": spectral,
    "autoencoder + k-means": autoencoder,
    "DEC": dec,
    "DEC, published network": published_dec,
    "IDEC": idec,
    "augmented DEC": augmented_dec,
    "DEPICT": depict,
    "variational": variational,
    "paper": paper,
    "self-training": self_training,
    "ours": ours,
}
#: Those that take settings of an estimator, such as its device.
DEEP = (
    "autoencoder + k-means",
    "DEC",
    "DEC, published network",
    "IDEC",
    "augmented DEC",
    "DEPICT",
    "variational",
    "paper",
    "self-training",
    "ours",
)
#: The columns of the published comparisons.
COMPARED = tuple(name for name in METHODS if name != "self-training")
