import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs

from deepcluster_sk import NeighborGraphClusterer
from deepcluster_sk.data.flat_images import image_shape_of


def smooth_images(n=60, side=16, channels=3, seed=0):
    """Blurred noise, (n, side, side, channels)."""
    x = np.random.default_rng(seed).normal(size=(n, side + 8, side + 8, channels))
    for axis in (1, 2):
        x = np.cumsum(x, axis)
        x = np.take(x, range(8, side + 8), axis) - np.take(x, range(side), axis)
    return x


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64, bool])
def test_digits_look_like_images(dtype):
    data = load_digits().data
    rows = data > 8 if dtype is bool else data.astype(dtype)
    assert image_shape_of(rows) == (8, 8)


@pytest.mark.parametrize("side", [6, 9, 16])
def test_shapes_and_the_order_of_channels_are_told(side):
    images = smooth_images(side=side)
    assert image_shape_of(images[..., 0].reshape(60, -1)) == (side, side)
    assert image_shape_of(images.reshape(60, -1)) == (side, side, 3)
    moved = np.moveaxis(images, 3, 1)
    assert image_shape_of(moved.reshape(60, -1)) == (3, side, side)


@pytest.mark.parametrize("d", [1, 2, 35, 36, 64, 108, 192, 256, 300])
def test_vectors_and_curves_do_not(d):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(80, d))
    for rows in (
        noise,
        np.abs(noise) * rng.lognormal(size=d),
        make_blobs(80, d, random_state=0)[0],
        np.cumsum(noise, axis=1),
        np.zeros((4, d)),
    ):
        assert image_shape_of(rows) is None


def test_shuffled_pixels_do_not():
    rows = load_digits().data
    order = np.random.default_rng(0).permutation(64)
    assert image_shape_of(rows[:, order]) is None


def test_who_forgets_the_shape_is_told():
    X = load_digits().data[:60]
    model = NeighborGraphClusterer(3, random_state=0)
    with pytest.warns(UserWarning, match=r"The 64 columns .* image_shape=\(8, 8\)"):
        model.fit(X)
    assert model.image_shape_ is None
    model.set_params(image_shape=(8, 8)).fit(X)
    assert model.image_shape_ == (8, 8)
