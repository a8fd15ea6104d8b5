"""Where a fit starts its clusters from: what ``init`` may be, and what it means."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from deepcluster_sk.graph.contest import ImageKind
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.graph.start import GraphStart
from deepcluster_sk.runtime.seeding import drawn_seed
from deepcluster_sk.training.centers import (
    agglomerative_start,
    centers_of,
    checked_centers,
    kmeans_start,
    nearest,
    random_start,
    reseed_empty,
)
from deepcluster_sk.training.mixture import N_VIEWS, mixture_start


@dataclass(frozen=True)
class Start:
    """What is known of the clusters, and of the data, before a network is trained.

    Attributes
    ----------
    contrast : str
        Contrast normalisation the network sees images under.
    image_kind : {"drawing", "photograph"} or None
        None of vectors.
    graph : GraphStart or None
        The partition by graph, where `init` makes one.
    labels : ndarray of shape (n,), int64, or None
        Labels to begin from, whatever else is known: those of a fitted network that is
        trained further, or those made with samples whose cluster is known.
    """

    contrast: str
    image_kind: ImageKind | None
    graph: GraphStart | None = None
    labels: Labels | None = None

    @property
    def are_photographs(self) -> bool:
        """Whether samples are images whose neighbours in pixels tell little."""
        return self.image_kind == "photograph"


def is_by_graph(init: Any) -> bool:
    """Whether clusters start from a neighbour graph of the samples."""
    return hasattr(init, "start_of") or (isinstance(init, str) and init == "graph")


def is_clusterer(init: Any) -> bool:
    """Whether `init` is an estimator that labels what it is fitted on."""
    return hasattr(init, "fit_predict") and not isinstance(init, type)


def gives_labels(init: Any) -> bool:
    """Whether `init` is the labels of all samples."""
    is_named = isinstance(init, str) or is_clusterer(init) or callable(init)
    return not is_named and np.ndim(init) == 1


def gives_centers(init: Any) -> bool:
    """Whether `init` is centres, or a function that finds them."""
    is_named = isinstance(init, str) or is_clusterer(init)
    return not is_named and not gives_labels(init)


def check_init(
    init: Any, n_samples: int, n_clusters: int | None, latent_dim: int
) -> None:
    """Check what a user gave as the start, before any work is done.

    `n_clusters` is None where it is still to be found.

    Raises
    ------
    ValueError
        If an array is neither labels of all samples nor centres of all clusters, or
        their number is to be found; if a clusterer finds as many as it likes, or has
        parameters that are not valid.
    TypeError
        If it is a class.
    """
    if isinstance(init, type):
        name = init.__name__
        raise TypeError(f"init={name} is a class; give an object of it: {name}(...).")
    if is_clusterer(init) and not is_by_graph(init):
        _with_clusters(init, n_clusters or 1)
    if isinstance(init, str) or callable(init) or is_clusterer(init):
        return
    if n_clusters is None:
        raise ValueError(
            "init as an array is of so many clusters already: give their number as "
            "n_clusters, too, or let init find as many as are counted."
        )
    try:
        n_axes = np.ndim(init)
    except ValueError:  # ragged, which is said where centres are checked
        n_axes = 2
    if n_axes == 1:
        checked_labels(init, n_samples, n_clusters)
    else:
        checked_centers(init, n_clusters, latent_dim)


def checked_labels(init: Any, n_samples: int, n_clusters: int) -> Labels:
    """Labels as int64, or a ValueError that says what they should be.

    Parameters
    ----------
    init : array-like of shape (n_samples,), int
        In [0, n_clusters).
    """
    labels = np.asarray(init)
    expected = (
        f"init as labels must be whole numbers from 0 to n_clusters - 1 = "
        f"{n_clusters - 1}, one for each of the {n_samples} samples"
    )
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{expected}, got an array of dtype {labels.dtype}.")
    if labels.shape != (n_samples,):
        raise ValueError(f"{expected}, got {len(labels)} of them.")
    if labels.min() < 0 or labels.max() >= n_clusters:
        raise ValueError(
            f"{expected}, got labels from {labels.min()} to {labels.max()}."
        )
    return labels.astype(np.int64)


def first_clusters(
    init: Any,
    start: Start,
    latent: NDArray[np.float32],
    draw_views: Callable[[int], list[NDArray[np.float32]]],
    n_clusters: int,
    random_state: np.random.RandomState,
) -> tuple[Labels, NDArray[np.float32]]:
    """Labels of all samples and centres of all clusters that training starts from.

    Parameters
    ----------
    init
        As an estimator takes it.
    start : Start
    latent : ndarray of shape (n, latent_dim)
        Of the pretrained network.
    draw_views : callable
        Gives so many arrays like `latent`, each of one augmented view of the samples.
    n_clusters : int
    random_state : RandomState

    Returns
    -------
    labels : ndarray of shape (n,), int64
        No cluster is empty where the rows can be told apart.
    centers : ndarray of shape (n_clusters, latent_dim)
    """
    name = init if isinstance(init, str) else None
    if start.labels is not None:
        labels = start.labels
    elif start.graph is not None:
        labels = start.graph.labels
    elif name == "mixture":
        labels = mixture_start(latent, draw_views(N_VIEWS), n_clusters, random_state)
    elif name == "agglomerative":
        labels = agglomerative_start(latent, n_clusters)
    elif name == "random":
        labels = random_start(latent, n_clusters, random_state)
    elif name == "kmeans" or is_by_graph(init):
        # With too few samples for a graph, a start by graph is by k-means, too.
        labels = kmeans_start(latent, n_clusters, random_state)
    elif is_clusterer(init):
        labels = _labels_by(init, latent, n_clusters, random_state)
    elif callable(init):
        centers = init(latent, n_clusters, random_state=random_state)
        centers = checked_centers(centers, n_clusters, latent.shape[1])
        return nearest(latent, centers), centers
    elif np.ndim(init) == 1:
        labels = checked_labels(init, len(latent), n_clusters)
    else:
        centers = checked_centers(init, n_clusters, latent.shape[1])
        return nearest(latent, centers), centers
    labels = reseed_empty(latent, labels, n_clusters)
    return labels, centers_of(latent, labels, n_clusters)


def _labels_by(
    clusterer: Any,
    latent: NDArray[np.float32],
    n_clusters: int,
    random_state: np.random.RandomState,
) -> Labels:
    """Labels by a clusterer of scikit-learn, fitted on the latent; itself untouched."""
    fitted = _with_clusters(clusterer, n_clusters)
    # Whatever it is made of draws, too.
    for name, value in sorted(fitted.get_params().items()):
        if name.rpartition("__")[2] == "random_state" and value is None:
            seed = drawn_seed(random_state)
            fitted.set_params(**{name: seed})
    labels = np.asarray(fitted.fit_predict(latent))
    # Whatever labels are called; noise, -1, is a cluster like the others.
    _, labels = np.unique(labels, return_inverse=True)
    if labels.max() >= n_clusters:
        raise ValueError(
            f"init={clusterer!r} made {labels.max() + 1} clusters of the latent, but "
            f"n_clusters={n_clusters}."
        )
    return labels.astype(np.int64)


def _with_clusters(clusterer: Any, n_clusters: int) -> Any:
    """Copy a clusterer of scikit-learn, to find so many clusters where it is told.

    Raises
    ------
    ValueError
        If something else decides on their number, or a parameter is not valid.
    """
    found = clone(clusterer)
    parts = (
        [part for _, part in found.steps] if isinstance(found, Pipeline) else [found]
    )
    last = parts[-1]  # which finds clusters
    known = last.get_params(deep=False)
    if known.get("distance_threshold") is not None:
        raise ValueError(
            f"init={clusterer!r} finds as many clusters as are that far apart, and "
            "n_clusters is to decide: set its distance_threshold to None."
        )
    for name in ("n_clusters", "n_components"):
        if name in known:
            last.set_params(**{name: n_clusters})
    for part in parts:
        if hasattr(part, "_parameter_constraints"):
            part._validate_params()  # which scikit-learn leaves out within another fit
    return found
