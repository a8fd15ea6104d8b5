import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.data.resizing import MAX_PIXELS, enlarged, shrunk, small_shape

sides = st.integers(8, 90)


def area_means(image, height, width):
    """Each new pixel by a sum over the old ones, weighted by the area they share."""
    means = np.zeros((height, width))
    down, right = image.shape[0] / height, image.shape[1] / width
    for i, j in np.ndindex(height, width):
        for row, column in np.ndindex(image.shape):
            shared = overlap(i * down, (i + 1) * down, row) * overlap(
                j * right, (j + 1) * right, column
            )
            means[i, j] += image[row, column] * shared / (down * right)
    return means


def overlap(start, stop, pixel):
    return max(0.0, min(stop, pixel + 1) - max(start, pixel))


@pytest.mark.parametrize(
    ("shape", "small"),
    [
        ((1, 28, 28), (1, 28, 28)),
        ((3, 32, 32), (3, 32, 32)),
        ((3, 96, 96), (3, 32, 32)),
        ((3, 224, 224), (3, 32, 32)),
        ((1, 60, 90), (1, 26, 39)),
        ((1, 24, 42), (1, 24, 42)),
        ((1, 2000, 20), (1, 320, 8)),
        ((1, 4, 900), (1, 4, 480)),
        ((5000,), (5000,)),
    ],
)
def test_images_keep_their_shape_but_not_their_size(shape, small):
    assert small_shape(shape, MAX_PIXELS) == small
    assert small_shape(shape, None) == shape


@given(sides, sides, st.integers(64, 3000))
def test_no_more_pixels_than_about_so_many_and_never_more_than_before(
    height, width, most
):
    _, *found = small_shape((1, height, width), most)
    assert found[0] <= height
    assert found[1] <= width
    # Rounded sides, neither of them below 8.
    assert np.prod(found) <= max(most + sum(found), 8 * max(found))


@pytest.mark.parametrize("shape", [(9, 7), (8, 12), (5, 11), (9, 12)])
def test_a_new_pixel_is_the_mean_over_its_area(shape):
    image = np.random.default_rng(0).normal(size=(9, 12))
    small = min(shape[0], 9), shape[1]
    rows, layout = shrunk(
        image.reshape(1, -1), RowLayout("HW", (1, 9, 12)), (1, *small)
    )
    if small == (9, 12):
        assert_array_equal(rows, image.reshape(1, -1))
    else:
        assert rows.dtype == np.float32
        assert layout == RowLayout("CHW", (1, *small))
        assert_allclose(rows.reshape(small), area_means(image, *small), atol=1e-6)


def test_every_layout_and_type_gives_the_same_rows(monkeypatch):
    X = np.random.default_rng(0).integers(0, 256, (7, 3, 12, 10))
    last = np.moveaxis(X, 1, -1)
    expected, layout = shrunk(
        X.reshape(7, -1), RowLayout("CHW", (3, 12, 10)), (3, 8, 8)
    )
    assert layout == RowLayout("CHW", (3, 8, 8))
    monkeypatch.setattr("deepcluster_sk.data.images.CHUNK_BYTES", 1)
    for rows, order in ((X, "CHW"), (last, "HWC")):
        for dtype in ("uint8", "float64", ">i4", "longdouble"):
            given_rows = rows.reshape(7, -1).astype(dtype)
            found, _ = shrunk(given_rows, RowLayout(order, (3, 12, 10)), (3, 8, 8))
            assert_array_equal(found, expected)


@pytest.mark.parametrize("order", ["CHW", "HWC"])
def test_enlarging_undoes_the_size_and_the_layout(order):
    small, layout = RowLayout("CHW", (3, 4, 5)), RowLayout(order, (3, 8, 10))
    rows = np.random.default_rng(0).normal(size=(6, 60)).astype(np.float32)
    large = enlarged(rows, small, layout)
    assert large.shape == (6, 240)
    # Each pixel became four of the same value.
    images = layout.arrange(torch.from_numpy(large)).numpy()
    doubled = rows.reshape(6, 3, 4, 5).repeat(2, axis=2).repeat(2, axis=3)
    assert_allclose(images, doubled, atol=1e-6)
    assert_allclose(shrunk(large, layout, small.shape)[0], rows, atol=1e-6)


def test_what_has_its_size_is_not_copied():
    rows = np.zeros((2, 64), np.uint8)
    layout = RowLayout("HW", (1, 8, 8))
    assert shrunk(rows, layout, (1, 8, 8))[0] is rows
    assert enlarged(rows, layout, layout) is rows
