from types import SimpleNamespace

import numpy as np
import pytest

from deepcluster_sk import PseudoLabels
from deepcluster_sk.training.pseudo_labels import LabelUpdates

NET = SimpleNamespace()
LABELS = np.array([0, 0, 1, 1])
NOW, NEW = (0, 0, 1, 1), (0, 1, 1, 1)


class Judge:
    """A graph that likes labels as it is told to."""

    def __init__(self, merits):
        self.merits = merits

    def modularity(self, labels):
        return self.merits[tuple(labels)]


def updates(merits, refine, n_updates=1, n_clusters=2):
    strategy = PseudoLabels(n_updates=n_updates)
    return LabelUpdates(LABELS, n_clusters, strategy, Judge(merits), refine)


@pytest.mark.parametrize(
    ("merit", "taken"), [(0.6, True), (0.495, True), (0.485, False)]
)
def test_new_labels_are_taken_only_where_they_are_hardly_worse(merit, taken):
    labels = updates({NOW: 0.5, NEW: merit}, lambda net, labels: np.array(NEW))
    assert labels.update(NET, LABELS, 0.3) is False
    np.testing.assert_array_equal(labels.labels, LABELS)
    assert labels.update(NET, LABELS, 0.5) is taken
    np.testing.assert_array_equal(labels.labels, NEW if taken else NOW)


def test_new_labels_of_fewer_clusters_are_not_taken():
    one = (0, 0, 0, 0)
    labels = updates({NOW: 0.5, one: 0.9}, lambda net, labels: np.array(one))
    assert labels.update(NET, LABELS, 0.5) is False
    np.testing.assert_array_equal(labels.labels, LABELS)


def test_the_first_labels_are_the_measure_of_all_later_ones():
    """Not those of the last update: nothing may wear off bit by bit."""
    merits = {NOW: 0.5, NEW: 0.492, (1, 1, 1, 0): 0.485}
    found = iter([np.array(NEW), np.array([1, 1, 1, 0])])
    labels = updates(merits, lambda net, labels: next(found), n_updates=2)
    assert labels.update(NET, LABELS, 0.25) is True
    assert labels.update(NET, np.array(NEW), 0.5) is False
    np.testing.assert_array_equal(labels.labels, NEW)


def test_updates_come_at_equal_distances():
    times = []
    labels = updates(
        {NOW: 0.5}, lambda net, labels: times.append(elapsed) or LABELS, n_updates=3
    )
    for epoch in range(1, 11):
        elapsed = epoch / 10
        labels.update(NET, LABELS, elapsed)
    assert times == [0.2, 0.4, 0.6]


def test_a_long_epoch_makes_up_for_no_update_that_it_missed():
    times = []
    labels = updates(
        {NOW: 0.5}, lambda net, labels: times.append(1) or LABELS, n_updates=3
    )
    for elapsed in (0.6, 0.7, 1.0):
        labels.update(NET, LABELS, elapsed)
    assert len(times) == 1


def test_the_more_clusters_the_less_new_labels_may_lose():
    for merit, taken in ((0.4995, True), (0.4985, False)):
        labels = updates(
            {NOW: 0.5, NEW: merit},
            lambda net, labels: np.array(NEW),
            n_clusters=100,
        )
        assert labels.update(NET, LABELS, 0.5) is taken


def test_what_refines_is_handed_the_net_and_its_labels():
    seen = []
    labels = updates(
        {NOW: 0.5, NEW: 0.4}, lambda net, labels: seen.append((net, labels)) or LABELS
    )
    labels.update(NET, np.array(NEW), 0.5)
    ((net, given),) = seen
    assert net is NET
    np.testing.assert_array_equal(given, NEW)


def fail(net, labels):
    raise AssertionError("looked for labels")


@pytest.mark.parametrize(
    ("graph", "refine", "n_updates"),
    [
        (None, fail, 2),
        (None, None, 2),
        (Judge({NOW: 0.5}), None, 2),
        (Judge({NOW: 0.5}), fail, 0),
    ],
)
def test_where_nothing_is_to_be_found_nothing_is_looked_for(graph, refine, n_updates):
    labels = LabelUpdates(LABELS, 2, PseudoLabels(n_updates=n_updates), graph, refine)
    for elapsed in (0.25, 0.5, 0.9):
        assert labels.update(NET, LABELS, elapsed) is False
    np.testing.assert_array_equal(labels.labels, LABELS)
