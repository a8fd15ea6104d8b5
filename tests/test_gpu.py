"""What must hold on a GPU: the same tests on the CPU, so that they cannot be broken."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from skorch.callbacks import Callback

from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.base import preparation
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.every_objective import CASES, SHORT
from tests.made import make_images

ON_CUDA = pytest.param("cuda", marks=pytest.mark.gpu)
SLOWLY = pytest.param("cpu", marks=pytest.mark.slow)
#: Every case there, and two here: the simulated device watches the others.
CASES_ON = [
    *(
        pytest.param(name, "cpu", marks=() if at < 2 else pytest.mark.slow)
        for at, name in enumerate(CASES)
    ),
    *(pytest.param(name, "cuda", marks=pytest.mark.gpu) for name in CASES),
]
#: Reads models, and predicts, in a process that sees no GPU.
READER = """
import pickle, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
models, X = pickle.load(open(sys.argv[1], "rb"))
found = {name: model.predict_proba(X) for name, model in models.items()}
assert all(model.net_.torch_device.type == "cpu" for model in models.values())
np.savez(sys.argv[2], **found)
"""


@pytest.fixture(autouse=True)
def _short_fits_do_not_settle():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def fitted(name, device, X, **settings):
    kind, own = CASES[name]
    return kind(3, device=device, **{**SHORT, **own, **settings}).fit(X)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("device", ["cpu", ON_CUDA])
def test_every_clusterer_fits_and_predicts(name, device):
    X, _ = make_images(64)
    model = fitted(name, device, X)
    assert model.device_.startswith(device)
    assert next(model.net_.module_.parameters()).device.type == device
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.transform(X).shape == (64, 4)
    assert np.isfinite(model.score(X))
    if hasattr(model, "inverse_transform"):
        assert np.isfinite(model.inverse_transform(model.cluster_centers_)).all()
    assert model.net_.precision == preparation.resolve_precision(
        "auto", torch.device(device)
    )


@pytest.mark.parametrize("device", [SLOWLY, ON_CUDA])
def test_models_load_where_there_is_no_gpu(device, tmp_path, monkeypatch):
    X, _ = make_images(64)
    models = {name: fitted(name, device, X) for name in CASES}
    (tmp_path / "models").write_bytes(pickle.dumps((models, X)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    words = [READER, str(tmp_path / "models"), str(tmp_path / "found.npz")]
    subprocess.run([sys.executable, "-c", *words], check=True)
    with np.load(tmp_path / "found.npz") as found:
        for name, model in models.items():
            expected = model.predict_proba(X)
            np.testing.assert_allclose(found[name], expected, atol=0.02, err_msg=name)


class SyncErrors(Callback):
    """Have torch refuse to wait for the device, from each epoch's first batch on.

    Not in the first epoch of a phase, which prepares what stays.
    """

    def __init__(self, device):
        self.device = device
        self.n_watched = 0

    def on_train_begin(self, net, **kwargs):
        self.n_epochs = 0

    def on_epoch_begin(self, net, **kwargs):
        self.n_left = net.phase_steps_ // net.phase_epochs_
        self.n_epochs += 1

    def on_batch_begin(self, net, **kwargs):
        if self.n_epochs > 1:
            self.n_watched += 1
            self._switch("error")

    def on_batch_end(self, net, **kwargs):
        self.n_left -= 1
        if not self.n_left:
            self._switch("default")

    def _switch(self, mode):
        if self.device == "cuda":
            torch.cuda.set_sync_debug_mode(mode)


@pytest.mark.parametrize("keeps_data", [True, False])
@pytest.mark.parametrize(("name", "device"), CASES_ON)
def test_no_batch_waits_for_the_device(name, device, keeps_data, monkeypatch):
    if device == "cuda":
        monkeypatch.setattr(preparation, "keeps_data", lambda *about: keeps_data)
    watch = SyncErrors(device)
    try:
        fitted(name, device, make_images(64)[0], callbacks=[watch])
    finally:
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    assert watch.n_watched >= 4


@pytest.mark.parametrize(("name", "device"), CASES_ON)
def test_the_same_seed_gives_the_same_labels(name, device):
    X, _ = make_images(64)
    first, second = (fitted(name, device, X) for _ in range(2))
    np.testing.assert_array_equal(first.labels_, second.labels_)


@pytest.mark.parametrize("device", [SLOWLY, ON_CUDA])
def test_bf16_is_as_good_as_float32(device):
    digits = load_digits()
    X, y = digits.images[:600], digits.target[:600]
    found = {}
    for precision in ("float32", "bf16"):
        fits = [
            DeepTripletClusterer(
                10, device=device, precision=precision, random_state=seed
            ).fit(X)
            for seed in range(2)
        ]
        found[precision] = [clustering_accuracy_score(y, fit.labels_) for fit in fits]
    means = {precision: np.mean(values) for precision, values in found.items()}
    assert abs(means["bf16"] - means["float32"]) < 0.03, found


@pytest.mark.gpu
def test_the_gpu_and_the_cpu_agree_on_the_weights_of_one_model():
    X, _ = make_images(64)
    model = fitted("triplet", "cuda", X)
    there = model.predict_proba(X)
    model.net_.module_.cpu()
    model.net_.device = "cpu"
    np.testing.assert_allclose(model.predict_proba(X), there, atol=0.02)
