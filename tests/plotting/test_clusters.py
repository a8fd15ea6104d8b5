import copy

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from torch.utils.data import TensorDataset

from deepcluster_sk import DeepTripletClusterer, NeighborGraphClusterer
from deepcluster_sk.plotting import CentersDisplay, ClustersDisplay, DoubtfulDisplay


def draw(*arguments, **options):
    return ClustersDisplay.from_predictions(*arguments, **options).ax_


def canvas_of(ax):
    return np.asarray(ax.get_images()[0].get_array())


def test_clusters_one_row_each_named_with_its_size():
    X = np.zeros((5, 4, 6))
    ax = draw(X, ["b", "a", "b", "b", "a"], n_images=3)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a (2)", "b (3)"]
    canvas = canvas_of(ax)
    assert canvas.shape == (2 * 4 + 1, 3 * 6 + 2, 4)
    # The first row has two images only: its third cell is transparent.
    assert canvas[:4, 14:, 3].max() == 0
    assert canvas[5:, 14:, 3].min() == 1


@pytest.mark.parametrize("two_d", [True, False])
def test_clusters_most_confident_first(two_d):
    brightness = np.array([0.1, 0.2, 0.3, 0.4])
    X = np.ones((4, 2, 2)) * brightness[:, np.newaxis, np.newaxis]
    confidence = np.array([0.6, 0.9, 0.7, 0.8])
    if two_d:
        confidence = np.column_stack([confidence, 1 - confidence])
    ax = draw(X, np.zeros(4), probabilities=confidence, n_images=3)
    shades = canvas_of(ax)[0, ::3, 0]
    np.testing.assert_allclose(shades, [0.2, 0.4, 0.3], atol=1 / 255)


def test_clusters_at_random_is_reproducible():
    X = np.random.default_rng(0).random((40, 3, 3))
    labels = np.arange(40) % 2
    first = canvas_of(draw(X, labels, random_state=1))
    assert_array_equal(first, canvas_of(draw(X, labels, random_state=1)))
    assert (first != canvas_of(draw(X, labels, random_state=2))).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_clusters_reads_every_layout_alike(dtype):
    X = np.random.default_rng(0).integers(0, 256, (6, 3, 5, 7)).astype(dtype)
    X[0, 0, 0, :2] = 0, 255
    labels = np.arange(6) % 2
    reference = canvas_of(draw(X, labels))
    assert_array_equal(reference, canvas_of(draw(X.transpose(0, 2, 3, 1), labels)))
    flat = X.reshape(6, -1)
    assert_array_equal(reference, canvas_of(draw(flat, labels, image_shape=(3, 5, 7))))
    assert_array_equal(reference[:5, :7, 3], 1)


def test_clusters_of_flat_rows_take_the_axis_that_is_stated():
    # A shape that does not tell which of its axes holds the channels.
    X = np.random.default_rng(0).random((6, 3, 5, 3))
    labels, flat = np.arange(6) % 2, X.reshape(6, -1)
    for axis in (1, -1):
        expected = canvas_of(draw(X, labels, channel_axis=axis))
        found = draw(flat, labels, image_shape=(3, 5, 3), channel_axis=axis)
        assert_array_equal(canvas_of(found), expected)


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_displays_take_the_axis_that_the_estimator_was_told(axis):
    X = np.random.default_rng(0).random((24, 3, 5, 3))
    settings = {"architecture": "mlp", "init": "kmeans", "pretraining": None}
    model = DeepTripletClusterer(
        2, channel_axis=axis, max_epochs=0, random_state=0, **settings
    ).fit(X)
    shape = (5, 3) if axis == 1 else (3, 5)
    for display in (
        ClustersDisplay.from_estimator(model, X),
        ClustersDisplay.from_estimator(model, X.reshape(24, -1)),
    ):
        assert display.pictures[0][0].shape == (*shape, 3)
    assert CentersDisplay.from_estimator(model).pictures.shape == (2, *shape, 3)
    assert DoubtfulDisplay.from_estimator(model, X).pictures.shape[1:] == (*shape, 3)


def test_clusters_range_of_values():
    X = np.zeros((2, 2, 2))
    X[1] = 16
    for image in (X, X.astype(int), X - 8):
        canvas = canvas_of(draw(image, [0, 1]))
        assert canvas[0, 0, 0] == 0
        assert canvas[-1, 0, 0] == 1
    # Values that are a share of full brightness already are not stretched.
    assert canvas_of(draw(X / 32, [0, 1]))[-1, 0, 0] == pytest.approx(0.5, abs=1 / 255)
    assert np.isfinite(canvas_of(draw(X + 5, [0, 1]))).all()
    assert np.isfinite(canvas_of(draw(X * 0 + 5, [0, 1]))).all()


