"""What users of skorch know works, or says why not; the documented table is true."""

import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skorch.callbacks
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from skorch.callbacks import LRScheduler, WarmRestartLR
from torch.optim.lr_scheduler import CyclicLR, StepLR

from deepcluster_sk import DeepTripletClusterer, Reconstruction
from tests.made import make_images

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
PAGE = Path(__file__).parents[2] / "docs" / "callbacks.rst"
IMAGES = make_images()[0]
ROWS = IMAGES.reshape(len(IMAGES), -1)
#: Loggers of other packages, which their users have.
LOGGERS = {"MlflowLogger", "NeptuneLogger", "SacredLogger", "WandbLogger"}


def fit(*callbacks, **params):
    settings = {
        "module__channels": (4, 8),
        "latent_dim": 4,
        "init": "kmeans",
        "pretraining": Reconstruction(2),
        "max_epochs": 3,
        "tol": 0.0,
        "random_state": 0,
    }
    model = DeepTripletClusterer(3, callbacks=list(callbacks), **settings | params)
    return model.fit(IMAGES)


def one(net, X, y=None):
    return 1.0


def works(folder):
    """What each callback is tried with, by name."""
    kinds = skorch.callbacks
    schedule = {"callbacks__lr_decay": None}
    nothing = SimpleNamespace(add_scalar=lambda *_, **__: None, close=lambda: None)
    return {
        "Checkpoint": (kinds.Checkpoint(dirname=folder, monitor="train_loss_best"), {}),
        "EarlyStopping": (kinds.EarlyStopping(monitor="train_loss"), {}),
        "EpochScoring": (kinds.EpochScoring(one, name="one", on_train=True), {}),
        "EpochTimer": (kinds.EpochTimer(), {}),
        "Freezer": (kinds.Freezer("autoencoder.encoder.0*"), {}),
        "GradientNormClipping": (kinds.GradientNormClipping(1.0), {}),
        "Initializer": (kinds.Initializer("*.bias", fn=torch.nn.init.zeros_), {}),
        "LRScheduler": (LRScheduler(StepLR, step_size=1), schedule),
        "LoadInitState": (
            kinds.LoadInitState(kinds.Checkpoint(dirname=folder, monitor=None)),
            {},
        ),
        "ParamMapper": (kinds.ParamMapper("*", fn=lambda p: None), {}),
        "PrintLog": (kinds.PrintLog(sink=lambda *_: None), {}),
        "ProgressBar": (kinds.ProgressBar(), {}),
        "TensorBoard": (kinds.TensorBoard(nothing), {}),
        "TrainEndCheckpoint": (kinds.TrainEndCheckpoint(dirname=folder), {}),
        "Unfreezer": (kinds.Unfreezer("*", at=2), {}),
        "WarmRestartLR": (LRScheduler(WarmRestartLR), schedule),
    }


def table():
    rows = re.findall(r"^   \* - (\w+)\n     - (.*)$", PAGE.read_text(), re.MULTILINE)
    return dict(rows[1:])


def test_the_table_has_every_callback_of_skorch():
    known = set(skorch.callbacks.__all__) - {"Callback"}
    # Newer releases may bring others; those there are must be listed.
    assert known - set(table()) == set()


@pytest.mark.parametrize("name", [n for n, says in table().items() if "works" in says])
def test_a_callback_works(name, tmp_path):
    if name in LOGGERS:
        pytest.skip("a package of its own, which is not installed")
    callback, params = works(str(tmp_path))[name]
    fitted = fit(callback, **params)
    assert fitted.n_iter_ > 0
    assert_array_equal(fitted.predict(IMAGES), fitted.labels_)


@pytest.mark.parametrize("name", [n for n, s in table().items() if "refused" in s])
def test_a_callback_is_refused_with_a_reason(name):
    kind = getattr(skorch.callbacks, name)
    callback = kind if name == "InputShapeSetter" else kind("accuracy")
    with pytest.raises(ValueError, match=name):
        fit(callback)


@pytest.mark.parametrize("name", ["EarlyStopping", "Checkpoint"])
def test_monitors_of_validation_are_refused_with_the_remedy(name):
    callback = getattr(skorch.callbacks, name)()
    for given in (callback, type(callback), ("named", callback)):
        with pytest.raises(ValueError, match=r"Give it monitor='train_loss"):
            fit(given)


def test_scores_by_name_want_labels():
    with pytest.raises(ValueError, match="needs labels"):
        fit(skorch.callbacks.EpochScoring("accuracy"))


def test_a_score_of_the_users_own_is_in_the_history():
    fitted = fit(skorch.callbacks.EpochScoring(one, name="one", on_train=True))
    assert [row["one"] for row in fitted.history_] == [1.0] * 5


@pytest.mark.parametrize(
    "scheduler",
    [
        partial(LRScheduler, StepLR, step_size=1, gamma=0.5),
        partial(
            LRScheduler,
            CyclicLR,
            base_lr=1e-4,
            max_lr=1e-3,
            cycle_momentum=False,
            step_every="batch",
        ),
    ],
)
def test_a_schedule_goes_on_over_both_phases(scheduler):
    fitted = fit(scheduler(), callbacks__lr_decay=None)
    assert fitted.n_iter_ == 3


def test_the_best_loss_is_one_of_its_phase():
    rows = fit().history_
    for phase in ("pretrain", "cluster"):
        losses = [row["train_loss"] for row in rows if row["phase"] == phase]
        best = [row["train_loss_best"] for row in rows if row["phase"] == phase]
        assert best == [x == min(losses[: i + 1]) for i, x in enumerate(losses)]


def test_the_fitted_net_predicts():
    fitted = fit()
    net = fitted.net_
    assert_allclose(net.predict_proba(ROWS), fitted.predict_proba(IMAGES), atol=1e-5)
    assert_array_equal(net.predict(ROWS), fitted.labels_)
    latent, log_assignment = net.forward(ROWS)
    assert_allclose(latent, fitted.transform(IMAGES), atol=1e-5)
    assert log_assignment.shape == (len(ROWS), 3)
    assert not any(part.training for part in net.module_.modules())


def test_the_fitted_net_is_not_trained_by_itself():
    net = fit().net_
    for call in (net.fit, net.partial_fit):
        with pytest.raises(NotImplementedError, match="fit of the clusterer"):
            call(ROWS)


def test_the_fitted_net_clones_and_keeps_its_weights(tmp_path):
    net = fit().net_
    path = str(tmp_path / "weights.pt")
    net.save_params(f_params=path)
    other = clone(net).initialize()
    assert not np.array_equal(other.predict_proba(ROWS), net.predict_proba(ROWS))
    other.load_params(f_params=path)
    assert_array_equal(other.predict_proba(ROWS), net.predict_proba(ROWS))
