"""What a GPU would have to wait for, found without one."""

import io
import pickle
import warnings
from functools import cache

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from skorch.exceptions import DeviceWarning

from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    NeighborGraphClusterer,
    Reconstruction,
    TripletMargin,
)
from tests.every_objective import CASES, SHORT
from tests.made import make_images, make_textures, make_vectors
from tests.simulated_device import DEVICE, simulated_device

#: Cases that fetch different things for each batch; the others fetch as the first does.
FETCHING = ("triplet", "negatives of the data set", "neighbours in the data set")


class Watch(Callback):
    """Collect the traffic of every epoch, from its first batch to its last."""

    def __init__(self, traffic):
        self.traffic = traffic
        self.epochs = []

    def on_epoch_begin(self, net, **kwargs):
        self.waits, self.uploads, self.batches = [], [], 0

    def on_batch_begin(self, net, **kwargs):
        if not self.batches:
            self.traffic.take()  # what an epoch needs once, the order of its batches

    def on_batch_end(self, net, **kwargs):
        found = self.traffic.take()
        self.batches += 1
        self.waits += found.waits
        self.uploads += found.uploads

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append((self.batches, self.waits, self.uploads))
        self.waits, self.uploads = [], []


def watched(kind, settings, X, keeps_data=True):
    with simulated_device(keeps_data) as (traffic, places), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        watch = Watch(traffic)
        model = kind(3, callbacks=[watch], **{**SHORT, **settings}).fit(X)
        watch.traffic = None
        assert all(map(places.has, model.net_.module_.state_dict().values()))
    assert model.device_ == str(DEVICE)
    assert len(watch.epochs) >= 2
    return model, watch.epochs, places


@cache
def watched_with_the_data(name):
    """Fit a case once for all that look at it."""
    return watched(*CASES[name], make_images(64)[0])


@pytest.mark.parametrize("name", CASES)
def test_no_batch_waits_for_the_device_where_the_data_are_on_it(name):
    _, epochs, _ = watched_with_the_data(name)
    # What the first batch of all prepares stays for the others.
    for batches, waits, uploads in epochs[1:]:
        assert batches == 4
        assert not waits
        assert not uploads


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in FETCHING else pytest.mark.slow)
        for name in CASES
    ],
)
def test_no_batch_waits_for_the_device_where_the_data_are_on_the_host(name):
    X, _ = make_images(64)
    _, epochs, _ = watched(*CASES[name], X, keeps_data=False)
    for batches, waits, uploads in epochs[1:]:
        assert not waits
        # Its rows, its indices, and its negatives or neighbours where there are any.
        assert len(uploads) <= batches * (3 if "data set" in name else 2)


def test_vectors_are_not_waited_for_either():
    X, _ = make_vectors(64)
    settings = {"pretraining": Reconstruction(2, omega=0.3)}
    _, epochs, _ = watched(DeepTripletClusterer, settings, X)
    assert not any(waits or uploads for _, waits, uploads in epochs[1:])


@pytest.mark.parametrize(
    "loading",
    [{"iterator_train__num_workers": 1}, {"iterator_train__pin_memory": True}],
)
@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set")
def test_data_that_are_loaded_apart_stay_on_the_host(loading):
    with simulated_device():
        context = DeepTripletClusterer(3, **loading)._prepare(make_images(32)[0])
        assert context.dataset.resident is None
        assert context.dataset.home == torch.device("cpu")
        context = DeepTripletClusterer(3)._prepare(make_images(32)[0])
        assert context.dataset.home == DEVICE


class OutsideOfTheNet(pickle.Pickler):
    """Note what a pickle holds that skorch does not bring to the machine it is read on.

    Modules and optimisers it pickles apart.
    """

    def __init__(self, file):
        super().__init__(file)
        self.found = []

    def reducer_override(self, value):
        if isinstance(value, torch.Tensor | torch.Generator):
            self.found.append(value)
        return NotImplemented


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_the_device_stays_with_a_fitted_model(name):
    model, _, places = watched_with_the_data(name)
    with simulated_device():
        pickler = OutsideOfTheNet(io.BytesIO())
        pickler.dump(model)
    for found in pickler.found:
        assert isinstance(found, torch.Tensor)
        assert not places.has(found)


