import numpy as np
import pandas as pd
import pytest
import scipy
import torch
from scipy import sparse
from sklearn.utils.fixes import parse_version

from deepcluster_sk.data.axes import (
    flatten_samples,
    layout_from_array,
    layout_from_image_shape,
)
from deepcluster_sk.data.images import RowLayout

# Layouts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image_shape", "order", "shape"),
    [
        ((5, 6), "HW", (1, 5, 6)),
        ([5, 6], "HW", (1, 5, 6)),
        (np.array([3, 5, 6]), "CHW", (3, 5, 6)),
        ((1, 5, 6), "CHW", (1, 5, 6)),
        ((5, 6, 4), "HWC", (4, 5, 6)),
        ((5.0, 6.0), "HW", (1, 5, 6)),
    ],
)
def test_image_shape_says_how_rows_are_laid_out(image_shape, order, shape):
    layout = layout_from_image_shape(image_shape)
    assert layout == RowLayout(order, shape)
    assert layout.is_image
    assert layout.n_features == np.prod(image_shape)


@pytest.mark.parametrize(
    "wrong",
    [(8,), (1, 2, 3, 4), (8, -8), (0, 8), (8.5, 8), "8x8", 8, (None, 8), ("a", 2),
     ((1, 2), (3, 4)), (np.nan, 8), (np.inf, 8), ()],
    ids=str,
)  # fmt: skip
def test_what_is_no_image_shape_is_refused(wrong):
    with pytest.raises(ValueError, match=r"must be \(H, W\), \(C, H, W\)"):
        layout_from_image_shape(wrong)


@pytest.mark.parametrize(
    ("shape", "order", "canonical"),
    [
        ((9, 5, 6), "HW", (1, 5, 6)),
        ((9, 1, 5, 6), "CHW", (1, 5, 6)),
        ((9, 5, 6, 1), "HWC", (1, 5, 6)),
        ((9, 3, 5, 6), "CHW", (3, 5, 6)),
        ((9, 5, 6, 4), "HWC", (4, 5, 6)),
        ((9, 5, 3, 4), "HWC", (4, 5, 3)),
    ],
)
def test_an_arrays_shape_says_which_axis_holds_channels(shape, order, canonical):
    assert layout_from_array(shape, None) == RowLayout(order, canonical)


@pytest.mark.parametrize(
    ("shape", "which"),
    [((3, 8, 4), "both the first and the last"), ((5, 8, 8), "neither the first")],
)
def test_a_channel_axis_that_cannot_be_told_is_asked_for(shape, which):
    message = f"{which}.*channel_axis=1 for .*channel_axis=-1 for"
    with pytest.raises(ValueError, match=message):
        layout_from_array((9, *shape), None)
    with pytest.raises(ValueError, match=message):
        layout_from_image_shape(shape)
    c, h, w = shape
    for axis, expected in (
        (1, RowLayout("CHW", shape)),
        (-1, RowLayout("HWC", (w, c, h))),
    ):
        assert layout_from_array((9, *shape), axis) == expected
        assert layout_from_image_shape(shape, axis) == expected


@pytest.mark.parametrize("shape", [(9,), (9, 5), (9, 1, 1, 5, 5)])
def test_other_numbers_of_axes_are_refused(shape):
    with pytest.raises(ValueError, match=f"dim {len(shape)}.*\\(n, C, H, W\\)"):
        layout_from_array(shape, None)


# Flattening ------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 4, 3), (5, 4, 3, 2), (5, 1, 2, 3, 4)])
def test_samples_are_flattened_without_a_copy(shape):
    X = np.random.default_rng(0).random(shape)
    rows, returned = flatten_samples(X)
    assert returned == shape
    assert rows.shape == (5, X[0].size)
    assert np.shares_memory(rows, X)


def test_lists_and_tensors_of_images_are_flattened():
    X = np.arange(24.0).reshape(2, 3, 4)
    for given_as in (X.tolist(), [*X], torch.from_numpy(X)):
        rows, shape = flatten_samples(given_as)
        assert shape == (2, 3, 4)
        np.testing.assert_array_equal(rows, X.reshape(2, -1))


@pytest.mark.parametrize(
    "X",
    [
        np.ones((3, 2)),
        np.ones(3),
        [[1, 2], [3, 4]],
        [[1, 2], [3]],
        pd.DataFrame({"a": [1, 2]}),
        sparse.csr_array(np.eye(3)),
        None,
        "text",
        7,
    ],
    ids=lambda X: type(X).__name__,
)
def test_everything_else_is_left_alone(X):
    rows, shape = flatten_samples(X)
    assert rows is X
    assert shape is None


@pytest.mark.skipif(
    parse_version(scipy.__version__) < parse_version("1.15"),
    reason="sparse arrays have two axes",
)
def test_sparse_arrays_of_many_axes_are_left_to_the_validation():
    cube = sparse.coo_array(np.ones((2, 3, 4)))
    assert flatten_samples(cube) == (cube, None)
