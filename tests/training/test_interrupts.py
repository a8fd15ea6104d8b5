"""Who may end a phase, who ends the fit, and what is left then."""

import os
import signal
import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback

from deepcluster_sk import (
    DeepTripletClusterer,
    FitInterruptedWarning,
    Reconstruction,
    StopPhase,
    TripletMargin,
    load,
)
from deepcluster_sk.base import clusterer, looks, placing
from deepcluster_sk.training.net import ClusteringNet
from tests.made import make_images

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
HOOKS = (
    "on_train_begin",
    "on_epoch_begin",
    "on_batch_begin",
    "on_grad_computed",
    "on_batch_end",
    "on_epoch_end",
    "on_train_end",
)
IMAGES, PLACES = make_images()


class Raises(Callback):
    """Do something at a hook, in the phase of a name."""

    def __init__(self, hook, action, phase="cluster"):
        self.hook, self.action, self.phase = hook, action, phase
        setattr(self, hook, self._act)

    def _act(self, net, *args, **kwargs):
        if net.criterion_.name == self.phase:
            self.action()


def stop():
    raise StopPhase


def stop_as_skorch_does():
    raise KeyboardInterrupt


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def model(**params):
    return DeepTripletClusterer(
        3,
        **{
            "module__channels": (4, 8),
            "latent_dim": 4,
            "init": "kmeans",
            "pretraining": Reconstruction(2),
            "max_epochs": 3,
            "random_state": 0,
            **params,
        },
    )


@pytest.mark.parametrize("phase", ["pretrain", "cluster"])
@pytest.mark.parametrize("action", [stop, stop_as_skorch_does])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_callback_ends_the_phase_and_the_fit_goes_on(hook, action, phase):
    fitted = model(callbacks=[Raises(hook, action, phase)]).fit(IMAGES)
    assert (fitted.predict(IMAGES) == fitted.labels_).all()
    rows = [row for row in fitted.history_ if row["phase"] == phase]
    others = [row for row in fitted.history_ if row["phase"] != phase]
    ends_late = hook == "on_train_end"
    expected = {"pretrain": 2, "cluster": 3}
    assert len(rows) == (expected[phase] if ends_late else int(hook == "on_epoch_end"))
    assert len(others) == expected["pretrain" if phase == "cluster" else "cluster"]
    assert all("train_loss" in row and "dur" in row for row in rows)


def check_usable(fitted, stage):
    """A model that an interrupt left: whole, but for the training it did not have."""
    assert_array_equal(fitted.predict(IMAGES), fitted.labels_)
    assert fitted.interrupted_ == stage
    assert len(np.unique(fitted.initial_labels_)) == 3
    assert all("train_loss" in row and "dur" in row for row in fitted.history_)


@pytest.mark.parametrize("phase", ["pretrain", "cluster"])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_signal_leaves_a_model(hook, phase):
    stage = {"pretrain": "pretraining", "cluster": "joint training"}[phase]
    if phase == "pretrain" and hook == "on_train_end":
        stage = "joint training"
    estimator = model(callbacks=[Raises(hook, interrupt, phase)], init="graph")
    if phase == "cluster" and hook == "on_train_end":
        stage = None  # nothing was left to be cut short
    with pytest.warns(FitInterruptedWarning, match=stage or "as good as done"):
        estimator.fit(IMAGES)
    check_usable(estimator, stage)
    rows = [row["phase"] for row in estimator.history_]
    n_pretrained = {"on_epoch_end": 1, "on_train_end": 2}.get(hook, 0)
    assert rows.count("pretrain") == (2 if phase == "cluster" else n_pretrained)
    n_trained = {"on_epoch_end": 1, "on_train_end": 3}.get(hook, 0)
    assert rows.count("cluster") == (n_trained if phase == "cluster" else 0)
    again = estimator.set_params(callbacks=None).fit(IMAGES)
    assert again.interrupted_ is None
    assert len(again.history_) == 5


@pytest.mark.parametrize("hook", HOOKS[::3])
def test_a_signal_ends_the_fit_where_there_are_no_clusters_yet(hook):
    estimator = model(callbacks=[Raises(hook, interrupt, "pretrain")])
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(IMAGES)
    assert not hasattr(estimator, "labels_")


def test_labels_that_were_given_are_a_partition_from_the_first():
    callbacks = [Raises("on_batch_begin", interrupt, "pretrain")]
    estimator = model(callbacks=callbacks, init=PLACES)
    with pytest.warns(FitInterruptedWarning, match="pretraining"):
        estimator.fit(IMAGES)
    check_usable(estimator, "pretraining")
    assert_array_equal(estimator.initial_labels_, PLACES)
    assert estimator.n_iter_ == 0