@pytest.mark.parametrize("make", [make_images, make_textures, make_vectors])
def test_nothing_of_the_device_stays_with_a_fitted_graph(make):
    X, _ = make(48)
    kind = "photograph" if make is make_textures else "auto"
    with simulated_device() as (_, places), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = NeighborGraphClusterer(2, image_kind=kind, random_state=0).fit(X)
        np.testing.assert_array_equal(model.predict(X), model.labels_)
        pickler = OutsideOfTheNet(io.BytesIO())
        pickler.dump(model)
    for found in pickler.found:
        assert isinstance(found, torch.Tensor)
        assert not places.has(found)
    assert np.isfinite(model.score(X))  # on the CPU
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_a_pickle_from_a_gpu_loads_without_one():
    X, _ = make_images(48)
    model = DECClusterer(3, pretraining=Reconstruction(1), **SHORT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X)
    expected = model.predict_proba(X)
    model.net_.device = "cuda:0"
    pickled = pickle.dumps(model)
    with pytest.warns(DeviceWarning):
        loaded = pickle.loads(pickled)
    assert loaded.net_.torch_device == torch.device("cpu")
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)


WAITS = {
    "item": lambda x: x.sum().item(),
    "float": lambda x: float(x.sum()),
    "bool": lambda x: bool(x.sum() > 0),
    "if": lambda x: 1 if x.sum() > 0 else 0,
    "cpu": lambda x: x.cpu(),
    "to": lambda x: x.to("cpu", non_blocking=True),
    "tolist": lambda x: x.tolist(),
    "nonzero": lambda x: x.nonzero(),
    "where": lambda x: torch.where(x > 0),
    "mask": lambda x: x[x > 0],
    "masked assignment": lambda x: x.clone().__setitem__(x > 0, x[:1, 0]),
    "unique": lambda x: x.unique(),
    "blocking upload": lambda x: torch.zeros(3).to(x.device),
    "array": lambda x: torch.as_tensor(np.ones(2), device=x.device),
    "list": lambda x: torch.tensor([1.0, 2.0], device=x.device),
    "copy": lambda x: torch.zeros(5, 3).copy_(x),
    "indices of the host": lambda x: x[torch.tensor([0, 1])],
    "backward": lambda x: Waiting.apply(x.clone().requires_grad_()).sum().backward(),
}
FREE = {
    "sum": lambda x: x.sum(),
    "view": lambda x: x.T.reshape(-1)[3:],
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "indices": lambda x: x[torch.arange(3, device=x.device)],
    "draw": lambda x: torch.rand(3, device=x.device),
    "type": lambda x: x.to(torch.float64).float(),
    "one-hot": lambda x: torch.nn.functional.one_hot(x.argmax(1), 3),
    "number": lambda x: x * torch.tensor(2.0),
    "backward": lambda x: (x.clone().requires_grad_() ** 2).sum().backward(),
}
REFUSED = {
    "sum": lambda x: x + torch.ones(5, 3),
    "product": lambda x: torch.nn.functional.linear(x, torch.ones(2, 3)),
    "cat": lambda x: torch.cat([x, torch.ones(5, 3)]),
    "view of the host": lambda x: torch.ones(5, 6)[:, ::2].mul_(x),
    "data of the host": lambda x: torch.ones(5)[x.argmax(1)],
    "generator of the host": lambda x: torch.rand(
        3, generator=torch.Generator(), device=x.device
    ),
    "NumPy": lambda x: x.numpy(),
}


class Waiting(torch.autograd.Function):
    """Read a number out in the backward pass."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * float(grad.sum())


def on_the_device():
    return torch.arange(15.0).reshape(5, 3).to(DEVICE, non_blocking=True)


@pytest.mark.parametrize("name", WAITS)
def test_the_simulation_notices_what_waits(name):
    with simulated_device() as (traffic, _):
        x = on_the_device()
        traffic.take()
        WAITS[name](x)
        assert traffic.take().waits


@pytest.mark.parametrize("name", FREE)
def test_the_simulation_lets_pass_what_does_not_wait(name):
    with simulated_device() as (traffic, places):
        x = on_the_device()
        assert traffic.take().uploads
        out = FREE[name](x)
        found = traffic.take()
        assert out is None or (places.has(out) and out.device == DEVICE and out.is_cuda)
        assert not found.waits
        assert not found.uploads


@pytest.mark.parametrize("name", REFUSED)
def test_the_simulation_refuses_what_torch_refuses(name):
    with simulated_device(), pytest.raises((RuntimeError, TypeError)):
        REFUSED[name](on_the_device())


def test_the_simulation_computes_what_the_cpu_does():
    X, _ = make_images(48)
    settings = {"pretraining": TripletMargin(1)}
    model, _, _ = watched(DeepTripletClusterer, settings, X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        here = DeepTripletClusterer(3, device="cpu", **SHORT, **settings).fit(X)
    np.testing.assert_allclose(model.cluster_centers_, here.cluster_centers_, atol=1e-4)
