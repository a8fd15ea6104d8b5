"""A fit that was killed goes on where it was, to the same result, bit for bit."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback

import deepcluster_sk
from deepcluster_sk import (
    FitCheckpoint,
    ModelFileError,
    PseudoLabels,
    Reconstruction,
    TripletMargin,
    load,
)
from deepcluster_sk.base import clusterer
from deepcluster_sk.persistence import checkpoint as checkpoints
from deepcluster_sk.training.net import ClusteringNet
from tests.every_objective import CASES, SHORT
from tests.made import make_images

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
IMAGES = make_images(64)[0]


class Killed(BaseException):
    """As good as a kill: nothing is caught, and nothing is wound up."""


class Kill(Callback):
    """Kill a fit once so many epochs are over."""

    def __init__(self, after):
        self.after = after

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.after + 1:
            raise Killed


class Interrupt(Callback):
    """Ctrl-C in the first batch of joint training."""

    def on_batch_begin(self, net, **kwargs):
        if net.criterion_.name == "cluster":
            os.kill(os.getpid(), signal.SIGINT)


def make(name="triplet", **params):
    cls, own = CASES[name]
    return cls(3, **{**SHORT, **own, **params})


def killed(estimator, path, after):
    callbacks = [FitCheckpoint(path), Kill(after)]
    with pytest.raises(Killed):
        clone(estimator).set_params(callbacks=callbacks).fit(IMAGES)


def fit(estimator, path):
    return clone(estimator).set_params(callbacks=[FitCheckpoint(path)]).fit(IMAGES)


def assert_same_fit(found, expected):
    assert_array_equal(found.labels_, expected.labels_)
    assert_array_equal(found.initial_labels_, expected.initial_labels_)
    assert_array_equal(found.transform(IMAGES), expected.transform(IMAGES))
    kept = [
        [{k: v for k, v in row.items() if k != "dur"} for row in one.history_]
        for one in (found, expected)
    ]
    assert kept[0] == kept[1]


@pytest.mark.parametrize("name", CASES)
def test_every_objective_goes_on(name, tmp_path):
    estimator = make(name, max_epochs=3)
    expected = clone(estimator).fit(IMAGES)
    n_pretrained = len(expected.history_) - 3
    for after in {max(0, n_pretrained - 1), n_pretrained + 1}:
        path = tmp_path / str(after)
        killed(estimator, path, after)
        assert_same_fit(fit(estimator, path), expected)


@pytest.fixture
def epochs(monkeypatch):
    """Count the epochs that are trained."""
    trained = []
    epoch = ClusteringNet.run_single_epoch

    def counted(self, iterator, **kwargs):
        if iterator is not None:
            trained.append(self.criterion_.name)
        return epoch(self, iterator, **kwargs)

    monkeypatch.setattr(ClusteringNet, "run_single_epoch", counted)
    return trained


def test_nothing_is_computed_twice(tmp_path, epochs, monkeypatch):
    estimator, path = make(max_epochs=4), tmp_path / "fit"
    expected = clone(estimator).fit(IMAGES)
    killed(estimator, path, 4)
    epochs.clear()
    for name in ("find_start", "second_look"):
        monkeypatch.setattr(clusterer, name, None)
    assert_same_fit(fit(estimator, path), expected)
    assert epochs == ["cluster"] * 2
    # A fit that is complete is done in a moment.
    assert_same_fit(fit(estimator, path), expected)
    assert len(epochs) == 2


def test_labels_found_anew_and_the_best_epoch_are_kept(tmp_path):
    estimator = make(targets=PseudoLabels(n_updates=3), max_epochs=6)
    expected = clone(estimator).fit(IMAGES)
    for after in (4, 6):
        killed(estimator, tmp_path / str(after), after)
        assert_same_fit(fit(estimator, tmp_path / str(after)), expected)


def test_without_a_seed_the_killed_fits_own_is_gone_on_with(tmp_path):
    estimator, path = make(random_state=None), tmp_path / "fit"
    killed(estimator, path, 1)
    found = fit(estimator, path)
    assert_same_fit(fit(estimator, path), found)
    assert not np.array_equal(
        fit(estimator, tmp_path / "other").transform(IMAGES), found.transform(IMAGES)
    )


def test_another_fit_is_refused_in_words(tmp_path):
    estimator, path = make(), tmp_path / "fit"
    killed(estimator, path, 1)
    before = path.read_bytes()
    for params in (
        {"max_epochs": 3},
        {"random_state": 1},
        {"pretraining": TripletMargin(3)},
        {"augmentation": np.negative},
        {"module__channels": (4, 4)},
        {"init": np.zeros(64, np.int64)},
    ):
        (name,) = params
        with pytest.raises(ValueError, match=rf"another fit: \['{name}'\]"):
            fit(clone(estimator).set_params(**params), path)
    callbacks = [FitCheckpoint(path)]
    with pytest.raises(ValueError, match=r"another fit: \['X'\]"):
        clone(estimator).set_params(callbacks=callbacks).fit(IMAGES[::-1])
    assert path.read_bytes() == before
    # What changes no result may change.
    clone(estimator).set_params(callbacks=callbacks, verbose=0, memory=None).fit(IMAGES)


def test_files_that_are_no_checkpoint(tmp_path):
    estimator, path = make(max_epochs=0, pretraining=None), tmp_path / "fit"
    fit(estimator, path)
    with pytest.raises(ModelFileError, match="checkpoint of a fit"):
        load(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFileError, match="damaged"):
        fit(estimator, path)
    estimator.fit(IMAGES).save(path)
    with pytest.raises(ModelFileError, match="saved model"):
        fit(estimator, path)
    with pytest.raises(OSError, match="no folder"):
        fit(estimator, tmp_path / "missing" / "fit")
    with pytest.raises(IsADirectoryError, match="is a folder; name a file"):
        fit(estimator, tmp_path)
    two = [FitCheckpoint(tmp_path / "one"), ("two", FitCheckpoint(tmp_path / "two"))]
    with pytest.raises(ValueError, match="more than one"):
        clone(estimator).set_params(callbacks=two).fit(IMAGES)


@pytest.mark.parametrize("given", [FitCheckpoint, ("kept", FitCheckpoint)])
def test_the_class_is_one_by_its_defaults(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    estimator = make(max_epochs=1, pretraining=None, callbacks=[given])
    found = estimator.fit(IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == ["fit.checkpoint"]
    assert_same_fit(fit(estimator, "fit.checkpoint"), found)


def test_what_a_kill_left_half_written_is_removed(tmp_path, monkeypatch):
    def kill(tensors, name, **kwargs):
        left.append(Path(name))
        raise Killed

    left, path = [], tmp_path / "fit[1]"
    estimator = make(max_epochs=1, pretraining=None)
    with monkeypatch.context() as patch:
        patch.setattr("deepcluster_sk.persistence.files.save_file", kill)
        with pytest.raises(Killed):
            fit(estimator, path)
    left[0].touch()  # a kill proper leaves it there
    others = [tmp_path / ".fit[1].20260101", tmp_path / ".fit[1].b.12345678.tmp"]
    for other in others:
        other.touch()
    fit(estimator, path)
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_a_full_disk_does_not_end_the_fit(tmp_path, monkeypatch):
    estimator, path = make(), tmp_path / "fit"
    killed(estimator, path, 1)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deepcluster_sk.persistence.files.save_file", full)
    with pytest.warns(UserWarning, match=r"No space left.*The fit goes on"):
        found = fit(estimator, path)
    assert_same_fit(found, clone(estimator).fit(IMAGES))
    assert path.read_bytes() == before


def test_a_callback_that_raises_loses_nothing(tmp_path):
    class Fail(Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 4:
                raise ZeroDivisionError

    estimator, path = make(), tmp_path / "fit"
    callbacks = [FitCheckpoint(path), Fail()]
    with pytest.raises(ZeroDivisionError):
        clone(estimator).set_params(callbacks=callbacks).fit(IMAGES)
    with pytest.warns(UserWarning, match="interrupted in joint training"):
        clone(estimator).set_params(
            callbacks=[FitCheckpoint(path), ("stop", Interrupt())]
        ).fit(IMAGES)
    assert_same_fit(fit(estimator, path), clone(estimator).fit(IMAGES))


def test_nothing_runs_when_a_checkpoint_is_read(tmp_path):
    estimator, path = make(), tmp_path / "fit"
    fit(estimator, path)
    code = (
        "import sys; from deepcluster_sk.persistence.files import read; "
        "from deepcluster_sk.persistence.trees import unpack; seen = []; "
        "sys.addaudithook(lambda e, a: seen.append(e) if e in "
        "('pickle.find_class', 'os.system', 'subprocess.Popen', 'exec', 'compile', "
        "'os.exec', 'socket.connect') else None); "
        "description, tensors = read(sys.argv[1]); "
        "state = unpack(description['phase'], tensors); "
        "assert state['phase'] == 'cluster'; print(seen)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, path],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(deepcluster_sk.__file__).parents[1],
    )
    assert found.stdout.strip() == "[]"


def test_minutes_pass_between_two_that_are_written(tmp_path, monkeypatch):
    now, written = [0.0], []
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    write = checkpoints.write

    def noted(path, description, tensors):
        written.append(len(description["stages"]["pairs"]))
        write(path, description, tensors)

    class Clock(Callback):
        def on_epoch_end(self, net, **kwargs):
            now[0] += 40

    monkeypatch.setattr(checkpoints, "write", noted)
    callbacks = [FitCheckpoint(tmp_path / "fit", minutes=1), Clock()]
    make("DEC", pretraining=Reconstruction(5), max_epochs=1).set_params(
        callbacks=callbacks
    ).fit(IMAGES)
    # Epochs 2, 4 and, the last, 5; the stage; the only epoch of joint training.
    assert written == [0, 0, 0, 1, 1]


def test_callbacks_that_tell_their_state(tmp_path):
    class Counts(Callback):
        n = 0

        def on_epoch_end(self, net, **kwargs):
            self.n += 1

        def state_dict(self):
            return {"n": self.n}

        def load_state_dict(self, state):
            self.n = state["n"]

    estimator, path = make(), tmp_path / "fit"
    first, again = Counts(), Counts()
    callbacks = [FitCheckpoint(path), first, Kill(3)]
    with pytest.raises(Killed):
        clone(estimator).set_params(callbacks=callbacks).fit(IMAGES)
    make(callbacks=[FitCheckpoint(path), again]).fit(IMAGES)
    assert again.n == 4


#: A fit in another process, that says when it begins.
CODE = """
import sys, warnings
import torch
from tests.base.test_checkpoints import IMAGES, estimator_to_kill, fit
torch.set_num_threads(1)
warnings.simplefilter("ignore")
print("ready", flush=True)
fit(estimator_to_kill(), sys.argv[1])
print("done", flush=True)
"""


def estimator_to_kill():
    return make(pretraining=TripletMargin(6), max_epochs=6)


def kill_and_go_on(path, moments):
    """Kill a fit after so many seconds, again and again; let the last one end."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    for moment in moments:
        with subprocess.Popen(
            [sys.executable, "-c", CODE, path],
            stdout=subprocess.PIPE,
            text=True,
            env=env,
            cwd=Path(deepcluster_sk.__file__).parents[1],
        ) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
    return fit(estimator_to_kill(), path)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX alone can kill")
@pytest.mark.parametrize("n_kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_at_random_moments(tmp_path, n_kills):
    torch.set_num_threads(1)
    started = time.perf_counter()
    expected = estimator_to_kill().fit(IMAGES)
    takes = time.perf_counter() - started
    moments = [random.Random(n_kills + i).uniform(0, takes) for i in range(n_kills)]
    for i, moment in enumerate(moments):
        # Some fits are killed once, some go on and are killed again.
        found = kill_and_go_on(tmp_path / f"fit{i}", [moment] * (1 + i % 2))
        assert_same_fit(found, expected)
