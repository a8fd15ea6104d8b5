"""The number of clusters, by the borders of a graph, and within bounds."""

import numpy as np
import pytest

from deepcluster_sk.counting.borders import over_cut
from deepcluster_sk.counting.bounds import bounds_of, is_given
from deepcluster_sk.counting.profile import count_on
from tests.counting.test_borders import blocks, same


def count(graph, bounds):
    random_state = np.random.RandomState(0)
    most = bounds[0] if bounds[1] >= graph.shape[0] else bounds[1]
    return count_on(graph, over_cut(graph, most, random_state), bounds, random_state)


def test_as_many_as_have_clear_borders():
    graph, labels = blocks([40, 30, 20, 25])
    found = count(graph, (1, 115))
    assert found.n_clusters == found.lowest == found.highest == 4
    assert not found.is_guess
    assert found.doubt is None
    assert same(found.labels_at(4), labels)
    assert found.candidates() == [4]
    with pytest.raises(ValueError, match="between 1 and 7"):
        found.labels_at(8)


@pytest.mark.parametrize(
    ("bounds", "expected"), [((2, 3), 3), ((6, 9), 6), ((4, 4), 4), ((1, 1), 1)]
)
def test_bounds_hold(bounds, expected):
    assert count(blocks([40, 30, 20, 25])[0], bounds).n_clusters == expected


def test_more_clusters_than_an_over_cut_has_groups_may_be_asked_for():
    graph, _ = blocks([4] * 10)  # 40 nodes: two groups, if nobody asks for more
    assert count(graph, (1, 40)).n_clusters <= 2
    assert count(graph, (2, 12)).n_clusters == 10


def test_one_cloud_is_one_cluster_and_that_is_said():
    found = count(blocks([60], between=1)[0], (1, 60))
    assert found.n_clusters == 1
    assert found.is_guess
    assert found.doubt.startswith("No clear border")


def test_borders_of_all_degrees_make_a_guess():
    graph, labels = blocks([30] * 6, between=0)
    # Two and two have a border that is neither clear nor blurred.
    weights = graph.toarray()
    weights[(labels[:, None] // 2 == labels // 2) & (weights == 0)] = 0.05
    weights[:90, 90:] = weights[90:, :90] = 0.01
    np.fill_diagonal(weights, 0)
    found = count(type(graph)(weights), (1, 180))
    assert found.lowest < found.highest
    assert found.n_clusters in (found.lowest, found.highest)
    candidates = found.candidates()
    assert candidates[0] == found.n_clusters
    assert all(found.lowest <= k <= found.highest for k in candidates)
    if found.is_guess:
        assert f"{found.lowest} to {found.highest}" in found.doubt


def test_what_n_clusters_may_be():
    assert bounds_of(5, 10) == (5, 5)
    assert bounds_of("auto", 10) == (1, 10)
    assert bounds_of((2, 40), 10) == (2, 10)
    assert bounds_of([np.int64(2), 4], 10) == (2, 4)
    assert is_given(3)
    assert not is_given("auto")
    assert not is_given((3, 4))


@pytest.mark.parametrize(
    "wrong", [(5, 2), (0, 3), (2,), (1, 2, 3), (2.0, 3), (True, 3), ("a", "b"), ()]
)
def test_bounds_that_are_none(wrong):
    with pytest.raises(ValueError, match="should be a whole number"):
        bounds_of(wrong, 10)


def test_fewer_samples_than_clusters():
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=4"):
        bounds_of(4, 3)
    with pytest.raises(ValueError, match="n_samples=3 should be >= the fewest of"):
        bounds_of((4, 8), 3)
