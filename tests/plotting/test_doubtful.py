import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.mixture import GaussianMixture

from deepcluster_sk.plotting import DoubtfulDisplay


def test_doubtful_the_least_sure_first_with_their_clusters():
    X = np.arange(12)[:, None, None] * np.ones((1, 2, 3)) / 11
    confidence = np.linspace(1, 0, 12)
    display = DoubtfulDisplay.from_predictions(
        X, np.arange(12) % 3, confidence, n_images=11
    )
    assert_array_equal(display.indices, np.arange(11, 0, -1))
    canvas = np.asarray(display.ax_.get_images()[0].get_array())
    assert canvas.shape == (2 * 3 - 1, 10 * 4 - 1, 4)
    assert canvas[0, 0, 0] == 1  # the brightest is the most doubtful
    assert canvas[3:, 4:, 3].max() == 0  # the second row has one
    captions = [text.get_text() for text in display.ax_.texts]
    assert captions == ["2", "1", "0", "2", "1", "0", "2", "1", "0", "2", "1"]
    ticks = [tick.get_text() for tick in display.ax_.get_yticklabels()]
    assert ticks == ["1-10", "11"]


def test_doubtful_of_an_estimator(fitted, images):
    X = images[0]
    display = DoubtfulDisplay.from_estimator(fitted, X, n_images=5)
    assert display.pictures.shape == (5, 8, 8)
    assert_array_equal(display.labels, fitted.labels_[display.indices])


def test_doubtful_of_an_estimator_of_another_package(images):
    X = images[0].reshape(48, -1)
    mixture = GaussianMixture(3, covariance_type="diag", random_state=0).fit(X)
    display = DoubtfulDisplay.from_estimator(
        mixture, X, n_images=48, image_shape=(8, 8)
    )
    sure = mixture.predict_proba(X).max(axis=1)
    assert (np.diff(sure[display.indices]) >= 0).all()


def test_doubtful_captions_are_no_formulas():
    images, labels = np.zeros((2, 4, 4)), ["$_$", "$5 or $6_"]
    display = DoubtfulDisplay.from_predictions(images, labels, [0.1, 0.2])
    display.figure_.canvas.draw()


@pytest.mark.parametrize(
    ("confidence", "options", "message"),
    [
        ([0.1], {}, r"\[3, 3, 1\]"),
        ([0.1, np.nan, 0.2], {}, "confidence contains NaN"),
        ([0.1, 0.2, 0.3], {"n_images": 0}, "n_images == 0, must be >= 1"),
    ],
)
def test_doubtful_errors(confidence, options, message):
    with pytest.raises(ValueError, match=message):
        DoubtfulDisplay.from_predictions(
            np.zeros((3, 4, 4)), [0, 1, 2], confidence, **options
        )
