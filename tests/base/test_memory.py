"""A cache shares what comes before the joint phase, and changes no result."""

from functools import cache

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering
from skorch.callbacks import Callback

from deepcluster_sk import (
    DatasetNegatives,
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    InstanceDiscrimination,
    PseudoLabels,
    Reconstruction,
    SelfTraining,
    TEMIClusterer,
    TripletMargin,
    VariationalClusterer,
)
from deepcluster_sk.base import clusterer
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.strategy import Strategy
from tests.clusterers import CLUSTERERS, phases_of
from tests.made import make_images, quick

# A few epochs on few images need not settle.
pytestmark = [
    pytest.mark.of_the_base,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
#: Other values of what a fit may read, so that it comes to something else.
CHANGES = {
    "n_clusters": [2],
    "latent_dim": [3],
    "architecture": ["mlp"],
    "augmentation": [{"rotation": 90.0}],
    "init": [
        "graph",
        "kmeans",
        "random",
        AgglomerativeClustering(),
        np.arange(48) % 3,
    ],
    "pretraining": [None, Reconstruction(1)],
    "targets": [PseudoLabels(0.1), SelfTraining()],
    "max_epochs": [1],
    "tol": [1.0],
    "batch_size": [16],
    "lr": [0.01],
    "precision": ["bf16"],
    "random_state": [1],
    "callbacks__lr_decay": [None],
    "module__channels": [(4, 4)],
    "module__contrast": ["local"],
    "optimizer__weight_decay": [0.1],
}
OWN_CHANGES = {
    DeepTripletClusterer: {
        "alpha": [0.1],
        "beta": [0.1],
        "gamma": [1.0],
        "omega": [2.0],
        "margin": [2.0],
        "image_kind": ["photograph"],
        "n_views": [1],
        "negatives": [
            "dataset",
            DatasetNegatives(n_augmentations=2),
            DatasetNegatives(literal=True),
        ],
        "pretraining": [
            None,
            TripletMargin(1),
            TripletMargin(2, margin=0.05),
            Reconstruction(1),
            Reconstruction(2, omega=0.3),
            Reconstruction(2, omega=0.3, margin=1.0),
            Reconstruction(2, from_views=True),
            InstanceDiscrimination(1),
            InstanceDiscrimination(2, temperature=1.0),
        ],
        "targets": [
            PseudoLabels(0.1),
            PseudoLabels(n_updates=0),
            PseudoLabels(on_views=False),
            SelfTraining(),
            SelfTraining(1),
            SelfTraining(on_views=False),
        ],
        "module__radius": [1.0],
        "module__kernel_power": [2.0],
    },
    DECClusterer: {"reconstruction_weight": [0.5]},
    DepictClusterer: {
        "target": ["dec"],
        "reconstruction_weight": [0.5],
        "hidden_weight": [0.5],
        "pull_clean": [False],
        "module__dropout": [0.5],
    },
    TEMIClusterer: {
        "n_heads": [2, 3],
        "n_neighbors": [1],
        "beta": [1.0],
        "momentum": [0.5],
        "architecture": [],  # there is one
        "augmentation": [],  # of a start by graph alone
        "pretraining": [],  # there is none
        "module__temperature": [1.0],
    },
    VariationalClusterer: {
        "likelihood": ["gaussian"],
        "relaxation": ["gumbel"],
        "warmup": [0.0],
        "start_weight": [1.0],
    },
}
#: What need not change, and why.
NO_CHANGES = {
    "image_shape": "in the key by what it makes of the data, as tested below",
    "channel_axis": "in the key by what it makes of the data, as tested below",
    "max_pixels": "in the key by what it makes of the data, as tested below",
    "device": "in the key by its name; this machine may have no other",
    "callbacks": "with callbacks pretraining is not shared, as tested below",
    "memory": "the cache itself",
    "verbose": "shows a bar and changes nothing",
    "warm_start": "goes on from what is fitted, and begins with what is not",
}


#: What must be different as well for a parameter to be read in two epochs.
TOGETHER = {
    "architecture": {"module__channels": None},
    # Four: a cluster that is lost in the first begins anew, and training goes on.
    "tol": {"targets": SelfTraining(), "max_epochs": 4},
    "target": {"targets": SelfTraining()},
}


def changes_of(cls):
    """Whatever may differ from a clusterer that trains in a blink."""
    usual = {*map(repr, cls().get_params().values()), repr(cls()._default_targets())}
    own = OWN_CHANGES[cls]
    return [
        pytest.param(
            *(cls, name, value),
            id=f"{cls.__name__}-{name}={value!r}"[:80],
            # What all have in common is in the key by the same few lines.
            marks=[]
            if cls is DeepTripletClusterer or name in own
            else pytest.mark.slow,
        )
        for name, values in {**CHANGES, **own}.items()
        for value in values
        if repr(value) not in usual or name in ("callbacks__lr_decay", "pretraining")
    ]


@pytest.fixture
def phases(monkeypatch):
    """Names of the phases that are trained from now on."""
    run_phase, names = ClusteringNet.run_phase, []

    def counted(self, objective, *args):
        names.append(objective.name)
        return run_phase(self, objective, *args)

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
def warm_of(images, tmp_path_factory):
    """Fit a clusterer with a cache of its own, and give the same one later."""

    @cache
    def fitted(cls):
        return quick(cls, memory=str(tmp_path_factory.mktemp("memory"))).fit(images)

    return fitted


@pytest.fixture
def warm(cls, warm_of):
    """A cache that knows one fit."""
    return warm_of(cls).memory


def test_a_cache_changes_nothing(cls, make, images, tmp_path, phases):
    without = make().fit(images)
    every = list(phases)
    assert every == phases_of(cls)
    missed = make(memory=str(tmp_path)).fit(images)
    phases.clear()
    found = make(memory=joblib.Memory(str(tmp_path), verbose=0)).fit(images)
    assert phases == [name for name in every if name != "pretrain"]
    assert_same_fit(missed, without, images)
    assert_same_fit(found, without, images)


def test_nothing_is_looked_for_again(make, images, warm, monkeypatch):
    def again(*args, **kwargs):
        raise AssertionError("looked for again")

    for name in ("find_start", "second_look"):
        monkeypatch.setattr(clusterer, name, again)
    make(memory=warm).fit(images)
    if make().init == "graph":
        with pytest.raises(AssertionError, match="looked for again"):
            make().fit(images)


def test_every_parameter_is_changed_or_need_not_be(cls):
    changed = {**CHANGES, **OWN_CHANGES[cls]}
    names = set(cls().get_params(deep=False))
    names |= {f"module__{name}" for name in cls._module_constraints}
    assert names <= changed.keys() | NO_CHANGES.keys()
    assert not changed.keys() & NO_CHANGES.keys()
    assert set(OWN_CHANGES) == set(CLUSTERERS)


def test_every_setting_of_a_part_is_changed():
    for name, values in OWN_CHANGES[DeepTripletClusterer].items():
        kinds = [k for k in DeepTripletClusterer._parameter_constraints.get(name, [])
                 if isinstance(k, type) and issubclass(k, Strategy)]  # fmt: skip
        for kind in kinds:
            # Two epochs are what a clusterer that trains in a blink has.
            usual = {**kind().get_params(), "epochs": 2}
            given = [v.get_params() for v in values if isinstance(v, kind)]
            changed = {k for one in given for k, v in one.items() if v != usual[k]}
            assert changed == set(kind().get_params()), kind


@pytest.mark.parametrize(
    ("kind", "name", "value"), [c for cls in CLUSTERERS for c in changes_of(cls)]
)
def test_no_parameter_is_missing_from_the_key(kind, name, value, images, warm_of):
    """Whatever differs, the cache gives what a fit without it gives."""
    usual = warm_of(kind)
    together = TOGETHER.get(name, {})
    params = {name: value, **together}
    without = quick(kind, **params).fit(images)
    found = quick(kind, memory=usual.memory, **params).fit(images)
    assert_same_fit(found, without, images)
    # And that is something else, or the cache could not be wrong.
    if together:
        usual = quick(kind, **together).fit(images)
    if name == "init" and np.array_equal(
        usual.initial_labels_, without.initial_labels_
    ):
        return  # two ways to the same start
    before, after = usual.predict_proba(images), without.predict_proba(images)
    assert before.shape != after.shape or (before != after).any()


@pytest.mark.parametrize(
    ("params", "other"),
    [
        ({"image_shape": (8, 8)}, {"image_shape": (4, 16), "architecture": "mlp"}),
        ({"image_shape": (4, 4, 4), "channel_axis": 1}, {"channel_axis": -1}),
        ({"image_shape": (8, 8), "max_pixels": None}, {"max_pixels": 64}),
    ],
)
def test_how_data_are_read_is_in_the_key(make, images, tmp_path, params, other):
    params = {"architecture": "mlp", "module__channels": (8,), **params}
    if "max_pixels" in params:
        images = images.repeat(2, axis=1).repeat(2, axis=2)
        params["image_shape"] = (16, 16)
    X = images.reshape(len(images), -1)
    make(memory=str(tmp_path), **params).fit(X)
    params = {**params, **other}
    without = make(**params).fit(X)
    assert_same_fit(make(memory=str(tmp_path), **params).fit(X), without, X)


def test_parameters_of_the_joint_phase_share(cls, make, images, warm, phases):
    changes = {**CHANGES, **OWN_CHANGES[cls]}
    assert cls._joint_parameters <= changes.keys()
    assert cls._joint_parameters
    for name in cls._joint_parameters:
        for value in changes[name]:
            make(memory=warm, **{name: value}).fit(images)
    assert "pretrain" not in phases
    assert "cluster" in phases


@pytest.mark.usefixtures("pretraining_first")
@pytest.mark.parametrize("name", ["lr", "batch_size", "random_state", "latent_dim"])
def test_other_parameters_do_not(make, images, warm, phases, name):
    # Values that no other test has put into the cache.
    other = {"lr": 0.02, "batch_size": 20, "random_state": 2, "latent_dim": 5}
    make(memory=warm, **{name: other[name]}).fit(images)
    assert "pretrain" in phases


@pytest.mark.usefixtures("pretraining_first")
def test_other_data_are_other_data(make, images, warm, phases):
    changed = images.copy()
    changed[0, 0, 0] += 0.5
    make(memory=warm).fit(changed)
    assert "pretrain" in phases


def test_memory_mapped_data_are_the_same_data(make, images, warm, phases, tmp_path):
    np.save(tmp_path / "X.npy", images)
    make(memory=warm).fit(np.load(tmp_path / "X.npy", mmap_mode="r"))
    assert "pretrain" not in phases


def test_callbacks_see_every_epoch(cls, make, images, warm, phases):
    class Count(Callback):
        n = 0

        def on_epoch_end(self, net, **kwargs):
            Count.n += 1

    model = make(memory=warm, callbacks=[Count()]).fit(images)
    assert phases == phases_of(cls)
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


def test_how_few_clusters_there_may_be_is_in_the_key_of_the_start(
    monkeypatch, tmp_path
):
    # By what the count has to choose from, images are seen as they are or otherwise.
    images, _ = make_images(30)
    starts, find = [], clusterer.find_start

    def watched(*args, **kwargs):
        starts.append(args)
        return find(*args, **kwargs)

    monkeypatch.setattr(clusterer, "find_start", watched)
    for bounds, n_found in (((3, 3), 1), ((3, 4), 2), ((3, 3), 2)):
        quick(DeepTripletClusterer, bounds, memory=str(tmp_path)).fit(images)
        assert len(starts) == n_found
