import math
from types import SimpleNamespace

import pytest
import torch
from skorch.callbacks import EpochTimer
from skorch.history import History

from deepcluster_sk.training.callbacks import CosineDecay, KeepBest, check_callbacks


class Net:
    """A net of one weight, and a history."""

    def __init__(self):
        self.module_ = torch.nn.Linear(1, 1)
        self.history = History()

    def epoch(self, callback, weight, **figures):
        torch.nn.init.constant_(self.module_.weight, weight)
        self.history.new_epoch()
        for name, value in figures.items():
            self.history.record(name, value)
        callback.on_epoch_end(self)


def weight_of(rows):
    """Weight that a phase with these epochs ends with."""
    net, callback = Net(), KeepBest()
    callback.on_train_begin(net)
    for weight, figures in enumerate(rows):
        net.epoch(callback, float(weight), **figures)
    callback.on_train_end(net)
    assert callback.best_ is None
    return net.module_.weight.item()


def merits(*values):
    return [{"modularity": value} for value in values]


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        (merits(-0.5, 0.5, -0.5), 1),
        (merits(0.1, 0.2, 0.3), 2),
        # The later of two equals has learned more.
        (merits(0.5, 0.4, 0.5, 0.4), 2),
        # Without a judge the last stays.
        ([{}, {}, {}], 2),
    ],
)
def test_the_best_epoch_is_returned_to(rows, best):
    assert weight_of(rows) == best


@pytest.mark.parametrize(
    ("updated", "best"),
    [
        # What was better followed other labels.
        ([False, True, False, False], 3),
        ([False, False, True, False], 3),
        ([False, False, False, False], 0),
        # Nothing was learned since: the last stays.
        ([False, False, False, True], 3),
    ],
)
def test_new_labels_begin_a_new_competition(updated, best):
    values = (0.9, 0.8, 0.1, 0.2)
    rows = [
        {"modularity": value, "updated": new}
        for value, new in zip(values, updated, strict=True)
    ]
    assert weight_of(rows) == best


def test_a_later_phase_remembers_nothing_of_an_earlier():
    net, callback = Net(), KeepBest()
    callback.on_train_begin(net)
    net.epoch(callback, 1.0, modularity=0.9)
    callback.on_train_begin(net)
    net.epoch(callback, 2.0, modularity=0.1)
    callback.on_train_end(net)
    assert net.module_.weight.item() == 2


@pytest.mark.parametrize("peak", [1.0, 1.5, 3.0])
def test_the_rate_rises_along_a_line_and_falls_along_half_a_cosine(peak):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    net = SimpleNamespace(optimizer_=optimizer, phase_steps_=20)
    callback, found = CosineDecay(peak=peak), []
    callback.on_train_begin(net)
    for _ in range(20):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        callback.on_batch_end(net)
    # A tenth of the phase is two steps.
    rising = [1.0, (1 + peak) / 2] if peak > 1 else []
    n_left = 20 - len(rising)
    falling = [(1 + math.cos(math.pi * t / n_left)) / 2 for t in range(n_left)]
    expected = [0.5 * factor for factor in rising + [peak * f for f in falling]]
    assert found == pytest.approx(expected)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "callbacks",
    [None, [], [EpochTimer()], [EpochTimer], [("timer", EpochTimer())]],
)
def test_callbacks_of_skorch_are_taken(callbacks):
    check_callbacks(callbacks)


@pytest.mark.parametrize(
    "given", ["early", 3, None, ("a", 3), (1, EpochTimer()), CosineDecay.__init__]
)
def test_what_is_no_callback_is_refused(given):
    with pytest.raises(TypeError, match="callbacks must hold"):
        check_callbacks([given])
