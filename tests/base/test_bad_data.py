"""Data that cannot be clustered are refused before any work, in words that help."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from tests.clusterers import OF_EMBEDDINGS
from tests.made import make_images

# Two epochs are too few to settle.
# Images are given as flat vectors here, which is warned of.
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.* columns of X look like images:UserWarning",
)

IMAGES, _ = make_images(24)
FLAT = IMAGES.reshape(24, -1)


def with_value(value, dtype=float):
    X = IMAGES.astype(dtype)
    X[3, 4, 5] = value
    return X


BAD_DATA = {
    "nan": (with_value(np.nan), "NaN"),
    "infinity": (with_value(np.inf), "infinity"),
    "minus infinity": (with_value(-np.inf, "float32"), "infinity"),
    "nan in flat rows": (with_value(np.nan).reshape(24, -1), "NaN"),
    "float16 infinity": (with_value(np.inf, "float16"), "infinity"),
    "object": (with_value("a", object), "could not convert|a real number|must be"),
    "objects": (np.array([object()] * 6).reshape(3, 2), "real number|must be"),
    "none": (None, "array"),
    "string": ("images", "array"),
    "strings": (np.array([["a", "b"], ["c", "d"]]), "convert|numeric"),
    "strings of images": (np.full((5, 8, 8), "a"), "convert|numeric"),
    "bytes": (np.full((5, 8, 8), b"a"), "convert|numeric"),
    "number": (7, "array"),
    "zero axes": (np.array(1.0), "array"),
    "one axis": (np.ones(5), "Reshape your data"),
    "five axes": (np.ones((2, 2, 3, 8, 8)), r"dim 5.*\(n, H, W\)"),
    "sparse matrix": (sparse.csr_matrix(FLAT), "[Ss]parse.*dense"),
    "sparse array": (sparse.coo_array(FLAT), "[Ss]parse.*dense"),
    "sparse cube": (sparse.coo_array(IMAGES), "[Ss]parse.*dense"),
    "no samples": (np.ones((0, 5)), "0 sample"),
    "no images": (np.ones((0, 8, 8)), "0 sample"),
    "no features": (np.ones((5, 0)), "0 feature"),
    "no pixels": (np.ones((5, 0, 8)), "0 feature|empty|no pixels"),
    "no list": ([], "array|empty"),
    "one sample": (FLAT[:1], "1 sample.*minimum of 2"),
    "one image": (IMAGES[:1], "1 sample.*minimum of 2"),
    "fewer samples than clusters": (FLAT[:2], "n_samples=2 .* n_clusters=3"),
    "too large to square": (with_value(1e300), "too large"),
    "too large to sum": (np.full((5, 8, 8), 1e308), "too large"),
    "complex": (IMAGES + 1j, "[Cc]omplex"),
    "dates": (np.full((5, 8), np.datetime64("2020-01-01")), "real number|datetime"),
    "durations": (np.full((5, 8), np.timedelta64(1, "s")), "real number|timedelta"),
    "records": (np.zeros(5, dtype=[("a", float), ("b", float)]), "array|convert"),
    "ragged": ([[1.0, 2.0], [3.0]], "inhomogeneous"),
    "ragged images": ([[[1.0], [2.0, 3.0]], [[1.0]]], "inhomogeneous"),
    "dict": ({"a": [1, 2]}, "array|must be"),
    "set": ({1, 2}, "array|must be"),
    "generator": ((row for row in FLAT), "array|must be"),
    "frame of strings": (pd.DataFrame({"a": ["x", "y"]}), "convert"),
    "no channel axis": (np.ones((5, 6, 9, 9)), "neither .* channel_axis=1"),
    "two channel axes": (np.ones((5, 3, 9, 3)), "both .* channel_axis=1"),
}


#: For convolutions; a perceptron takes them.
TOO_SMALL = {
    "one pixel": ({}, IMAGES[:, :1, :1], r'1x1 pixels.*at least 8.*"mlp"'),
    "7x7": ({}, IMAGES[:, :7, :7], r'7x7 pixels.*at least 8.*"mlp"'),
    "a side too small": ({}, IMAGES[:, :7], r'7x8 pixels.*at least 8.*"mlp"'),
    "flat": ({"image_shape": (16, 4)}, FLAT, "16x4 pixels.*at least 8"),
    "shallow": ({"architecture": "shallow"}, FLAT, "needs images.*image_shape"),
    "deep": ({"architecture": "deep"}, FLAT, "needs images.*image_shape"),
}


@pytest.mark.parametrize("name", TOO_SMALL)
def test_what_is_no_image_for_a_convolution(cls, make, no_work, name):
    if cls in OF_EMBEDDINGS:
        pytest.skip("there are perceptrons alone")
    params, X, message = TOO_SMALL[name]
    with pytest.raises(ValueError, match=message):
        make(**params).fit(X)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_are_refused_before_any_work(make, no_work, name):
    X, message = BAD_DATA[name]
    with pytest.raises((TypeError, ValueError), match=message):
        make().fit(X)


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({"image_shape": (8, 9)}, FLAT, "needs 72 features .* shape \\(24, 64\\)"),
        ({"image_shape": (4, 16)}, IMAGES, r"\(1, 8, 8\).*\(1, 4, 16\)"),
        ({"image_shape": (4, 4, 4)}, FLAT, "Cannot tell the channel axis"),
        ({"image_shape": (8, -8)}, FLAT, "must be .*positive whole"),
        ({"image_shape": "88"}, FLAT, "image_shape"),
    ],
)
def test_data_that_do_not_fit_the_parameters(make, no_work, params, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(**params).fit(X)


@pytest.mark.parametrize("shape", [(20, 4, 4), (20, 1, 1), (20, 7, 7)])
def test_small_images_are_fit_for_an_mlp(make, shape):
    X = np.random.default_rng(0).random(shape)
    labels = make(architecture="mlp", module__channels=(8,)).fit_predict(X)
    assert labels.shape == (20,)


@pytest.mark.parametrize("value", [0, 7.5, -1e30, 255])
def test_constant_images_are_warned_of(make, value):
    X = np.full((12, 8, 8), value)
    with pytest.warns(ConvergenceWarning, match="X is constant"):
        estimator = make().fit(X)
    assert len(set(estimator.labels_)) == 1
    assert_array_equal(estimator.predict(X), estimator.labels_)
    assert np.isfinite(estimator.transform(X)).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_duplicated_samples(make):
    estimator = make().fit(np.repeat(IMAGES[:2], 10, axis=0))
    assert estimator.labels_.shape == (20,)


# After the fit ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["predict", "predict_proba", "transform", "score"])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((3, 9, 9)), r"shape \(3, 9, 9\).*fitted on.*\(1, 8, 8\)"),
        (np.ones((3, 3, 8, 8)), r"shape \(3, 3, 8, 8\).*\(1, 8, 8\)"),
        (np.ones((3, 65)), "65 features.*64 features"),
        (np.ones((3, 8)), "8 features.*64 features"),
        (np.ones(64), "1D array"),
        (with_value(np.nan), "NaN"),
        (with_value(1e300), "too large|not finite"),
        (np.full((2, 8, 8), 1e39), "too large|not finite"),
        (np.ones((0, 8, 8)), "0 sample"),
        (sparse.csr_matrix(FLAT), "[Ss]parse"),
        (np.full((2, 8, 8), "a"), "convert|numeric"),
        (IMAGES + 1j, "[Cc]omplex"),
    ],
    ids=lambda value: None if isinstance(value, str) else "X",
)
def test_bad_data_for_a_fitted_clusterer(fitted, method, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(fitted, method)(X)


def test_images_for_a_clusterer_of_vectors(make):
    estimator = make(module__channels=(8,)).fit(FLAT)
    with pytest.raises(ValueError, match=r"\(24, 8, 8\).*flat rows of 64 features"):
        estimator.predict(IMAGES)


@pytest.mark.usefixtures("decoding")
@pytest.mark.parametrize(
    "latent",
    [np.ones((2, 5)), np.ones(4), [[np.nan] * 4], [["a"] * 4], np.ones((0, 4))],
)
def test_bad_latent_vectors(fitted, latent):
    with pytest.raises((TypeError, ValueError)):
        fitted.inverse_transform(latent)
