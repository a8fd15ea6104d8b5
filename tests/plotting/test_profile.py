import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal

from deepcluster_sk import NeighborGraphClusterer
from deepcluster_sk.model_selection import ClusterProfileDisplay, suggest_n_clusters
from tests.made import make_images

X, _ = make_images(n=120, noise=0.07)


@pytest.fixture(scope="module")
def count():
    return suggest_n_clusters(X, random_state=0)


def test_profile_of_a_suggestion(count):
    display = ClusterProfileDisplay.from_profile(count.profile, n_clusters=3)
    curve = display.ax_.lines[0]
    assert_array_equal(curve.get_xdata(), count.profile["n_clusters"][1:])
    assert (curve.get_ydata() >= 1e-3).all()  # where none cross, for the logarithm
    assert display.ax_.get_title() == "3 clusters"
    axes = Figure().subplots()
    assert display.plot(axes).ax_ is axes


def test_profile_of_an_estimator(count):
    model = NeighborGraphClusterer("auto", random_state=0).fit(X)
    display = ClusterProfileDisplay.from_estimator(model)
    assert display.n_clusters == 3
    assert_array_equal(display.profile["border"], count.profile["border"])


def test_nothing_was_counted():
    model = NeighborGraphClusterer(3, random_state=0).fit(X)
    with pytest.raises(ValueError, match="n_clusters=3 was given"):
        ClusterProfileDisplay.from_estimator(model)


def test_a_suggestion(count):
    assert count.n_clusters == 3
    assert count.candidates()[0] == 3
    assert_array_equal(np.sort(count.nodes), np.arange(120))
    assert set(count.labels_at(2)) == {0, 1}
    assert suggest_n_clusters(X, max_clusters=2, random_state=0).n_clusters == 2


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_clusters": 0}, "max_clusters == 0, must be >= 1"),
        ({"contrast": "most"}, "The 'contrast' parameter"),
        ({"image_shape": (3, 3)}, "image_shape"),
    ],
)
def test_a_suggestion_of_what_cannot_be_used(params, message):
    with pytest.raises(ValueError, match=message):
        suggest_n_clusters(X, **params)
