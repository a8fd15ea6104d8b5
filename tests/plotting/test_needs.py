import pytest
from sklearn.cluster import KMeans

from deepcluster_sk import NeighborGraphClusterer
from deepcluster_sk.plotting import (
    AssignmentDisplay,
    ClusterProfileDisplay,
    ClusterTreeDisplay,
    DoubtfulDisplay,
    EmbeddingDisplay,
    HistoryDisplay,
)


@pytest.fixture(scope="module")
def graph(images):
    return NeighborGraphClusterer(3, random_state=0).fit(images[0])


@pytest.mark.parametrize(
    ("display", "lacking"),
    [
        (AssignmentDisplay, "predict_proba"),
        (DoubtfulDisplay, "predict_proba"),
        (EmbeddingDisplay, "transform"),
        (HistoryDisplay, "history_"),
    ],
)
def test_a_clusterer_that_lacks_what_is_drawn(graph, images, display, lacking):
    samples = () if display is HistoryDisplay else (images[0],)
    message = f"A NeighborGraphClusterer has no {lacking}: pass a deep clusterer"
    with pytest.raises(TypeError, match=message):
        display.from_estimator(graph, *samples)


@pytest.mark.parametrize(
    ("display", "lacking"),
    [
        (ClusterProfileDisplay, "cluster_profile_"),
        (ClusterTreeDisplay, "cluster_tree_"),
    ],
)
def test_a_clusterer_of_somebody_else(images, display, lacking):
    other = KMeans(3, n_init=1).fit(images[0].reshape(len(images[0]), -1))
    with pytest.raises(TypeError, match=f"A KMeans has no {lacking}: pass a deep"):
        display.from_estimator(other)
