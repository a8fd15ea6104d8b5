import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError

from deepcluster_sk import DeepTripletClusterer, NeighborGraphClusterer
from deepcluster_sk.plotting import ClusterTreeDisplay
from tests.made import make_images

#: Clusters 0 and 2 meet first, where 40 % of half the links cross; then all.
TREE = np.array([[0, 2, 0.6, 2], [1, 3, 0.9, 3]])


def names_of(display):
    return [tick.get_text() for tick in display.ax_.get_yticklabels()]


def test_clusters_that_are_one_first_lie_side_by_side():
    display = ClusterTreeDisplay.from_tree(TREE, names=["a", "b", "c"])
    places = {name: place for place, name in enumerate(names_of(display))}
    assert abs(places["a"] - places["c"]) == 1
    meetings = {round(float(max(line.get_xdata())), 6) for line in display.ax_.lines}
    assert len(display.ax_.lines) == 2
    assert min(min(line.get_xdata()) for line in display.ax_.lines) == pytest.approx(
        0.1
    )
    assert meetings == {1.0}  # leaves, where all links would cross
    axes = Figure().subplots()
    assert display.plot(axes).ax_ is axes


@pytest.mark.parametrize("k", [None, 1, 2, 5])
def test_of_an_estimator(k):
    X, _ = make_images(n=120)
    model = NeighborGraphClusterer(3, random_state=0).fit(X)
    display = ClusterTreeDisplay.from_estimator(model, n_clusters=k)
    sizes = np.bincount(model.labels_at(k or 3))
    assert sorted(names_of(display)) == [f"{i} ({n})" for i, n in enumerate(sizes)]
    assert len(display.ax_.lines) == (k or 3) - 1


def test_of_a_network(fitted):
    assert len(names_of(ClusterTreeDisplay.from_estimator(fitted))) == 3


def test_names_are_no_formulas():
    names = ["$_$", "$5 or $6_"]
    display = ClusterTreeDisplay.from_tree([[0, 1, 0.5, 2]], names=names)
    display.figure_.canvas.draw()
    assert sorted(names_of(display)) == sorted(names)


def test_what_cannot_be_drawn(fitted):
    with pytest.raises(NotFittedError):
        ClusterTreeDisplay.from_estimator(DeepTripletClusterer(3))
    with pytest.raises(ValueError, match="n_clusters == 1000"):
        ClusterTreeDisplay.from_estimator(fitted, n_clusters=1000)
    with pytest.raises(ValueError, match="2 names, but 3 clusters"):
        ClusterTreeDisplay.from_tree(TREE, names=["a", "b"])
