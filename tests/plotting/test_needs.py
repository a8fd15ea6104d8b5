import pytest

from deepcluster_sk import NeighborGraphClusterer
from deepcluster_sk.plotting import (
    AssignmentDisplay,
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
