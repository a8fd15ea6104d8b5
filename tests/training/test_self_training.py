from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deepcluster_sk import PseudoLabels
from deepcluster_sk.losses.clustering import target_distribution
from deepcluster_sk.training import self_training
from deepcluster_sk.training.pseudo_labels import LabelUpdates
from deepcluster_sk.training.self_training import (
    ClusteringObjective,
    SelfTrainingObjective,
)

LABELS = np.array([0, 0, 1, 1])
ALL = torch.arange(4)


class Net:
    """A net whose assignments are what they are told to be."""

    def __init__(self, *assignments, steps=4):
        self.assignments = [torch.tensor(q, dtype=torch.float32) for q in assignments]
        self.phase_steps_ = steps
        self.n_looks = 0

    def embed(self, dataset):
        q = self.assignments[min(self.n_looks, len(self.assignments) - 1)]
        self.n_looks += 1
        return SimpleNamespace(log_assignment=q.log())


def of_labels(*labels):
    return [[0.9, 0.1] if label == 0 else [0.1, 0.9] for label in labels]


FIRST = of_labels(0, 0, 1, 1)
EVEN = [[0.6, 0.4], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6]]


def held(duration=1.0, graph=None, refine=None, n_updates=2):
    return LabelUpdates(LABELS, 2, PseudoLabels(duration, n_updates), graph, refine)


def step(objective, net, n=1):
    for _ in range(n):
        objective.end_batch(net, None)


def test_the_change_of_labels_is_that_over_the_epoch():
    net = Net(FIRST, of_labels(0, 1, 1, 1), of_labels(0, 1, 1, 1))
    objective = ClusteringObjective(tol=0.2)
    objective.begin(net, None)
    # Before the first epoch all may change yet.
    assert (objective.settled, objective.label_change) == (False, 1.0)
    assert objective.end_epoch(net, None) == {"label_change": 0.25}
    assert not objective.settled
    assert not objective.finished
    assert objective.end_epoch(net, None) == {"label_change": 0.0}
    assert objective.settled
    assert objective.finished


def test_labels_that_are_held_say_nothing_of_having_settled():
    net = Net(FIRST)
    objective = ClusteringObjective(tol=0.2, pseudo_labels=held(0.5))
    objective.begin(net, None)
    for expected in (False, False, True, True):
        step(objective, net)
        objective.end_epoch(net, None)
        assert objective.settled
        # Held for half of four steps, fading over half as long again.
        assert objective.finished is expected
    assert objective.elapsed == 1


def test_a_judge_sees_the_labels_after_every_epoch():
    judge = SimpleNamespace(modularity=lambda labels: float(labels.sum()))
    net = Net(FIRST, of_labels(0, 1, 1, 1))
    objective = ClusteringObjective(tol=0.0, judge=judge)
    objective.begin(net, None)
    figures = objective.end_epoch(net, None)
    assert figures == {"label_change": 0.25, "modularity": 3.0}


def test_updates_are_told_and_become_targets_at_once():
    judge = SimpleNamespace(modularity=lambda labels: 0.5)
    found = np.array([1, 0, 1, 1])
    updates = held(graph=judge, refine=lambda net, labels: found)
    objective = SelfTrainingObjective(tol=0.0, pseudo_labels=updates, judge=judge)
    net = Net(FIRST)
    objective.begin(net, None)
    told, targets = [], []
    for _ in range(4):
        step(objective, net)
        told.append(objective.end_epoch(net, None)["updated"])
        targets.append(objective.targets(ALL).argmax(1).tolist())
    assert told == [True, True, False, False]
    assert found.tolist() != LABELS.tolist()
    assert targets == [found.tolist()] * 4


def test_own_targets_are_those_of_all_samples():
    net = Net(EVEN)
    objective = SelfTrainingObjective(tol=0.0)
    objective.begin(net, None)
    expected = target_distribution(torch.tensor(EVEN))
    some = torch.tensor([2, 0])
    torch.testing.assert_close(objective.targets(some), expected[some])


