"""Who may end a phase, and who ends the fit."""

import os
import signal
import threading

import pytest
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback

from deepcluster_sk import DeepTripletClusterer, Reconstruction, StopPhase
from deepcluster_sk.runtime.interrupts import noticing_interrupts
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
IMAGES = make_images()[0]


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


@pytest.mark.parametrize("phase", ["pretrain", "cluster"])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_signal_ends_the_fit(hook, phase):
    estimator = model(callbacks=[Raises(hook, interrupt, phase)])
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(IMAGES)
    assert not hasattr(estimator, "labels_")


def test_an_interrupted_pretraining_is_not_cached(tmp_path, monkeypatch):
    loss = ClusteringNet.get_loss

    def interrupted(*args, **kwargs):
        interrupt()
        return loss(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(ClusteringNet, "get_loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model(memory=str(tmp_path)).fit(IMAGES)
    cached = model(memory=str(tmp_path)).fit(IMAGES)
    assert sum(row["phase"] == "pretrain" for row in cached.history_) == 2
    assert_array_equal(cached.transform(IMAGES), model().fit(IMAGES).transform(IMAGES))


def test_handlers_are_as_they_were():
    before = signal.getsignal(signal.SIGINT)
    model().fit(IMAGES)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_users_handler_is_still_called():
    calls = []
    before = signal.signal(signal.SIGINT, lambda *_: calls.append(1))
    try:
        with noticing_interrupts() as noticed:
            interrupt()
        assert noticed.seen
        assert calls == [1]
    finally:
        signal.signal(signal.SIGINT, before)


def test_elsewhere_than_in_the_main_thread_nothing_is_asked_of_signals():
    fitted = []
    thread = threading.Thread(target=lambda: fitted.append(model().fit(IMAGES)))
    thread.start()
    thread.join()
    assert hasattr(fitted[0], "labels_")
