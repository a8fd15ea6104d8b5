"""Scorers for scikit-learn's model selection, and the number of clusters.

A scorer is called as ``scorer(estimator, X, y=None)`` on a fitted deep clusterer of
this package, or on a pipeline that ends in one, and higher is better. All but
``clustering_accuracy`` ignore ``y``.
"""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, check_scalar

from deepcluster_sk.augmentation.presets import apply_augmentation
from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.counting.profile import ClusterCount
from deepcluster_sk.data.batches import RowDataset, rows_to_tensor, spaced_rows
from deepcluster_sk.data.duplicates import first_copies
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.score import (
    SCORE,
    best_modularity,
    forget_scoring_graphs,
    mean_agreement,
    scoring_graphs,
)
from deepcluster_sk.losses.balance import balance_loss
from deepcluster_sk.methods.neighbor_graph.estimator import NeighborGraphClusterer
from deepcluster_sk.metrics import clustering_accuracy_scorer
from deepcluster_sk.networks.inference import collect, evaluating
from deepcluster_sk.plotting.profile import ClusterProfileDisplay
from deepcluster_sk.runtime.seeding import generator, seeded

__all__ = [
    "ClusterCount",
    "ClusterProfileDisplay",
    "forget_scoring_graphs",
    "get_scorer",
    "get_scorer_names",
    "latent_agreement",
    "modularity",
    "neighbor_agreement",
    "neighbor_modularity",
    "pixel_silhouette",
    "suggest_n_clusters",
    "view_information",
    "view_modularity",
]

Scorer = Callable[..., float]
#: Samples a silhouette is taken of, at most: its cost grows with their square.
_SILHOUETTE_SAMPLES = 2_000


def modularity(estimator: Any, X: ArrayLike, y: Any = None) -> float:
    """Modularity of the clusters on a graph no network made; the clusterer's ``score``.

    Of the label-free figures here the one to choose by.

    Parameters
    ----------
    estimator : clusterer or Pipeline
        Fitted.
    X : array-like
        As the estimator predicts; held out.
    y : Ignored

    Returns
    -------
    float
        In [-1/2, 1).
    """
    clusterer, X = _last_step(estimator, X)
    return clusterer.score(X)


def neighbor_modularity(estimator: Any, X: ArrayLike, y: Any = None) -> float:
    """Modularity of ``predict(X)`` on a graph of samples that augmentation makes alike.

    One of the two that :func:`modularity` is the mean of.

    Parameters
    ----------
    estimator : clusterer or Pipeline
        Fitted.
    X : array-like
        As the estimator predicts; held out.
    y : Ignored

    Returns
    -------
    float
        In [-1/2, 1).
    """
    clusterer, X, graphs = _with_graphs(estimator, X)
    return best_modularity(graphs, clusterer.predict(X))


def view_modularity(estimator: Any, X: ArrayLike, y: Any = None) -> float:
    """Modularity, on the same graph, of what the clusterer says of augmented views.

    The other of the two in :func:`modularity`: the cluster of a sample is the one found
    most often in eight augmented views of it.

    Parameters
    ----------
    estimator : clusterer or Pipeline
    X : array-like
    y : Ignored

    Returns
    -------
    float
        In [-1/2, 1).
    """
    clusterer, X, graphs = _with_graphs(estimator, X)
    return best_modularity(graphs, clusterer._voted_labels(*clusterer._rows(X)))


def neighbor_agreement(estimator: Any, X: ArrayLike, y: Any = None) -> float:
    """Share of the same graphs' links that join two samples of one cluster.

    It lacks the modularity's correction for chance: one cluster that holds everything
    gets 1.

    Parameters
    ----------
    estimator : clusterer or Pipeline
    X : array-like
    y : Ignored

    Returns
    -------
    float
        In [0, 1].
    """
    clusterer, X, graphs = _with_graphs(estimator, X)
    return mean_agreement(graphs, clusterer.predict(X))


