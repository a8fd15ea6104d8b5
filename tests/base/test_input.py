"""Layouts, types and memory orders of data; what is the caller's stays as it was."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback

from tests.base.same import assert_same
from tests.clusterers import OF_EMBEDDINGS
from tests.made import LATENT_DIM, make_images, make_vectors

# Two epochs are too few to settle.
pytestmark = [
    pytest.mark.of_the_base,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def test_layouts_of_grey_images_give_identical_results(make, images):
    flat = make(image_shape=(8, 8)).fit(images.reshape(len(images), -1))
    assert flat.image_shape_ == (8, 8)
    for X, shape in (
        (images, (8, 8)),
        (images[:, None], (1, 8, 8)),
        (images[..., None], (8, 8, 1)),
        (images.tolist(), (8, 8)),
    ):
        estimator = make().fit(X)
        assert estimator.image_shape_ == shape
        assert_same(estimator, flat, X, images.reshape(len(images), -1))
        # Predicting takes any layout, whatever was fitted.
        assert_array_equal(estimator.predict(images[:, None]), flat.labels_)
        assert_array_equal(estimator.predict(images[..., None]), flat.labels_)


def test_layouts_of_colour_images_give_identical_results(make):
    X, _ = make_images(30, n_channels=3)
    last = np.moveaxis(X, 1, -1)
    fits = [
        (make().fit(X), X),
        (make().fit(last), last),
        (make().fit(np.ascontiguousarray(last)), last),
        (make(image_shape=(3, 8, 8)).fit(X.reshape(30, -1)), X),
        (make(image_shape=(8, 8, 3)).fit(last.reshape(30, -1)), last),
    ]
    first, _ = fits[0]
    assert first.image_shape_ == (3, 8, 8)
    for estimator, given in fits[1:]:
        # In the order of the axes that the images came in.
        assert estimator.image_shape_ == ((3, 8, 8) if given is X else (8, 8, 3))
        assert_same(first, estimator, X, given)
        assert_array_equal(estimator.predict(X), estimator.predict(last))


@pytest.mark.usefixtures("decoding")
def test_flat_rows_come_back_in_the_order_they_were_given_in(make):
    X, _ = make_images(30, n_channels=3)
    first, last = make().fit(X), make().fit(np.moveaxis(X, 1, -1))
    latent = first.transform(X)
    np.testing.assert_array_equal(
        first.inverse_transform(latent).reshape(-1, *first.image_shape_),
        np.moveaxis(last.inverse_transform(latent).reshape(30, 8, 8, 3), -1, 1),
    )


def test_large_images_are_averaged_down(cls, make, images):
    # Means of four equal numbers are exact, in the type that they are kept in.
    images = images.astype(np.float32)
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    small = make().fit(images)
    flat = large.reshape(len(large), -1)
    for X, shape, params in (
        (large, (16, 16), {"max_pixels": 64}),
        (large[..., None], (16, 16, 1), {"max_pixels": 70}),
        (flat, (16, 16), {"max_pixels": 64, "image_shape": (16, 16)}),
    ):
        estimator = make(**params).fit(X)
        assert estimator.image_shape_ == shape
        assert estimator.n_features_in_ == X[0].size
        assert_array_equal(estimator.labels_, estimator.predict(X))
        np.testing.assert_allclose(
            estimator.transform(X), small.transform(images), atol=1e-3
        )
        if cls not in OF_EMBEDDINGS:
            decoded = estimator.inverse_transform(estimator.transform(X))
            expected = small.inverse_transform(small.transform(images))
            np.testing.assert_allclose(
                decoded.reshape(large.shape),
                expected.reshape(images.shape).repeat(2, axis=1).repeat(2, axis=2),
                atol=1e-3,
            )
        # What was fitted holds, whatever is set for the next fit.
        estimator.set_params(max_pixels=None)
        assert_array_equal(estimator.labels_, estimator.predict(X))
        assert np.isfinite(estimator.score(X))


def test_images_within_the_limit_are_left_alone(make, images, fitted):
    for max_pixels in (None, 64):
        assert_same(make(max_pixels=max_pixels).fit(images), fitted, images)


def test_a_channel_axis_may_be_stated(make):
    X, _ = make_images(20, n_channels=2)
    first = make(channel_axis=1).fit(X)
    last = make(channel_axis=-1).fit(np.moveaxis(X, 1, -1))
    assert first.image_shape_ == (2, 8, 8)
    assert last.image_shape_ == (8, 8, 2)
    assert_same(first, last, X, np.moveaxis(X, 1, -1))


def test_numbers_of_any_type_give_the_same_labels(make, images):
    pixels = np.round(255 * images)
    expected = make().fit(pixels)
    for dtype in ("uint8", "int32", "float32", "uint16", ">f8", "longdouble"):
        estimator = make().fit(pixels.astype(dtype))
        assert_same(expected, estimator, pixels, pixels.astype(dtype))


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant != 63, reason="numbers have no bytes between them"
)
def test_what_lies_between_long_numbers_is_not_looked_at(make, images):
    copies = np.repeat(images[:12], 5, axis=0)
    X = copies.astype(np.longdouble)
    between = X.view(np.uint8).reshape(-1, X.itemsize)[:, 10:]
    between[:] = np.random.default_rng(0).integers(0, 256, between.shape)
    assert_same(make().fit(copies), make().fit(X), copies, X)


def test_black_and_white_pixels(make, images):
    pixels = images > images.mean()
    assert_same(make().fit(pixels), make().fit(1.0 * pixels), pixels, 1.0 * pixels)


def test_scale_of_the_pixels_does_not_matter(make, images, fitted):
    assert_array_equal(make().fit(256 * images).labels_, fitted.labels_)


def test_memory_order_does_not_matter(make, images, fitted):
    wide = np.zeros((len(images), 16, 8))
    wide[:, ::2] = images
    for X in (
        np.asfortranarray(images),
        wide[:, ::2],
        np.flip(np.flip(images), (0, 1, 2)),
    ):
        assert_same(fitted, make().fit(X), images)


def test_read_only_and_memory_mapped_arrays(make, images, fitted, tmp_path):
    np.save(tmp_path / "X.npy", images)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    frozen = images.copy()
    frozen.flags.writeable = False
    for X in (mapped, frozen):
        assert_same(fitted, make().fit(X), images, X)


def test_data_frames_name_their_columns(make):
    X, _ = make_vectors(20)
    frame = pd.DataFrame(X, columns=[f"feature {i}" for i in range(6)])
    estimator = make(module__channels=(8,)).fit(frame)
    assert_array_equal(estimator.feature_names_in_, frame.columns)
    assert_array_equal(estimator.labels_, make(module__channels=(8,)).fit(X).labels_)
    estimator.set_output(transform="pandas")
    assert isinstance(estimator.transform(frame), pd.DataFrame)


def test_nothing_of_the_callers_is_changed(make, images):
    class Quiet(Callback):
        pass

    X, y = images.copy(), np.arange(len(images))
    callbacks = [Quiet()]
    augmentation = {"rotation": 5.0}
    init = np.eye(3, LATENT_DIM)
    given = {
        "callbacks": callbacks,
        "augmentation": augmentation,
        "init": init,
        "image_shape": [8, 8],
        "module__channels": [4, 8],
        "random_state": 0,
    }
    estimator = make(**given)
    params = estimator.get_params()
    estimator.fit(X, y)
    estimator.predict(X)
    estimator.score(X, y)
    assert_array_equal(X, images)
    assert_array_equal(y, np.arange(len(images)))
    assert len(callbacks) == 1
    assert augmentation == {"rotation": 5.0}
    assert_array_equal(init, np.eye(3, LATENT_DIM))
    after = estimator.get_params()
    assert after.keys() == params.keys()
    assert all(after[name] is params[name] for name in params)


@pytest.mark.parametrize("y", [None, "nonsense", [np.nan], object(), np.zeros((3, 7))])
def test_y_is_ignored_whatever_it_is(make, images, fitted, y):
    assert_array_equal(make().fit(images, y).labels_, fitted.labels_)
