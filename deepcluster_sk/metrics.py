"""Scores that compare a clustering with known classes.

Cluster numbers are arbitrary, so each function here first pairs clusters with
classes. For scores that need no pairing (normalised mutual information, adjusted
Rand index) use :mod:`sklearn.metrics`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import make_scorer
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

__all__ = [
    "MatchedConfusion",
    "clustering_accuracy_score",
    "clustering_accuracy_scorer",
    "confusion",
]


class MatchedConfusion(NamedTuple):
    """Counts of class against cluster, with the clusters in matched order.

    Attributes
    ----------
    matrix : ndarray of shape (n_classes, n_found), int64
        ``matrix[i, j]`` counts the samples of class ``row_labels[i]`` that lie in
        cluster ``column_labels[j]``.
    row_labels : ndarray of shape (n_classes,)
        The classes, sorted.
    column_labels : ndarray of shape (n_found,)
        The clusters: first those paired with a class, in the order of their
        classes, then the rest, sorted. Where there are at least as many clusters
        as classes the matched counts are the diagonal of ``matrix``.
    """

    matrix: NDArray[np.int64]
    row_labels: NDArray[Any]
    column_labels: NDArray[Any]


def clustering_accuracy_score(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """Share of samples that agree with their class under the best matching.

    Each cluster is paired with at most one class, and each class with at most one
    cluster, so that as many samples as possible lie in the cluster of their class
    (Eq. 8 of [1]_). Samples in a cluster without a class count as errors.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes: integers, strings or booleans.
    labels_pred : array-like of shape (n_samples,)
        Clusters, under any names and in any number.

    Returns
    -------
    accuracy : float
        Between 0 (excluded) and 1, where 1 means the same partition.

    Raises
    ------
    ValueError
        If the lengths differ, there are no samples, an input is not
        one-dimensional, or holds missing or fractional values.

    See Also
    --------
    confusion : The counts behind this score.
    sklearn.metrics.normalized_mutual_info_score : A score without a matching.

    Notes
    -----
    The matching is a linear assignment problem, solved exactly in
    :math:`O(K^3)` for K clusters and K classes.

    References
    ----------
    .. [1] Das, Ghosh, Bhowmick (2019). Deep representation learning characterized by
       inter-class separation for image clustering. arXiv:1901.06474.

    Examples
    --------
    >>> from deepcluster_sk.metrics import clustering_accuracy_score
    >>> clustering_accuracy_score(["cat", "cat", "dog", "dog"], [1, 1, 0, 1])
    0.75
    """
    counts, _, _ = _contingency(labels_true, labels_pred)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(counts[rows, columns].sum() / counts.sum())


clustering_accuracy_scorer = make_scorer(clustering_accuracy_score)
"""Scorer ``(estimator, X, y)`` for ``scoring=`` in scikit-learn's model selection.

It calls ``estimator.predict(X)`` and compares with y by
:func:`clustering_accuracy_score`. It reads the true classes: choose models with it
only where a labelled subset may guide the clustering.
"""


def confusion(labels_true: ArrayLike, labels_pred: ArrayLike) -> MatchedConfusion:
    """Count classes against clusters, clusters reordered to match the classes.

    Parameters
    ----------
    labels_true : array-like of shape (n_samples,)
        Classes: integers, strings or booleans.
    labels_pred : array-like of shape (n_samples,)
        Clusters, under any names and in any number.

    Returns
    -------
    result : MatchedConfusion
        Named tuple ``(matrix, row_labels, column_labels)``.

    Raises
    ------
    ValueError
        As for :func:`clustering_accuracy_score`.

    See Also
    --------
    deepcluster_sk.plotting.MatchedConfusionDisplay : Draw the result.

    Examples
    --------
    >>> from deepcluster_sk.metrics import confusion
    >>> matrix, rows, columns = confusion(["a", "a", "b", "b"], [7, 7, 3, 7])
    >>> matrix
    array([[2, 0],
           [1, 1]])
    >>> columns
    array([7, 3])
    """
    counts, classes, clusters = _contingency(labels_true, labels_pred)
    # For the counts' rows in order, so that the pairs come out sorted by class.
    _, matched = linear_sum_assignment(counts, maximize=True)
    unmatched = np.setdiff1d(np.arange(len(clusters)), matched)
    order = np.concatenate([matched, unmatched])
    return MatchedConfusion(counts[:, order], classes, clusters[order])


def _contingency(
    labels_true: ArrayLike, labels_pred: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]:
    """Count each pair: (n_classes, n_found), the classes, the clusters."""
    true = check_labels(labels_true, "labels_true")
    pred = check_labels(labels_pred, "labels_pred")
    check_consistent_length(true, pred)
    classes, class_index = np.unique(true, return_inverse=True)
    clusters, cluster_index = np.unique(pred, return_inverse=True)
    counts = pair_counts(class_index, cluster_index, len(classes), len(clusters))
    return counts, classes, clusters


def pair_counts(
    first: NDArray[np.integer], second: NDArray[np.integer], n_first: int, n_second: int
) -> NDArray[np.int64]:
    """Count how often each label of one kind comes with each of another.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        Whole numbers in [0, n_first), and in [0, n_second).
    n_first, n_second : int

    Returns
    -------
    ndarray of shape (n_first, n_second), int64
    """
    # One flat bincount is many times faster than np.add.at.
    flat = np.bincount(first * n_second + second, minlength=n_first * n_second)
    return flat.reshape(n_first, n_second).astype(np.int64, copy=False)


def check_labels(labels: ArrayLike, name: str) -> NDArray[Any]:
    """Return labels as a 1-D array that can be compared and sorted.

    Parameters
    ----------
    labels : array-like of shape (n,)
    name : str
        Of the parameter, for errors.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If there are none, or they are NaN, infinite, fractional or of several types.
    """
    checked = check_array(
        column_or_1d(labels), ensure_2d=False, dtype=None, input_name=name
    )
    if checked.dtype.kind == "f" and not np.array_equal(checked, np.floor(checked)):
        raise ValueError(
            f"{name} holds fractional values such as "
            f"{checked[checked != np.floor(checked)][0]!s}: labels must be discrete."
        )
    if checked.dtype.kind == "O":
        kinds = sorted({type(value).__name__ for value in checked})
        if len(kinds) > 1:
            raise ValueError(f"{name} mixes values of types {', '.join(kinds)}.")
    return np.asarray(checked)
