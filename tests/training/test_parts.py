"""Out of memory: batches are halved, and the fit goes on."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.parts import free_memory, more_parts, parts_of
from tests.every_objective import CASES, SHORT
from tests.made import make_images

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
IMAGES = make_images(64)[0]


@pytest.fixture
def room_for(monkeypatch):
    """Let a training pass run out of memory with more samples than these."""
    sizes = []

    def room_for(n_rows):
        infer = ClusteringNet.infer

        def short(self, x, **kwargs):
            if len(x["rows"]) > n_rows:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
            sizes.append(len(x["rows"]))
            return infer(self, x, **kwargs)

        monkeypatch.setattr(ClusteringNet, "infer", short)
        return sizes

    return room_for


def make(name="triplet"):
    cls, own = CASES[name]
    return cls(3, **{**SHORT, **own})


@pytest.mark.parametrize("name", ["triplet", "negatives of the data set", "DEC"])
def test_batches_are_halved_until_they_fit(room_for, name):
    sizes = room_for(5)
    with pytest.warns(UserWarning, match=r"Out of memory.*batches of 16") as caught:
        fitted = make(name).fit(IMAGES)
    # Once, though both phases run.
    assert sum("Out of memory" in str(w.message) for w in caught) == 1
    assert set(sizes) == {4}
    # Nothing is left out: two epochs of each phase, four parts of four batches.
    assert len(sizes) == 4 * 16
    assert len(fitted.history_) == 4
    assert all(np.isfinite(row["train_loss"]) for row in fitted.history_)
    assert_array_equal(fitted.predict(IMAGES), fitted.labels_)


def test_parts_too_small_are_an_error(room_for):
    room_for(1)
    estimator = make()
    match = r"parts of 2 samples, of batches of 16.*CUDA out of memory"
    with (
        pytest.warns(UserWarning, match="Out of memory"),
        pytest.raises(torch.cuda.OutOfMemoryError, match=match),
    ):
        estimator.fit(IMAGES)
    assert not hasattr(estimator, "labels_")


@pytest.mark.parametrize(("kind", "n_calls"), [("cpu", 0), ("cuda", 1)])
def test_memory_of_a_gpu_is_given_back(kind, n_calls, monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(kind))
    free_memory(torch.device(kind))
    assert len(calls) == n_calls


def test_parts_hold_every_row_once_and_what_goes_with_it():
    indices = torch.arange(11)
    batch = {"rows": indices[:, None] * 2, "negatives": indices[:, None] * 3}, indices
    parts = list(parts_of(batch, 4))
    assert [len(part) for _, part in parts] == [3, 3, 3, 2]
    assert torch.equal(torch.cat([part for _, part in parts]), indices)
    for rows, part in parts:
        assert torch.equal(rows["rows"][:, 0], part * 2)
        assert torch.equal(rows["negatives"][:, 0], part * 3)


@pytest.mark.parametrize(("n_parts", "told"), [(1, True), (2, False), (4, False)])
def test_it_is_said_when_batches_are_first_halved(n_parts, told, recwarn):
    batch = {}, torch.arange(32)
    assert more_parts(batch, n_parts, RuntimeError()) == 2 * n_parts
    assert bool(recwarn) == told


@pytest.mark.parametrize(("n_rows", "fits"), [(8, True), (7, False)])
def test_a_part_is_of_two_rows_at_least(n_rows, fits):
    batch = {}, torch.arange(n_rows)
    if fits:
        assert more_parts(batch, 2, RuntimeError()) == 4
    else:
        with pytest.raises(RuntimeError, match="parts of 3 samples, of batches of 7"):
            more_parts(batch, 2, RuntimeError())
