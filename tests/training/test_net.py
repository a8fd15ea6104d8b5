import copy
import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from deepcluster_sk.runtime.progress import Progress
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.objectives import Objective
from tests.callbacks import Rates

LAYOUT = RowLayout("vector", (5,))


class Reconstruct(Objective):
    """A phase of one term, that writes down what it is called for."""

    name = "reconstruct"

    def __init__(self, finish_after=None):
        self.finish_after = finish_after
        self.calls = []
        self.seen = []
        self.n_epochs = 0

    def begin(self, net, dataset):
        self.calls.append("begin")

    def companions(self, indices):
        self.calls.append("companions")
        return {}

    def inputs(self, module, rows, **companions):
        self.calls.append("inputs")
        return {"x": rows, "n_reconstructed": len(rows)}

    def __call__(self, inputs, outputs, indices):
        self.calls.append("loss")
        self.seen += indices.tolist()
        error = (outputs[2] - inputs["x"]).square().mean()
        return {"error": error}, 2 * error

    def end_batch(self, net, dataset):
        self.calls.append("end_batch")

    def end_epoch(self, net, dataset):
        self.calls.append("end_epoch")
        self.n_epochs += 1
        self.finished = self.n_epochs == self.finish_after
        return {"epochs_so_far": float(self.n_epochs)}

    def end(self, net, dataset):
        self.calls.append("end")


class Spy(Callback):
    """Count skorch's notifications, and raise in one of them."""

    def __init__(self, raise_in=None, error=KeyboardInterrupt):
        self.raise_in = raise_in
        self.error = error
        self.events = []

    def __getattribute__(self, name):
        if name.startswith("on_") and name != "on_grad_computed":
            return lambda *args, **kwargs: self._note(name)
        return super().__getattribute__(name)

    def _note(self, name):
        self.events.append(name)
        if name == self.raise_in:
            raise self.error


@pytest.fixture
def dataset():
    return RowDataset(np.random.default_rng(0).normal(size=(20, 5)))


def make_net(dataset, seed=0, **kwargs):
    torch.manual_seed(seed)
    return ClusteringNet(
        ClusteringAutoencoder,
        module__architecture="mlp",
        module__sample_shape=(5,),
        module__n_clusters=3,
        module__latent_dim=2,
        module__radius=3.0,
        module__channels=(8,),
        reader=SampleReader(LAYOUT, PixelScaler.standardize(dataset.rows, LAYOUT)),
        **{
            "optimizer": torch.optim.Adam,
            "batch_size": 8,
            "lr": 1e-2,
            "verbose": 0,
            **kwargs,
        },
    ).initialize()


def run(net, objective, dataset, epochs, seed=0, **others):
    """Run a phase whose batches come in an order of its own seed."""
    streams = Streams.of(seed, "training", torch.device("cpu"))
    net.run_phase(objective, dataset, epochs, streams, **others)


def weights(net):
    return torch.cat([value.flatten() for value in net.module_.state_dict().values()])


def test_a_phase_trains_and_calls_the_objective_in_order(dataset):
    net = make_net(dataset)
    before = weights(net)
    phase = Reconstruct()
    run(net, phase, dataset, 2)
    batch = ["companions", "inputs", "loss", "end_batch"]
    epoch = [*batch * 3, "end_epoch"]
    assert phase.calls == ["begin", *epoch, *epoch, "end"]
    assert sorted(phase.seen) == sorted([*range(20), *range(20)])
    assert not torch.equal(weights(net), before)


def test_training_lowers_the_loss(dataset):
    net = make_net(dataset)
    run(net, Reconstruct(), dataset, 30)
    losses = net.history[:, "train_loss"]
    assert losses[-1] < 0.8 * losses[0]


def test_history_has_a_row_for_each_epoch_of_every_phase(dataset):
    net = make_net(dataset)
    run(net, Reconstruct(), dataset, 2)
    run(net, Reconstruct(), dataset, 1)
    assert net.history[:, "epoch"] == [1, 2, 3]
    assert net.history[:, "phase"] == ["reconstruct"] * 3
    assert net.history[:, "epochs_so_far"] == [1.0, 2.0, 1.0]
    for row in net.history:
        assert isinstance(row["error"], float)
        assert row["train_loss"] == pytest.approx(2 * row["error"])
        assert row["dur"] >= 0


