"""Samples whose cluster is known, and what a fit makes of them."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.start import Start
from deepcluster_sk.counting.bounds import is_given
from deepcluster_sk.graph.propagation import seeded_labels
from deepcluster_sk.graph.spectral import Labels


def known_labels(y: Any, n_samples: int, n_clusters: Any) -> Labels:
    """Known clusters as int64, or a ValueError that says what they should be.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Whole numbers of any type in [0, n_clusters), or -1 where nothing is known.
    n_samples : int
    n_clusters : int, "auto" or (int, int)
    """
    if not is_given(n_clusters):
        raise ValueError(
            f"n_clusters={n_clusters!r} is to be counted, but known labels are those "
            "of clusters whose number is known: give it as n_clusters."
        )
    known = np.asarray(column_or_1d(y))
    expected = (
        f"y must hold, for each of the {n_samples} samples, the number of its cluster, "
        f"from 0 to n_clusters - 1 = {n_clusters - 1}, or -1 where it is not known"
    )
    if known.dtype.kind not in "iu":
        # scikit-learn makes floats of the whole numbers of pandas.
        for number, value in enumerate(known.tolist()):
            if not _is_whole(value):
                raise ValueError(
                    f"{expected}, got an array of dtype {known.dtype}, where sample "
                    f"{number} has {value!r}."
                )
    if len(known) != n_samples:
        raise ValueError(f"{expected}, got {len(known)} numbers.")
    if known.min() < -1 or known.max() >= n_clusters:
        raise ValueError(f"{expected}, got {known.min()} to {known.max()}.")
    return known.astype(np.int64)


def _is_whole(value: Any) -> bool:
    """Whether something is a whole number; NaN, infinity and truth values are none."""
    if isinstance(value, Integral):
        return not isinstance(value, bool)
    return isinstance(value, Real) and float(value).is_integer()


def started_by(start: Start, context: FitContext, labels: Labels) -> Labels:
    """Labels of a start, brought into line with what is known of the samples."""
    assert context.known is not None
    return seeded_labels(
        None if start.graph is None else start.graph.graph,
        labels,
        context.known,
        context.n_clusters,
        context.streams("going on").random_state,
    )
