"""A cache shares what comes before the joint phase, and changes no result."""

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone

from deepcluster_sk.training.net import ClusteringNet

# A few epochs on few images need not settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
#: Another value of each parameter that most clusterers have, and that a fit may read.
CHANGES = {
    "n_clusters": 2,
    "alpha": 0.1,
    "beta": 0.1,
    "gamma": 1.0,
    "omega": 2.0,
    "reconstruction_weight": 0.5,
    "margin": 2.0,
    "radius": 1.0,
    "latent_dim": 3,
    "architecture": "mlp",
    "channels": (4, 4),
    "contrast": "image",
    "augmentation": {"rotation": 90.0},
    "init": "spectral",
    "anchoring": 0.5,
    "n_restarts": 0,
    "pretraining": "separation",
    "pretrain_omega": 2.0,
    "pretrain_margin": 2.0,
    "pretrain_epochs": 1,
    "max_epochs": 1,
    "batch_size": 16,
    "lr": 0.01,
    "lr_schedule": None,
    "n_views": 1,
    "pull_views": False,
    "negatives": "bulk",
    "update_interval": 1,
    "precision": "bf16",
    "random_state": 1,
    "optimizer__weight_decay": 0.1,
}


@pytest.fixture
def phases(monkeypatch):
    """Names of the phases that are trained from now on."""
    run_phase, names = ClusteringNet.run_phase, []

    def counted(self, objective, dataset, epochs):
        names.append(objective.name)
        return run_phase(self, objective, dataset, epochs)

    monkeypatch.setattr(ClusteringNet, "run_phase", counted)
    return names


def assert_same_fit(one, other, X):
    assert_array_equal(one.labels_, other.labels_)
    assert_array_equal(one.initial_labels_, other.initial_labels_)
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    state, expected = one.net_.module_.state_dict(), other.net_.module_.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in state.items())
    assert one.score(X) == other.score(X)
    assert timeless(one.history_) == timeless(other.history_)


def timeless(history):
    return [{k: v for k, v in row.items() if k != "dur"} for row in history]


@pytest.fixture(scope="module")
def warm(make, images, tmp_path_factory):
    """A cache that knows one fit."""
    memory = str(tmp_path_factory.mktemp("memory"))
    make(memory=memory).fit(images)
    return memory


def test_a_cache_changes_nothing(make, images, tmp_path, phases):
    without = make().fit(images)
    every = list(phases)
    assert "pretrain" in every
    missed = make(memory=str(tmp_path)).fit(images)
    phases.clear()
    found = make(memory=joblib.Memory(str(tmp_path), verbose=0)).fit(images)
    assert phases == [name for name in every if name != "pretrain"]
    assert_same_fit(missed, without, images)
    assert_same_fit(found, without, images)


def test_no_partition_is_looked_for_again(cls, make, images, warm, monkeypatch):
    def again(*args):
        raise AssertionError("looked for again")

    for name in ("_first_partition", "_second_partition"):
        monkeypatch.setattr(cls, name, again)
    make(memory=warm).fit(images)
    if make().init == "consensus":
        with pytest.raises(AssertionError, match="looked for again"):
            make().fit(images)


@pytest.mark.parametrize("name", CHANGES)
def test_no_parameter_is_missing_from_the_key(make, images, warm, name):
    """Whatever differs, the cache gives what a fit without it gives."""
    if name not in {*make().get_params(), "optimizer__weight_decay"}:
        pytest.skip(f"has no {name}")
    params = {name: CHANGES[name]}
    if name == "architecture":
        params["channels"] = None
    without = make(**params).fit(images)
    assert_same_fit(make(memory=warm, **params).fit(images), without, images)


def test_parameters_of_the_joint_phase_share(cls, make, images, warm, phases):
    joint = cls._joint_parameters & CHANGES.keys()
    assert cls._joint_parameters <= cls().get_params().keys()
    assert joint
    for name in joint:
        make(memory=warm, **{name: CHANGES[name]}).fit(images)
    assert "pretrain" not in phases


@pytest.mark.parametrize("name", ["lr", "batch_size", "random_state", "latent_dim"])
def test_other_parameters_do_not(make, images, warm, phases, name):
    # Values that no other test has put into the cache.
    other = {"lr": 0.02, "batch_size": 20, "random_state": 2, "latent_dim": 5}
    make(memory=warm, **{name: other[name]}).fit(images)
    assert "pretrain" in phases


def test_other_data_are_other_data(make, images, warm, phases):
    changed = images.copy()
    changed[0, 0, 0] += 0.5
    make(memory=warm).fit(changed)
    assert "pretrain" in phases


def test_memory_mapped_data_are_the_same_data(make, images, warm, phases, tmp_path):
    np.save(tmp_path / "X.npy", images)
    make(memory=warm).fit(np.load(tmp_path / "X.npy", mmap_mode="r"))
    assert "pretrain" not in phases


def test_callbacks_see_every_epoch(make, images, warm, phases):
    from skorch.callbacks import Callback

    class Count(Callback):
        n = 0

        def on_epoch_end(self, net, **kwargs):
            Count.n += 1

    model = make(memory=warm, callbacks=[Count()]).fit(images)
    assert "pretrain" in phases
    assert Count.n == len(model.history_)


def test_what_cannot_be_hashed_is_refused(make, images, tmp_path):
    model = make(memory=str(tmp_path), augmentation=lambda x: x)
    with pytest.raises(ValueError, match=r"With memory set.*lambda"):
        model.fit(images)


def test_memory_is_a_parameter(make, images):
    memory = joblib.Memory(None)
    assert clone(make(memory=memory)).memory.location is None
    with pytest.raises(ValueError, match="'memory' parameter"):
        make(memory=3).fit(images)