def test_history_holds_the_mean_over_batches(dataset):
    # Weights that hardly move, in batches of unlike errors.
    net = make_net(dataset, lr=1e-12, batch_size=8)
    batches = []

    class Noted(Reconstruct):
        def __call__(self, inputs, outputs, indices):
            terms, loss = super().__call__(inputs, outputs, indices)
            batches.append((indices, terms["error"].item()))
            return terms, loss

    run(net, Noted(), dataset, 1)
    assert [len(indices) for indices, _ in batches] == [7, 7, 6]
    errors = []
    net.module_.train()
    for indices, noted in batches:
        x = net.reader.read(dataset.fetch(indices), torch.device("cpu"))
        error = (net.module_(x, len(x))[2] - x).square().mean().item()
        assert noted == pytest.approx(error, rel=1e-4)
        errors.append(error)
    assert np.ptp(errors) > 1e-3
    assert net.history[-1, "error"] == pytest.approx(np.mean(errors), rel=1e-4)
    assert net.history[-1, "train_loss"] == pytest.approx(2 * np.mean(errors), rel=1e-4)


def test_objective_ends_the_phase_when_it_has_finished(dataset):
    net = make_net(dataset)
    phase = Reconstruct(finish_after=2)
    run(net, phase, dataset, 5)
    assert phase.n_epochs == 2
    assert phase.calls[-1] == "end"
    assert len(net.history) == 2


def test_callbacks_reach_every_phase(dataset):
    spy = Spy()
    net = make_net(dataset, callbacks=[("spy", spy)])
    run(net, Reconstruct(), dataset, 2)
    run(net, Reconstruct(), dataset, 1)
    for event, times in {
        "on_train_begin": 2,
        "on_epoch_begin": 3,
        "on_batch_begin": 9,
        "on_batch_end": 9,
        "on_epoch_end": 3,
        "on_train_end": 2,
    }.items():
        assert spy.events.count(event) == times


@pytest.mark.parametrize(
    "event",
    ["on_train_begin", "on_epoch_begin", "on_batch_begin", "on_batch_end",
     "on_epoch_end"],
)  # fmt: skip
def test_a_callback_that_stops_ends_only_its_phase(dataset, event):
    net = make_net(dataset, callbacks=[("spy", Spy(raise_in=event))])
    first, second = Reconstruct(), Reconstruct()
    run(net, first, dataset, 3)
    assert first.n_epochs <= 1
    assert first.calls[-1] == "end"
    run(net, second, dataset, 1)
    assert second.calls[0] == "begin"
    assert second.calls[-1] == "end"


def test_stopping_after_the_end_stops_nothing(dataset):
    # There is no phase left to end.
    net = make_net(dataset, callbacks=[("spy", Spy(raise_in="on_train_end"))])
    phase = Reconstruct()
    run(net, phase, dataset, 1)
    assert phase.calls[-1] == "end"
    assert len(net.history) == 1


def test_an_error_of_a_callback_is_not_swallowed(dataset):
    net = make_net(dataset, callbacks=[("spy", Spy("on_batch_end", ZeroDivisionError))])
    with pytest.raises(ZeroDivisionError):
        run(net, Reconstruct(), dataset, 1)


def test_callers_callbacks_are_left_alone(dataset):
    spy = Spy()
    callbacks = [("spy", spy)]
    net = make_net(dataset, callbacks=callbacks)
    run(net, Reconstruct(), dataset, 1)
    pickle.dumps(net.history)
    assert callbacks == [("spy", spy)]


def test_no_number_is_read_from_the_device_in_a_batch(dataset, monkeypatch):
    class Quiet(Reconstruct):
        def __call__(self, inputs, outputs, indices):
            error = (outputs[2] - inputs["x"]).square().mean()
            return {"error": error}, error

    reads = []

    def counted(method):
        def read(self, *args, **kwargs):
            reads.append(method.__name__)
            return method(self, *args, **kwargs)

        return read

    counts = []
    for batch_size in (20, 4):
        # Not Adam: it counts its steps on the host.
        net = make_net(dataset, batch_size=batch_size, optimizer=torch.optim.SGD)
        reads.clear()
        with monkeypatch.context() as patch:
            for name in ("item", "tolist", "__float__", "__bool__", "__int__"):
                patch.setattr(torch.Tensor, name, counted(getattr(torch.Tensor, name)))
            run(net, Quiet(), dataset, 1)
        counts.append(len(reads))
    assert counts[0] == counts[1]


def test_the_same_seeds_give_the_same_weights(dataset):
    nets = [make_net(dataset, seed=3) for _ in range(3)]
    for net, seed in zip(nets, (3, 3, 4), strict=True):
        run(net, Reconstruct(), dataset, 2, seed)
    assert torch.equal(weights(nets[0]), weights(nets[1]))
    # Batches in another order.
    assert not torch.equal(weights(nets[0]), weights(nets[2]))