@pytest.mark.parametrize("hook", HOOKS[::3])
def test_a_second_signal_ends_the_fit(hook):
    def twice():
        interrupt()
        interrupt()

    estimator = model(init="graph").fit(IMAGES)
    before = vars(estimator).copy()
    estimator.callbacks = [Raises(hook, twice)]
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(IMAGES)
    assert vars(estimator) == {**before, "callbacks": estimator.callbacks}


SEAMS = {
    "find_start": (clusterer, None),
    "second_look": (clusterer, "pretraining"),
    "first_clusters": (placing, "joint training"),
    "refined_labels": (looks, "joint training"),
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", SEAMS)
def test_a_signal_between_epochs(name, after, monkeypatch, tmp_path):
    home, stage = SEAMS[name]
    work = getattr(home, name)

    def interrupted(*args, **kwargs):
        found = work(*args, **kwargs) if after else None
        interrupt()
        return found if after else work(*args, **kwargs)

    estimator = model(
        init="graph", pretraining=TripletMargin(2), max_epochs=4, memory=str(tmp_path)
    )
    with monkeypatch.context() as patch:
        patch.setattr(home, name, interrupted)
        if stage is None:
            with pytest.raises(KeyboardInterrupt):
                estimator.fit(IMAGES)
            assert not hasattr(estimator, "labels_")
        else:
            with pytest.warns(FitInterruptedWarning):
                estimator.fit(IMAGES)
            check_usable(estimator, estimator.interrupted_)
            rows = [row["phase"] for row in estimator.history_]
            assert rows[:2] == ["pretrain"] * 2
            assert len(rows) < 6
    whole = clone(estimator).set_params(memory=None).fit(IMAGES)
    again = clone(estimator).fit(IMAGES)
    assert_array_equal(again.transform(IMAGES), whole.transform(IMAGES))


def test_an_interrupted_pretraining_is_not_cached(tmp_path, monkeypatch):
    loss = ClusteringNet.get_loss

    def interrupted(*args, **kwargs):
        interrupt()
        return loss(*args, **kwargs)

    params = {"memory": str(tmp_path), "init": "graph"}
    with monkeypatch.context() as patch:
        patch.setattr(ClusteringNet, "get_loss", interrupted)
        with pytest.warns(FitInterruptedWarning):
            model(**params).fit(IMAGES)
    cached = model(**params).fit(IMAGES)
    assert sum(row["phase"] == "pretrain" for row in cached.history_) == 2
    assert_array_equal(
        cached.transform(IMAGES), model(init="graph").fit(IMAGES).transform(IMAGES)
    )


def test_a_step_is_never_torn(monkeypatch):
    steps = []
    step = torch.optim.Adam.step

    def interrupted(self, *args, **kwargs):
        if len(self.param_groups[0]["params"]) == 1:  # only to try the settings out
            return step(self, *args, **kwargs)
        interrupt()
        return steps.append(step(self, *args, **kwargs))

    monkeypatch.setattr(torch.optim.Adam, "step", interrupted)
    with pytest.warns(FitInterruptedWarning):
        model(init="graph").fit(IMAGES)
    assert len(steps) == 1


def test_what_was_interrupted_is_saved_with_the_model(tmp_path):
    estimator = model(callbacks=[("stop", Raises("on_epoch_end", interrupt))])
    with pytest.warns(FitInterruptedWarning):
        estimator.fit(IMAGES).save(tmp_path / "model")
    with pytest.warns(UserWarning, match="callbacks"):
        loaded = load(tmp_path / "model")
    assert loaded.interrupted_ == "joint training"
    assert loaded.callbacks is None
    assert "interrupted in joint training" in loaded.summary()


def test_handlers_are_as_they_were():
    before = signal.getsignal(signal.SIGINT)
    model().fit(IMAGES)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_users_handler_decides():
    calls = []
    before = signal.signal(signal.SIGINT, lambda *_: calls.append(1))
    estimator = model(callbacks=[Raises("on_batch_end", interrupt)])
    try:
        fitted = estimator.fit(IMAGES)
    finally:
        signal.signal(signal.SIGINT, before)
    assert fitted.interrupted_ is None
    assert len(calls) == fitted.n_iter_ == 3


def test_elsewhere_than_in_the_main_thread_nothing_is_asked_of_signals():
    fitted = []
    thread = threading.Thread(target=lambda: fitted.append(model().fit(IMAGES)))
    thread.start()
    thread.join()
    assert hasattr(fitted[0], "labels_")