def latent_agreement(estimator: Any, X: ArrayLike, y: Any = None) -> float:
    """Share of each sample's ten nearest in the latent space that are of its cluster.

    The latent space is the network's own work, and follows its mistakes.

    Parameters
    ----------
    estimator : clusterer or Pipeline
    X : array-like
    y : Ignored

    Returns
    -------
    float
        In [0, 1].
    """
    clusterer, X = _last_step(estimator, X)
    # Copies would be each other's nearest, and agree whatever they are labelled.
    asked = first_copies(clusterer._rows(X)[0])
    latent = np.asarray(clusterer.transform(X))[asked]
    labels = clusterer.predict(X)[asked]
    k = min(SCORE.n_neighbors, len(labels) - 1)
    if k < 1:
        return 1.0
    found = NearestNeighbors(n_neighbors=k).fit(latent)
    neighbors = found.kneighbors(return_distance=False)
    return float(np.mean(labels[neighbors] == labels[:, np.newaxis]))


def view_information(estimator: Any, X: ArrayLike, y: Any = None) -> float:
    """Normalised mutual information times agreement of augmented views.

    How certain the assignments are and how evenly the clusters are used, times the
    share of samples that an augmented view leaves in their cluster. Both grow while a
    net is trained on its own assignments, right or wrong.

    Parameters
    ----------
    estimator : clusterer or Pipeline
    X : array-like
    y : Ignored

    Returns
    -------
    float
        In [0, 1].
    """
    clusterer, X = _last_step(estimator, X)
    assignment = np.asarray(clusterer.predict_proba(X))
    agreement = np.mean(assignment.argmax(1) == _labels_of_views(clusterer, X))
    return float(agreement * _normalized_information(assignment))


def pixel_silhouette(estimator: Any, X: ArrayLike, y: Any = None) -> float:
    """Silhouette of the clusters among principal components of the samples.

    Of up to 2,000 samples; 32 components of the scaled pixels or features.

    Parameters
    ----------
    estimator : clusterer or Pipeline
    X : array-like
    y : Ignored

    Returns
    -------
    float
        In [-1, 1]; -1 where all samples are in one cluster, or each in its own.
    """
    clusterer, X = _last_step(estimator, X)
    rows, layout = clusterer._rows(X)
    sample = spaced_rows(len(rows), _SILHOUETTE_SAMPLES)
    labels, rows = clusterer.predict(X)[sample], rows[sample]
    if not 1 < len(np.unique(labels)) < len(labels):
        return -1.0
    reader = clusterer._fitted_reader(layout)
    pixels = reader.read(rows_to_tensor(rows), torch.device("cpu"))
    flat = pixels.flatten(1).numpy()
    components = PCA(min(32, *flat.shape), random_state=0).fit_transform(flat)
    return float(silhouette_score(components, labels))


_SCORERS: dict[str, Scorer] = {
    "clustering_accuracy": clustering_accuracy_scorer,
    "latent_agreement": latent_agreement,
    "modularity": modularity,
    "neighbor_agreement": neighbor_agreement,
    "neighbor_modularity": neighbor_modularity,
    "pixel_silhouette": pixel_silhouette,
    "view_information": view_information,
    "view_modularity": view_modularity,
}


def get_scorer(name: str) -> Scorer:
    """Look up a scorer for the ``scoring=`` of scikit-learn's model selection.

    Parameters
    ----------
    name : str
        One of :func:`get_scorer_names`.

    Returns
    -------
    callable
        ``scorer(estimator, X, y=None) -> float``, higher is better.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> from deepcluster_sk.model_selection import get_scorer, get_scorer_names
    >>> scoring = {name: get_scorer(name) for name in get_scorer_names()}
    """
    if name not in _SCORERS:
        raise ValueError(
            f"There is no scorer {name!r}; the names are {get_scorer_names()}. "
            "scikit-learn's own go into scoring= by their names."
        )
    return _SCORERS[name]


def get_scorer_names() -> list[str]:
    """Names that :func:`get_scorer` knows.

    Returns
    -------
    list of str
        Sorted.
    """
    return sorted(_SCORERS)


