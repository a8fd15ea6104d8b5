"""Known clusters: whole numbers of every type, and what is said of others."""

from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal

from deepcluster_sk.base.known import known_labels

Y = np.array([0, 2, -1, 1])


@pytest.mark.parametrize(
    "y",
    [
        *(Y, Y.astype(np.int8), Y.astype(float), Y.astype(object), Y.tolist()),
        *([0.0, 2, np.int64(-1), Fraction(1)], list(Y), Y[:, None], torch.tensor(Y)),
        *(pd.Series(Y), pd.Series(Y).astype("Int64"), pd.Series(Y).astype("category")),
        *(pd.Series(Y).astype(object), pd.DataFrame(Y).astype("Int8"), pl.Series(Y)),
    ],
    ids=lambda y: f"{type(y).__name__} {getattr(y, 'dtype', '')}",
)
def test_whole_numbers_of_any_type(y):
    known = known_labels(y, 4, 3)
    assert known.dtype == np.int64
    assert_array_equal(known, Y)


@pytest.mark.parametrize(
    ("y", "got"),
    [
        (pd.Series([0, 2, pd.NA, 1], dtype="Int64"), "nan"),
        (pd.Series([0, 2, pd.NA, 1], dtype=object), "<NA>"),
        (pl.Series([0, 2, None, 1]), "nan"),
        ([0, 2, None, 1], "None"),
        ([0, 2, np.nan, 1], "nan"),
        ([0, 2, np.inf, 1], "inf"),
        ([0, 2, 0.5, 1], "0.5"),
        (np.array([0, 2, np.float64(-np.inf), 1], dtype=object), "-inf"),
        (["0", "2", "-1", "1"], "'0'"),
        ([True, False, True, True], "True"),
        (np.array([0, True, -1, 1], dtype=object), "True"),
        (np.array([0, np.bool_(False), -1, 1], dtype=object), "False"),
    ],
)
def test_what_is_no_whole_number(y, got):
    said = f"-1 where it is not known, got an array of dtype .*, where .* has .*{got}"
    with pytest.raises(ValueError, match=said):
        known_labels(y, 4, 3)


@pytest.mark.parametrize("y", [[0.0, 3, 0, 0], np.array([0, 10**400, 0, 0], object)])
def test_numbers_of_no_cluster(y):
    with pytest.raises(ValueError, match=r"to n_clusters - 1 = 2.*, got 0"):
        known_labels(y, 4, 3)