def test_targets_are_mixed_while_pseudo_labels_fade():
    net = Net(EVEN, steps=8)
    objective = SelfTrainingObjective(tol=0.0, pseudo_labels=held(0.5))
    objective.begin(net, None)
    labels = torch.nn.functional.one_hot(torch.tensor(LABELS)).float()
    own = target_distribution(torch.tensor(EVEN))
    for steps, share in ((4, 1.0), (1, 0.5), (1, 0.0)):
        step(objective, net, steps)
        objective.end_epoch(net, None)
        assert objective.share == pytest.approx(share)
        expected = share * labels + (1 - share) * own
        torch.testing.assert_close(objective.targets(ALL), expected)
        torch.testing.assert_close(expected.sum(1), torch.ones(4))


def test_without_pseudo_labels_nothing_is_held():
    objective = SelfTrainingObjective(tol=0.0)
    objective.begin(Net(EVEN), None)
    assert objective.share == objective.held == 0


@pytest.mark.parametrize(("interval", "looks"), [(None, 1), (1, 7), (3, 3), (9, 1)])
def test_targets_are_refreshed_at_an_interval(interval, looks):
    net = Net(EVEN, steps=6)
    objective = SelfTrainingObjective(tol=0.0, update_interval=interval)
    objective.begin(net, None)
    step(objective, net, 6)
    assert net.n_looks == looks


def test_a_method_may_have_targets_of_its_own():
    objective = SelfTrainingObjective(tol=0.0, target=lambda q: 1 - q)
    objective.begin(Net(EVEN), None)
    torch.testing.assert_close(objective.targets(ALL), 1 - torch.tensor(EVEN))


def test_what_is_known_is_the_target_whatever_else_is():
    known = np.array([-1, 1, -1, 0])
    certain = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    for duration in (0.0, 0.5):  # its own targets alone, and mixed with held ones
        net = Net(EVEN)
        objective, free = (
            SelfTrainingObjective(tol=0.0, pseudo_labels=held(duration), known=k)
            for k in (known, None)
        )
        for one in (objective, free):
            one.begin(net, None)
            step(one, net, 3)
            one._refresh(net, None)
        found, expected = objective.targets(ALL), free.targets(ALL)
        torch.testing.assert_close(found[[1, 3]], certain)
        torch.testing.assert_close(found[[0, 2]], expected[[0, 2]])


def test_updates_leave_what_is_known():
    graph = SimpleNamespace(modularity=lambda labels: 0.0)
    updates = LabelUpdates(
        LABELS,
        2,
        PseudoLabels(),
        graph,
        refine=lambda net, labels: 1 - labels,
        known=np.array([0, -1, -1, -1]),
    )
    assert updates.update(None, LABELS, 0.3)
    np.testing.assert_array_equal(updates.labels, [0, 1, 0, 0])


@pytest.mark.parametrize(
    ("n_batches", "reseeds"), [(1, True), (6, True), (7, False), (8, False)]
)
def test_a_lost_cluster_begins_anew_and_training_goes_on(
    n_batches, reseeds, monkeypatch
):
    """Up to three quarters of the phase."""
    monkeypatch.setattr(self_training, "reseed_lost", lambda *_: 1)
    net = Net(of_labels(0, 0, 0, 0), steps=8)
    net.reader = SimpleNamespace(scaler=SimpleNamespace(is_constant=False))
    objective = ClusteringObjective(tol=0.5)
    objective.begin(net, None)
    step(objective, net, n_batches)
    figures = objective.end_epoch(net, None)
    assert figures == {"label_change": 0.0, **({"reseeded": 1} if reseeds else {})}
    assert objective.n_reseeded == reseeds
    # With another cluster in it nothing has settled.
    assert objective.settled is objective.finished is not reseeds


def test_no_cluster_begins_anew_where_none_is_lost_or_labels_are_held(monkeypatch):
    monkeypatch.setattr(self_training, "reseed_lost", None)
    net = Net(FIRST, steps=8)
    net.reader = SimpleNamespace(scaler=SimpleNamespace(is_constant=True))
    for objective in (
        ClusteringObjective(tol=0.5),
        ClusteringObjective(tol=0.5, pseudo_labels=held()),
    ):
        objective.begin(net, None)
        assert "reseeded" not in objective.end_epoch(net, None)
    net.assignments = [torch.tensor(of_labels(0, 0, 0, 0))]  # all samples are equal
    assert "reseeded" not in objective.end_epoch(net, None)