def test_clusters_draws_on_the_axes_given():
    figure = Figure()
    ax = figure.subplots()
    assert draw(np.zeros((2, 3, 3)), [0, 1], ax=ax) is ax
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((4, 9), {}, "pass image_shape"),
        ((4, 9), {"image_shape": (2, 2)}, "9 features a row.*4 pixels"),
        ((4, 5, 5, 5), {}, "channel axis"),
        ((4, 2, 5, 5), {"channel_axis": 1}, "2 channels cannot be drawn"),
        ((3, 5, 5), {}, r"\[3, 4\]"),
        ((4, 5, 5), {"n_images": 0}, "n_images == 0, must be >= 1"),
        ((0, 5, 5), {"labels": []}, "0 sample"),
        ((4, 5, 5), {"labels": [0, 0, np.nan, 1]}, "labels contains NaN"),
        ((4, 5, 5), {"labels": [0, None, 1, 1]}, "labels mixes values of types"),
        ((4, 5, 5), {"probabilities": [1.0]}, r"\[1, 4\]"),
    ],
)
def test_clusters_errors(shape, options, message):
    with pytest.raises(ValueError, match=message):
        draw(np.zeros(shape), **{"labels": [0, 0, 1, 1], **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_images": 2.5}, "n_images must be an instance of int, not float"),
        ({"names": ["a", "b"]}, r"names must be a mapping .* got \['a', 'b'\]"),
    ],
)
def test_clusters_parameters_of_other_types(options, message):
    with pytest.raises(TypeError, match=message):
        draw(np.zeros((4, 5, 5)), [0, 0, 1, 1], **options)


@pytest.mark.parametrize("dtype", [complex, str])
def test_images_that_hold_no_real_numbers_are_not_drawn(dtype):
    with pytest.raises(ValueError, match="must hold real numbers, got dtype"):
        draw(np.zeros((4, 5, 5), dtype), [0, 0, 1, 1])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_with_pixels_that_are_no_numbers_are_not_drawn(value):
    X = np.zeros((4, 5, 5))
    X[2, 1, 1] = value
    with pytest.raises(ValueError, match="1 of 4 images to be drawn hold NaN"):
        draw(X, [0, 0, 1, 1])
    with pytest.raises(ValueError, match="1 of 3 images to be drawn hold NaN"):
        DoubtfulDisplay.from_predictions(X, [0, 0, 1, 1], [3, 1, 0, 2], n_images=3)


def test_clusters_of_an_estimator_are_those_it_predicts(fitted, images):
    X = images[0]
    display = ClustersDisplay.from_estimator(fitted, X, n_images=4)
    expected = draw(
        X, fitted.predict(X), probabilities=fitted.predict_proba(X), n_images=4
    )
    assert_array_equal(canvas_of(display.ax_), canvas_of(expected))
    assert display.counts.sum() == len(X)
    assert display.figure_ is display.ax_.figure


def test_clusters_are_shown_by_their_names(fitted, images):
    named = copy.deepcopy(fitted).rename({1: "ones"})
    ax = ClustersDisplay.from_estimator(named, images[0]).ax_
    counts = np.bincount(fitted.predict(images[0]))
    found = [tick.get_text() for tick in ax.get_yticklabels()]
    expected = {0: "0", 1: "ones", 2: "2"}
    assert found == [f"{expected[k]} ({n})" for k, n in enumerate(counts) if n]


def test_names_of_clusters_are_no_formulas():
    display = draw(np.zeros((2, 4, 4)), [0, 1], names={0: "$_$", 1: "$5 or $6_"})
    display.figure.canvas.draw()


def test_clusters_of_an_estimator_know_the_shape_of_flat_images(images):
    X = images[0].reshape(48, -1)
    graph = NeighborGraphClusterer(3, image_shape=(8, 8), random_state=0).fit(X)
    display = ClustersDisplay.from_estimator(graph, X)
    assert {picture.shape for row in display.pictures for picture in row} == {(8, 8)}


def test_clusters_of_whatever_an_estimator_takes(fitted, images):
    X = images[0]
    wanted = ClustersDisplay.from_estimator(fitted, X).pictures
    data = TensorDataset(torch.from_numpy(X))
    for found, row in zip(
        ClustersDisplay.from_estimator(fitted, data).pictures, wanted, strict=True
    ):
        assert_array_equal(found, row)


def test_clusters_of_an_estimator_that_is_not_fitted(images):
    with pytest.raises(NotFittedError):
        ClustersDisplay.from_estimator(DeepTripletClusterer(3), images[0])


def test_clusters_can_be_drawn_again():
    display = ClustersDisplay.from_predictions(np.eye(4).reshape(4, 2, 2), [0, 0, 1, 1])
    first, ax = canvas_of(display.ax_), Figure().subplots()
    assert display.plot(ax, cmap="viridis") is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert (first != canvas_of(ax)).any()
