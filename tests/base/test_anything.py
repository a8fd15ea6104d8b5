"""Whatever is given for data: an error that says so, or a fit that can be used."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from tests.clusterers import CLUSTERERS, OF_EMBEDDINGS
from tests.made import make_images, quick

IMAGES, _ = make_images(24)

numbers = st.one_of(
    st.floats(width=32),
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -1e308, 5e-324, 0.0]),
)
oddities = st.one_of(
    numbers,
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.dates(),
    st.builds(object),
)
DTYPES = [
    "f2", "f4", "f8", ">f8", "g", "i1", "u1", ">i4", "i8", "u8", "?", "c8", "c16",
    "U3", "S3", "M8[s]", "m8[s]", "O", "V4",
]  # fmt: skip


@st.composite
def arrays(draw):
    """Arrays of any type and small shape."""
    sides = st.sampled_from([0, 1, 2, 3, 4, 7, 8, 9])
    shape = tuple(draw(st.lists(sides, max_size=5)))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    seed = draw(st.integers(0, 2**31))
    raw = np.random.default_rng(seed).bytes(dtype.itemsize * int(np.prod(shape)))
    if dtype.hasobject:
        return np.full(shape, draw(oddities), dtype=object)
    array = np.frombuffer(raw, dtype=dtype).reshape(shape).copy()
    if dtype.kind == "f" and draw(st.booleans()):
        # Finite, so that more than the check for NaN is reached.
        array = np.nan_to_num(array, nan=0.5, posinf=1, neginf=-1)
    return array


@st.composite
def nearly_good(draw):
    """Images with one thing wrong, or none."""
    X = IMAGES.astype(draw(st.sampled_from(["f4", "f8", "O"])))
    for _ in range(draw(st.integers(0, 2))):
        at = tuple(draw(st.integers(0, side - 1)) for side in X.shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                X[at] = draw(numbers)
            except OverflowError:
                X[at] = np.inf
    cut = tuple(slice(draw(st.integers(0, 8))) for _ in range(draw(st.integers(0, 3))))
    return X[cut]


def as_sparse(X):
    """Matrices as sparse ones, where there are such of their type."""
    try:
        return sparse.coo_array(X) if getattr(X, "ndim", 0) == 2 else X
    except ValueError:
        return X


wrappers = st.sampled_from(
    [
        lambda X: X,
        lambda X: X.tolist() if hasattr(X, "tolist") else X,
        lambda X: X[None] if isinstance(X, np.ndarray) else [X],
        lambda X: {"X": X},
        as_sparse,
        lambda X: pd.DataFrame(X) if getattr(X, "ndim", 0) == 2 else X,
        lambda X: np.ma.masked_array(X) if isinstance(X, np.ndarray) else X,
        lambda X: X.T if isinstance(X, np.ndarray) else X,
    ]
)
nested = st.recursive(oddities, lambda inner: st.lists(inner, max_size=4), max_leaves=9)
malformed = st.builds(
    lambda wrap, X: wrap(X), wrappers, st.one_of(arrays(), nearly_good(), nested)
)


@pytest.fixture(scope="module", params=CLUSTERERS, ids=lambda cls: cls.__name__)
def pair(request):
    """A fitted clusterer and its copy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator = quick(request.param).fit(IMAGES)
    return estimator, copy.deepcopy(estimator)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(malformed)
def test_anything_at_all(pair, X):
    """Only ValueError and TypeError come out; a fitted clusterer stays as it was."""
    refused_or_usable(*pair, X)


@pytest.mark.slow
@settings(max_examples=1_000, suppress_health_check=list(HealthCheck))
@given(malformed)
def test_more_of_anything(pair, X):
    refused_or_usable(*pair, X)


# Whatever gets through is really trained on: nothing is patched away here.
def refused_or_usable(fitted, expected, X):
    labels = expected.predict(IMAGES)
    before = vars(fitted).copy()
    attempts = {
        "predict": fitted.predict,
        "transform": fitted.transform,
        "score": fitted.score,
    }
    if type(fitted) not in OF_EMBEDDINGS:
        attempts["inverse_transform"] = fitted.inverse_transform
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for attempt in attempts.values():
            try:
                output = attempt(X)
            except (TypeError, ValueError):
                continue
            assert np.isfinite(output).all()
        try:
            fitted.fit(X)
        except (TypeError, ValueError):
            assert vars(fitted).keys() == before.keys()
            assert all(vars(fitted)[name] is before[name] for name in before)
        else:
            assert np.isfinite(fitted.predict_proba(X)).all()
            assert_array_equal(fitted.predict(X), fitted.labels_)
            vars(fitted).clear()
            vars(fitted).update(before)
    assert_array_equal(fitted.predict(IMAGES), labels)
