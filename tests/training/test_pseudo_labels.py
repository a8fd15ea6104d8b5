from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deepcluster_sk.training.pseudo_labels import Anchor

LABELS = np.array([0, 0, 1, 1])


class Judge:
    """A graph that likes labels as it is told to."""

    def __init__(self, merits):
        self.merits = merits

    def modularity(self, labels):
        return self.merits[tuple(labels)]


def net_with(weight):
    module = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(module.weight, weight)
    return SimpleNamespace(module_=module)


@pytest.mark.parametrize(
    ("duration", "elapsed", "weight"),
    [
        (0, 0, 0),
        (0.5, 0, 1),
        (0.5, 0.5, 1),
        (0.5, 0.625, 0.5),
        (0.5, 0.75, 0),
        (1, 0.3, 1),
        (1, 1, 1),
        (0.4, 0.9, 0),
    ],
)
def test_weight_is_held_and_then_fades(duration, elapsed, weight):
    assert Anchor(LABELS, 2, duration).weight(elapsed) == pytest.approx(weight)


def test_targets_are_mixed():
    targets = torch.full((4, 2), 0.5)
    held = Anchor(LABELS, 2, 0.5).hold(targets, 0.625)
    torch.testing.assert_close(held[0], torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(held.sum(1), torch.ones(4))
    assert Anchor(LABELS, 2, 0).hold(targets, 0) is targets


def test_the_best_epoch_is_returned_to():
    good, bad = (0, 0, 1, 1), (0, 1, 0, 1)
    anchor = Anchor(LABELS, 2, 1, graph=Judge({good: 0.5, bad: -0.5}))
    for weight, labels in ((1.0, bad), (2.0, good), (3.0, bad)):
        net = net_with(weight)
        figures = anchor.end_epoch(net, torch.tensor(labels), weight / 3)
    assert figures == {"modularity": -0.5}
    anchor.end(net)
    assert net.module_.weight.item() == 2.0


@pytest.mark.parametrize(
    ("merit", "taken"), [(0.6, True), (0.495, True), (0.485, False)]
)
def test_a_new_partition_is_taken_only_where_it_is_hardly_worse(merit, taken):
    now, new = (0, 0, 1, 1), (0, 1, 1, 1)
    anchor = Anchor(
        LABELS,
        2,
        1,
        graph=Judge({now: 0.5, new: merit}),
        restart=lambda net, labels, graph: np.array(new),
        n_restarts=1,
    )
    anchor.end_epoch(net_with(1.0), torch.tensor(now), 0.3)
    np.testing.assert_array_equal(anchor.labels, LABELS)
    anchor.end_epoch(net_with(2.0), torch.tensor(now), 0.5)
    np.testing.assert_array_equal(anchor.labels, new if taken else now)


def test_restarts_come_at_equal_distances():
    times = []
    anchor = Anchor(
        LABELS,
        2,
        1,
        graph=Judge({(0, 0, 1, 1): 0.5}),
        restart=lambda net, labels, graph: times.append(elapsed) or LABELS,
        n_restarts=3,
    )
    for epoch in range(1, 11):
        elapsed = epoch / 10
        anchor.end_epoch(net_with(0.0), torch.tensor(LABELS), elapsed)
    assert times == [0.2, 0.4, 0.6]


def test_the_more_clusters_the_less_a_new_partition_may_lose():
    found, n_clusters = (0, 1, 1, 1), 100
    for merit, taken in ((0.4995, True), (0.4985, False)):
        anchor = Anchor(
            LABELS,
            n_clusters,
            1,
            graph=Judge({(0, 0, 1, 1): 0.5, found: merit}),
            restart=lambda net, labels, graph: np.array(found),
            n_restarts=1,
        )
        anchor.end_epoch(net_with(0.0), torch.tensor(LABELS), 0.5)
        assert (anchor.labels[1] != LABELS[1]) == taken


def test_a_restart_is_handed_the_labels_of_the_net_and_the_judge():
    seen = []
    judge = Judge({(0, 0, 1, 1): 0.5, (0, 1, 1, 1): 0.4})
    anchor = Anchor(
        LABELS,
        2,
        1,
        graph=judge,
        restart=lambda net, labels, graph: seen.append((labels, graph)) or LABELS,
        n_restarts=1,
    )
    anchor.end_epoch(net_with(0.0), torch.tensor([0, 1, 1, 1]), 0.5)
    ((labels, graph),) = seen
    np.testing.assert_array_equal(labels, [0, 1, 1, 1])
    assert graph is judge


def test_without_a_judge_nothing_is_judged():
    anchor = Anchor(
        LABELS, 2, 1, restart=lambda net, labels, graph: 1 / 0, n_restarts=2
    )
    assert anchor.end_epoch(net_with(1.0), torch.tensor(LABELS), 0.9) == {}
    anchor.end(net_with(1.0))
