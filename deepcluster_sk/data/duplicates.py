"""Samples that are copies of each other, or as good as copies."""

import hashlib
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import radius_neighbors_graph
from sklearn.utils import check_array

#: Correlation of pixels above which two images pass for one. Of 2,500 samples of each
#: of nine sets all that have a neighbour above it are of its class; above .95, of
#: clothes, 91 in a hundred.
LIKE_COPIES = 0.99
#: Of distances in single precision.
_ROUNDING = 1e-6
#: Correlation above which images are one picture to a graph, saved again or of a burst,
#: and so many of which it takes. Of 600 digits and 30 bursts of 16 that differ by noise
#: it finds .93 so, .43 of all; ``benchmarks/notes/start.md`` has other choices.
ONE_PICTURE, MOST_ALIKE = 0.997, 3
#: Share of a cluster of equal size from which images that are alike are a kind of their
#: own, such as icons, or blank pages: these all count.
LARGEST_CROWD = 0.25
#: Numbers that tell images apart; fewer correlate by chance.
LEAST_NUMBERS = 64
_BLOCK = 2_048


def first_copies(rows: NDArray[Any], at_least: int = 0) -> NDArray[np.int64]:
    """Numbers of the rows that are the first of their kind: no two are equal.

    Of all rows where fewer than `at_least` differ.
    """
    first: dict[bytes, int] = {}
    for number, row in enumerate(rows):
        digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
        first.setdefault(digest, number)
    if len(first) < at_least:
        return np.arange(len(rows))
    return np.fromiter(first.values(), np.int64, len(first))


def without_crowds(images: NDArray[Any], n_clusters: int) -> NDArray[np.int64]:
    """Leave out images that are as good as copies of several before them.

    Images are compared up to brightness and contrast, by how they differ from the mean
    of all: what they have in common does not count.

    Parameters
    ----------
    images : ndarray of shape (n, n_features)
    n_clusters : int
        Images of which as many are alike as a quarter of a cluster of equal size are a
        kind of their own, and stay.

    Returns
    -------
    ndarray of shape (n_kept,), int64
        Ascending. All of them where there are too few numbers to tell.
    """
    n = len(images)
    if images.shape[1] < LEAST_NUMBERS:
        return np.arange(n)
    rows = np.empty(images.shape, np.float32)
    largest = max(float(images.max()), -float(images.min())) or 1.0
    for start in range(0, n, _BLOCK):
        rows[start : start + _BLOCK] = images[start : start + _BLOCK] / largest
    rows -= rows.mean(axis=1, keepdims=True)
    rows -= rows.mean(axis=0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.maximum(lengths, np.finfo(np.float32).tiny)
    kept = np.ones(n, bool)
    for start in range(0, n, _BLOCK):
        alike = rows[start : start + _BLOCK] @ rows.T >= ONE_PICTURE
        sizes = alike.sum(axis=1)
        crowded = (sizes > MOST_ALIKE) & (sizes < LARGEST_CROWD * n / n_clusters)
        for row in np.flatnonzero(crowded):
            before = start + row
            n_kept = (alike[row, :before] & kept[:before]).sum()
            kept[before] = n_kept < MOST_ALIKE
    return np.flatnonzero(kept)


def near_duplicates(
    X: ArrayLike, min_correlation: float = LIKE_COPIES
) -> list[NDArray[np.int64]]:
    r"""Find groups of samples that are copies of each other, or nearly.

    Two samples are alike where their features correlate:

    .. math::
        \frac{(x - \bar x) \cdot (y - \bar y)}
             {\lVert x - \bar x \rVert \, \lVert y - \bar y \rVert} \ge r

    so a picture that was saved again, or made a little brighter, is like the first.
    One that was cut or turned is not. Whatever is like a member of a group belongs to
    it. Samples whose features are all equal, such as blank pictures, are like each
    other.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Images in any layout, or vectors; numbers without gaps.
    min_correlation : float, default=0.99
        r, from 0.51 to 1, which finds copies, up to brightness and contrast.

    Returns
    -------
    groups : list of ndarray of int64
        Rows of `X`, ascending: of each group of two or more, the largest first.

    Raises
    ------
    ValueError
        If `X` holds no numbers, gaps or a single axis, or r is out of its range.

    Notes
    -----
    All samples are compared with all others, in blocks: 10,000 small images take a few
    seconds, ten times as many a hundred times as long.

    Examples
    --------
    >>> import numpy as np
    >>> from deepcluster_sk.datasets import near_duplicates
    >>> X = np.random.default_rng(0).random((5, 8, 8))
    >>> X[3] = 0.5 * X[1] + 0.1
    >>> near_duplicates(X)
    [array([1, 3])]
    """
    if not 0.51 <= min_correlation <= 1:
        raise ValueError(f"min_correlation={min_correlation!r} must be from 0.51 to 1.")
    given = check_array(X, allow_nd=True, dtype="numeric", input_name="X")
    rows = given.reshape(len(given), -1).astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    blank = lengths <= 1e-9 * np.maximum(np.abs(rows).max(initial=0.0), 1e-300)
    rows = np.where(blank, 0.0, rows / np.where(blank, 1.0, lengths))
    # Of vectors of length 1 the squared distance is 2 - 2r; a zero is 1 from each.
    radius = float(np.sqrt(2 - 2 * min_correlation)) + _ROUNDING
    links = radius_neighbors_graph(rows.astype(np.float32), radius, mode="connectivity")
    n_groups, names = connected_components(scipy.sparse.csr_matrix(links), False)
    order = np.argsort(names, kind="stable")
    ends = np.cumsum(np.bincount(names, minlength=n_groups))
    groups = [group for group in np.split(order, ends[:-1]) if len(group) > 1]
    return sorted(groups, key=lambda group: (-len(group), group[0]))
