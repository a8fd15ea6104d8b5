import math
from types import SimpleNamespace

import pytest
import torch
from skorch.callbacks import EpochTimer
from skorch.history import History

from deepcluster_sk.training.callbacks import (
    CosineDecay,
    KeepBest,
    ProgressBar,
    check_callbacks,
)


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


class Told:
    """Stands for the progress of a fit."""

    def __init__(self):
        self.steps, self.notes = 0, []

    def advance(self):
        self.steps += 1

    def note(self, text):
        self.notes.append(text)


def test_progress_counts_steps_and_tells_epochs_of_the_phase():
    net, bar = Net(), ProgressBar()
    net.progress_, net.phase_epochs_ = Told(), 7
    bar.on_batch_end(net, training=True)
    bar.on_batch_end(net, training=True)
    net.epoch(bar, 0.0, phase="pretrain", train_loss=0.123456)
    net.epoch(bar, 0.0, phase="cluster", train_loss=2.0, label_change=0.025)
    net.epoch(bar, 0.0, phase="cluster", train_loss=1.0, label_change=0.0)
    assert net.progress_.steps == 2
    assert net.progress_.notes == [
        "epoch 1/7, loss 0.1235",
        "epoch 1/7, loss 2, 2.5% moved",
        "epoch 2/7, loss 1, 0.0% moved",
    ]


@pytest.mark.parametrize("enabled", [True, False])
def test_a_schedule_tells_where_it_is_and_goes_on_from_there(enabled):
    def begun():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
        net = SimpleNamespace(optimizer_=optimizer, phase_steps_=8)
        callback = CosineDecay(enabled)
        callback.on_train_begin(net)
        return optimizer, callback, net

    def step(optimizer, callback, net):
        optimizer.step()
        callback.on_batch_end(net)
        return optimizer.param_groups[0]["lr"]

    whole, later = begun(), begun()
    for _ in range(3):
        step(*whole)
    later[1].load_state_dict(whole[1].state_dict())
    assert step(*later) == pytest.approx(step(*whole))
    assert (whole[1].state_dict()["step"] is None) == (not enabled)
    whole[1].on_train_end(whole[2])
    assert whole[1].schedule_ is None
