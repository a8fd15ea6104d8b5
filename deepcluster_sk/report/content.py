"""What a report tells, as numbers and words that a page can hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from deepcluster_sk.base.calibration import Assessment
from deepcluster_sk.counting.tree import top_of
from deepcluster_sk.graph.neighbors import view_neighbors

#: What of an epoch is no curve.
_NO_CURVES = frozenset({"epoch", "dur"})


@dataclass(frozen=True)
class ReportSettings:
    """How much of each sample a report tells."""

    n_neighbors: int = 12
    """Neighbours shown beside a picture: two rows of six."""
    n_probabilities: int = 5
    """Clusters whose probability is shown, the most probable."""
    most_by_tsne: int = 5_000
    """Samples up to which the map is by t-SNE (half a minute on one core); above, it is
    the first two principal components."""
    map_side: int = 4_095
    """Steps of a coordinate of the map: three digits a number, finer than a screen."""


REPORT = ReportSettings()


def content_of(
    model: Any,
    X: Any,
    files: Sequence[str],
    assessment: Assessment | None,
) -> dict[str, Any]:
    """Gather what a fitted clusterer says of samples.

    Parameters
    ----------
    model : BaseDeepClusterer
        Fitted.
    X : array-like
        Of n samples.
    files : sequence of str
        Names of the samples; none where they have none.
    assessment : Assessment or None
        How far they can be trusted; None asks the model.

    Returns
    -------
    dict
        Strings, numbers, and lists and dicts of them; of each sample one entry in
        every list.
    """
    found = model.assess(X) if assessment is None else assessment
    # A copy: it may be set to give tables, whose arrays cannot be written to.
    latent = np.array(model.transform(X))
    labels = found.probabilities.argmax(axis=1)
    shown = found.probabilities if found.calibrated is None else found.calibrated
    start = model.initial_labels_
    fitted_on = np.array_equal(labels, model.labels_)
    return {
        "method": type(model).__name__,
        "nClusters": int(model.n_clusters_),
        "tree": [_rounded(row, 4) for row in _tree(model)],
        "names": list(model.cluster_names_),
        "summary": model.summary(),
        "files": list(files),
        "labels": labels.tolist(),
        "start": start.tolist() if fitted_on else [],
        "confidence": _rounded(found.confidence, 3),
        "typicality": _rounded(typicality(latent, labels), 3),
        "probabilities": _most_probable(shown),
        "temperature": None if found.calibrated is None else found.temperature,
        "own": _rounded(found.probabilities.max(axis=1), 3),
        "neighbors": _neighbors(latent),
        "map": _steps(plane(latent)),
        "mapBy": map_name(len(latent)),
        "curves": curves(model.history_),
        "phases": [row["phase"] for row in model.history_],
    }


def typicality(latent: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """How near each sample is to the middle of its cluster, of all in it: 0 to 1.

    Parameters
    ----------
    latent : ndarray of shape (n, d)
    labels : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        Share of the cluster's samples that are as far from their mean or further.
    """
    found = np.empty(len(latent))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        distances = np.linalg.norm(latent[members] - latent[members].mean(0), axis=1)
        found[members[np.argsort(distances, kind="stable")]] = 1 - np.arange(
            len(members)
        ) / len(members)
    return found


def map_name(n: int) -> str:
    """Name of the method that lays so many samples out on a plane."""
    return "t-SNE" if 8 <= n <= REPORT.most_by_tsne else "PCA"


def plane(latent: NDArray[Any]) -> NDArray[np.float64]:
    """Lay samples out on a plane, near where they are near in the latent space.

    Parameters
    ----------
    latent : ndarray of shape (n, d)

    Returns
    -------
    ndarray of shape (n, 2)
        The same for the same latent.
    """
    n = len(latent)
    found = np.zeros((n, 2))
    if not np.ptp(latent, axis=0).any():
        return found
    if map_name(n) == "t-SNE":
        perplexity = min(30.0, (n - 1) / 3)
        method = TSNE(perplexity=perplexity, random_state=0, init="random")
        return np.asarray(method.fit_transform(latent), np.float64)
    width = min(2, *latent.shape)
    found[:, :width] = PCA(width, random_state=0).fit_transform(latent)
    return found


def curves(history: Sequence[dict[str, Any]]) -> dict[str, list[float | None]]:
    """Values of every number that changed between epochs, None where there is none.

    Parameters
    ----------
    history : sequence of dict
        ``history_`` of a clusterer.
    """
    found: dict[str, list[float | None]] = {}
    names = {name for row in history for name in row} - _NO_CURVES
    for name in sorted(names):  # a saved history has another order
        values = [_number(row.get(name)) for row in history]
        if len({value for value in values if value is not None}) > 1:
            found[name] = values
    return found


def _tree(model: Any) -> NDArray[np.float64]:
    """Tree over the clusters; of models that 0.1.0 saved, none."""
    known = getattr(model, "cluster_tree_", np.empty((0, 4)))
    return top_of(known, model.n_clusters_) if len(known) else known


def _number(value: Any) -> float | None:
    # A bool counts as an int: flags are no curves.
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    number = float(value)
    return float(f"{number:.4g}") if np.isfinite(number) else None


def _most_probable(probabilities: NDArray[Any]) -> list[list[list[float]]]:
    """Clusters of each sample and their probabilities, the most probable first."""
    n = REPORT.n_probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :n]
    shares = np.take_along_axis(probabilities, order, 1)
    return [
        [[int(k), round(float(q), 3)] for k, q in zip(ks, qs, strict=True)]
        for ks, qs in zip(order, shares, strict=True)
    ]


def _neighbors(latent: NDArray[Any]) -> list[list[int]]:
    """Find the samples nearest to each in the latent space, nearest first."""
    k = min(REPORT.n_neighbors, len(latent) - 1)
    if k < 1:
        return [[] for _ in latent]
    points = torch.from_numpy(np.ascontiguousarray(latent))
    found = view_neighbors(points, [points], k, same=True)
    return found.indices.tolist()


def _steps(points: NDArray[Any]) -> list[list[int]]:
    """Coordinates as whole steps from 0, in proportion."""
    low = points.min(axis=0)
    extent = float(np.ptp(points, axis=0).max()) or 1.0
    return np.rint((points - low) / extent * REPORT.map_side).astype(int).tolist()


def _rounded(values: NDArray[Any], digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]
