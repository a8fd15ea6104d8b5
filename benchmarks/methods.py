"""The methods that are compared: one line of ``METHODS`` says all there is of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import normalize

from deepcluster_sk import (
    DatasetNegatives,
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    NeighborGraphClusterer,
    TEMIClusterer,
    VariationalClusterer,
)

#: Components kept before t-SNE, and for k-means on components.
COMPONENTS = 50


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


def unit_kmeans(X, n_clusters, seed):
    return cut(normalize(X.reshape(len(X), -1).astype(np.float32)), n_clusters, seed)


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


def by(make):
    """Make a method of what makes a clusterer of this package: a class, a recipe."""

    def fitted(X, n_clusters, seed, **settings):
        model = make(n_clusters, random_state=seed, **settings).fit(X)
        return Result(model.labels_, model.initial_labels_, model)

    return fitted


def autoencoder(X, n_clusters, seed, **settings):
    # What DEC starts from: the same autoencoder, the same k-means.
    return by(DECClusterer)(X, n_clusters, seed, **settings)._replace(start=None)


def graph(X, n_clusters, seed):
    model = NeighborGraphClusterer(n_clusters, random_state=seed).fit(X)
    return Result(model.labels_, None, model)


@dataclass(frozen=True)
class Method:
    """A method, and how it is run and shown.

    Attributes
    ----------
    name : str
        In commands and rows.
    label : str
        In tables.
    run : callable
        From ``X, n_clusters, seed, **settings`` to a `Result`.
    start : {"published", "graph"} or None
        Whether a clusterer of this package starts as its paper says or by the graph of
        neighbours; None is of methods without a start.
    settings : dict
        What `run` is given beyond the defaults.
    cap : int or None
        Images a method gets at most whose cost grows faster than the data.
    compared : bool
        Whether it has a row in the published comparisons.
    """

    name: str
    label: str
    run: Callable[..., Result]
    start: Literal["published", "graph"] | None = None
    settings: dict = field(default_factory=dict)
    cap: int | None = None
    compared: bool = True

    @property
    def is_deep(self):
        """Whether it is a clusterer of this package, and takes a device."""
        return self.start is not None

    def __call__(self, X, n_clusters, seed, **settings):
        """Fit; `settings` go before the method's own."""
        return self.run(X, n_clusters, seed, **{**self.settings, **settings})


METHODS = {
    method.name: method
    for method in (
        Method("k-means", "k-means on pixels", kmeans),
        Method(
            "k-means, unit vectors",
            "k-means on vectors of unit length",
            unit_kmeans,
            compared=False,
        ),
        Method("PCA + k-means", "PCA + k-means", pca_kmeans),
        Method("t-SNE + k-means", "t-SNE + k-means", tsne_kmeans, cap=12_000),
        Method("spectral", "spectral clustering of pixels", spectral, cap=12_000),
        Method(
            "autoencoder + k-means",
            "autoencoder + k-means",
            autoencoder,
            "published",
            {"max_epochs": 0},
        ),
        Method("DEC", "DEC", by(DECClusterer), "published"),
        Method(
            "DEC, published network",
            "DEC, published network",
            by(DECClusterer.from_paper),
            "published",
        ),
        Method(
            "IDEC",
            "IDEC",
            by(DECClusterer),
            "published",
            {"reconstruction_weight": 10.0},
        ),
        Method(
            "augmented DEC",
            "DEC with augmentation, start by neighbours",
            by(DECClusterer),
            "graph",
            {"augmentation": "auto", "init": "graph"},
        ),
        Method(
            "augmented DEC, own start",
            "DEC with augmentation, without a graph",
            by(DECClusterer),
            "published",
            {"augmentation": "auto"},
            compared=False,
        ),
        Method("DEPICT", "`DepictClusterer`, defaults", by(DepictClusterer), "graph"),
        Method(
            "DEPICT, own start",
            "`DepictClusterer.from_paper()`, from links in its own code",
            by(DepictClusterer.from_paper),
            "published",
            compared=False,
        ),
        Method(
            "variational",
            "`VariationalClusterer`, defaults",
            by(VariationalClusterer),
            "graph",
        ),
        Method(
            "variational, own start",
            "`VariationalClusterer.from_paper()`, without a graph",
            by(VariationalClusterer.from_paper),
            "published",
            compared=False,
        ),
        Method(
            "TEMI",
            "`TEMIClusterer`, defaults",
            by(TEMIClusterer),
            "graph",
            compared=False,
        ),
        # The paper's rule for negatives for all images at once: its loop takes ten
        # times as long.
        Method(
            "paper",
            "the paper to the letter (`from_paper(literal=True)`)",
            by(DeepTripletClusterer.from_paper),
            "published",
            {"literal": True, "negatives": DatasetNegatives()},
        ),
        Method(
            "paper's system",
            "the paper's system, without a graph (`from_paper()`)",
            by(DeepTripletClusterer.from_paper),
            "published",
        ),
        Method(
            "neighbor graph",
            "`NeighborGraphClusterer`: the graph alone, without a network",
            graph,
        ),
        Method(
            "ours",
            "`DeepTripletClusterer`, defaults",
            by(DeepTripletClusterer),
            "graph",
        ),
    )
}
#: The columns of the published comparisons.
COMPARED = tuple(name for name, method in METHODS.items() if method.compared)