def suggest_n_clusters(
    X: ArrayLike, *, max_clusters: int | None = None, **params: Any
) -> ClusterCount:
    """Count the clusters of images or vectors, and tell what else they might be.

    As ``n_clusters="auto"`` does in a fit, but without one: some seconds. No count
    without labels is reliable, so look at the candidates before you believe it.

    Parameters
    ----------
    X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
        Images or feature vectors. Up to 2,000 of them are looked at.
    max_clusters : int, default=None
        The most clusters there may be. None is 160, or a fifteenth of the samples that
        are looked at if that is less.
    **params
        Parameters of :class:`~deepcluster_sk.NeighborGraphClusterer`, such as
        `random_state` and `image_shape`.

    Returns
    -------
    count : ClusterCount
        Its `n_clusters`, `lowest` and `highest`, ``candidates()``, ``labels_at(k)`` for
        the samples in its `nodes`, and the `profile` to be drawn by
        :class:`~deepcluster_sk.plotting.ClusterProfileDisplay`.

    Raises
    ------
    ValueError, TypeError
        If a parameter or `X` cannot be used.

    See Also
    --------
    deepcluster_sk.plotting.ClusterProfileDisplay : A picture to decide by.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from deepcluster_sk.model_selection import suggest_n_clusters
    >>> X, _ = make_blobs(300, n_features=8, centers=4, random_state=0)
    >>> count = suggest_n_clusters(X, random_state=0)
    >>> count.n_clusters
    4
    >>> labels = count.labels_at(3)  # of X[count.nodes]
    """
    bounds: NClusters = "auto"
    if max_clusters is not None:
        check_scalar(max_clusters, "max_clusters", Integral, min_val=1)
        bounds = (1, max_clusters)
    clusterer = NeighborGraphClusterer(bounds, **params)
    clusterer._validate_params()
    return clusterer._count(clusterer._prepare(X))


def _last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Clusterer of a pipeline and what reaches it; of anything else, itself."""
    if isinstance(estimator, Pipeline):
        if len(estimator.steps) > 1:
            X = estimator[:-1].transform(X)
        return _last_step(estimator.steps[-1][1], X)
    if not isinstance(estimator, BaseDeepClusterer):
        raise TypeError(
            "The scorer needs a deep clusterer of deepcluster_sk, or a pipeline that "
            f"ends in one, got {type(estimator).__name__}."
        )
    check_is_fitted(estimator)
    return estimator, X


def _with_graphs(estimator: Any, X: Any) -> tuple[Any, Any, list[Graph]]:
    """Clusterer an estimator ends in, its input, and the graphs to judge it by."""
    clusterer, X = _last_step(estimator, X)
    rows, layout = clusterer._rows(X)
    return clusterer, X, scoring_graphs(rows, layout, clusterer.net_.torch_device)


def _labels_of_views(clusterer: Any, X: Any) -> NDArray[np.int64]:
    """Cluster of one augmented view of each sample."""
    rows, layout = clusterer._rows(X)
    net = clusterer.net_
    augmentation = clusterer._augmentation(layout, clusterer.image_kind_)
    device = net.torch_device
    random = generator(SCORE.seed, device)

    def label(x: torch.Tensor) -> torch.Tensor:
        view = apply_augmentation(augmentation, x, random)
        return net.module_.embed(view).log_assignment.argmax(1)

    reader = clusterer._fitted_reader(layout)
    with seeded(SCORE.seed, device), evaluating(net.module_):
        return collect(label, RowDataset(rows), reader, device).cpu().numpy()


def _normalized_information(assignment: NDArray[Any]) -> float:
    """Mutual information of sample and cluster over its largest value, log K."""
    n_clusters = assignment.shape[1]
    if n_clusters == 1:
        return 1.0
    log_assignment = torch.from_numpy(assignment).clamp_min(1e-30).log()
    return float(-balance_loss(log_assignment)) / float(np.log(n_clusters))