class Accompanied(Reconstruct):
    """Every row with the one opposite."""

    def companions(self, indices):
        return {"opposite": 19 - indices}

    def inputs(self, module, rows, **companions):
        self.module = module
        self.pairs = rows, companions["opposite"]
        self.had_grad = torch.is_grad_enabled()
        return super().inputs(module, rows)


def test_rows_come_with_those_the_objective_names_for_them(dataset):
    net = make_net(dataset, batch_size=20)
    phase = Accompanied()
    run(net, phase, dataset, 1)
    rows, opposite = phase.pairs
    assert phase.module is net.module_
    order = torch.tensor(phase.seen)
    expected = net.reader.read(dataset.fetch(19 - order), torch.device("cpu"))
    assert torch.equal(opposite, expected)
    assert not torch.equal(rows, opposite)


@pytest.mark.parametrize("wanted", [False, True])
def test_inputs_are_made_with_gradients_where_they_are_asked_for(dataset, wanted):
    phase = Accompanied()
    assert not phase.inputs_need_grad
    phase.inputs_need_grad = wanted
    run(make_net(dataset), phase, dataset, 1)
    assert phase.had_grad is wanted


def test_learning_rate_falls_to_zero_in_every_phase(dataset):
    rates = Rates()
    net = make_net(dataset, callbacks=[rates])
    for _ in range(2):
        run(net, Reconstruct(), dataset, 4)
    cosine = 1e-2 * (1 + np.cos(np.pi * np.arange(12) / 12)) / 2
    np.testing.assert_allclose(rates.seen, [*cosine, *cosine], rtol=1e-6)


def test_what_steers_training_is_computed_in_its_precision(dataset):
    net = make_net(dataset)
    fine = net.embed(dataset).latent
    net.precision = torch.bfloat16
    assert not torch.equal(net.embed(dataset).latent, fine)


def test_learning_rate_first_rises_where_there_is_a_peak(dataset):
    rates = Rates()
    net = make_net(dataset, callbacks=[rates], callbacks__lr_decay__peak=3.0)
    run(net, Reconstruct(), dataset, 20)
    rising, falling = np.split(np.array(rates.seen) / 1e-2, [6])
    np.testing.assert_allclose(rising, 1 + 2 * np.arange(6) / 6)
    cosine = 3 * (1 + np.cos(np.pi * np.arange(54) / 54)) / 2
    np.testing.assert_allclose(falling, cosine)


def test_learning_rate_stays_where_the_decay_is_off(dataset):
    net = make_net(
        dataset, callbacks__lr_decay__enabled=False, callbacks__lr_decay__peak=3.0
    )
    run(net, Reconstruct(), dataset, 2)
    assert net.optimizer_.param_groups[0]["lr"] == 1e-2


def test_optimizer_starts_afresh_in_each_phase(dataset):
    net = make_net(dataset, optimizer__weight_decay=0.25)
    run(net, Reconstruct(), dataset, 1)
    first = net.optimizer_
    run(net, Reconstruct(), dataset, 1)
    assert net.optimizer_ is not first
    assert net.optimizer_.param_groups[0]["weight_decay"] == 0.25


def test_settings_of_the_loader_reach_it(dataset):
    net = make_net(dataset, iterator_train__pin_memory=False)
    net.streams_ = Streams.of(0, "training", torch.device("cpu"))
    loader = net.get_iterator(dataset, training=True)
    assert loader.pin_memory is False
    assert [len(indices) for _, indices in loader] == [7, 7, 6]


def test_the_net_forgets_the_data_and_survives_pickling(dataset):
    net = make_net(dataset)
    run(net, Reconstruct(), dataset, 1)
    assert type(net.criterion_) is Objective
    held = [
        value
        for value in vars(net).values()
        if isinstance(value, (RowDataset, torch.Generator))
    ]
    assert not held
    for again in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert torch.equal(
            again.embed(dataset).log_assignment, net.embed(dataset).log_assignment
        )


def test_progress_is_told_of_every_step_and_of_the_loss(dataset, capfd):
    progress = Progress()
    progress.begin("training")
    net = make_net(dataset)
    run(net, Reconstruct(), dataset, 2, progress=progress)
    assert capfd.readouterr() == ("", "")
    assert progress.status().left == 0
    loss = net.history[-1, "train_loss"]
    assert progress.status().note == f"epoch 2/2, loss {loss:.4g}"
    assert not hasattr(net, "progress_")


def test_progress_is_told_how_many_steps_there_will_be(dataset):
    progress, told = Progress(), []
    progress.begin("training")
    progress.steps = told.append
    run(make_net(dataset, batch_size=4), Reconstruct(), dataset, 3, progress=progress)
    assert told == [3 * 5]
