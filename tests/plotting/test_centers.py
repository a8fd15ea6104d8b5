import numpy as np
import pytest
from numpy.testing import assert_allclose

from deepcluster_sk import DeepTripletClusterer, NeighborGraphClusterer
from deepcluster_sk.plotting import CentersDisplay
from tests.made import make_vectors


def test_centers_are_what_the_decoder_draws(fitted):
    display = CentersDisplay.from_estimator(fitted)
    decoded = fitted.inverse_transform(fitted.cluster_centers_).reshape(3, 8, 8)
    low, high = decoded.min(), decoded.max()
    if low >= 0 and high <= 1:
        low, high = 0, 1
    assert_allclose(display.pictures, (decoded - low) / (high - low), atol=1e-6)
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["0-2"]


def test_centers_ten_in_a_row():
    display = CentersDisplay(pictures=np.random.default_rng(0).random((21, 4, 6)))
    names = [tick.get_text() for tick in display.plot().ax_.get_yticklabels()]
    assert names == ["0-9", "10-19", "20"]
    canvas = np.asarray(display.ax_.get_images()[0].get_array())
    assert canvas.shape == (3 * 5 - 1, 10 * 7 - 1, 4)
    assert_allclose(canvas[10:14, :6, 0], display.pictures[20], atol=1 / 255)


def test_centers_of_what_has_no_pictures(images):
    graph = NeighborGraphClusterer(3, random_state=0).fit(images[0])
    with pytest.raises(ValueError, match="no decoder"):
        CentersDisplay.from_estimator(graph)
    vectors = DeepTripletClusterer(
        3, latent_dim=2, pretraining=None, max_epochs=1, tol=1.0, random_state=0
    ).fit(make_vectors()[0])
    with pytest.raises(ValueError, match="fitted on vectors"):
        CentersDisplay.from_estimator(vectors)
