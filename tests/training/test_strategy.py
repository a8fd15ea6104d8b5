"""Parts of a method as objects: estimators of scikit-learn, but for a fit."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from deepcluster_sk import (
    DatasetNegatives,
    DECClusterer,
    DeepTripletClusterer,
    InstanceDiscrimination,
    PseudoLabels,
    Reconstruction,
    SelfTraining,
    TripletMargin,
)
from deepcluster_sk.training.strategy import Strategy
from tests.made import make_images, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

#: Other settings than those by default.
STRATEGIES = {
    Reconstruction: {"epochs": 3, "omega": 0.5, "margin": 1.0, "from_views": True},
    TripletMargin: {"epochs": 3, "margin": 2.0},
    InstanceDiscrimination: {"epochs": 3, "temperature": 1.0},
    PseudoLabels: {"duration": 0.5, "n_updates": 1, "on_views": False},
    SelfTraining: {"update_interval": 3, "on_views": False},
    DatasetNegatives: {"n_augmentations": 3, "literal": True},
}
PLACES = {
    "pretraining": TripletMargin(),
    "targets": PseudoLabels(),
    "negatives": DatasetNegatives(),
}


def subclasses(cls):
    return {cls, *(below for direct in cls.__subclasses__()
                   for below in subclasses(direct))}  # fmt: skip


def test_every_strategy_is_here():
    own = {k for k in subclasses(Strategy) if k.__module__.startswith("deepcluster_sk")}
    assert own - {Strategy} == set(STRATEGIES)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_settings_come_and_go_as_scikit_learn_has_it(kind):
    others = STRATEGIES[kind]
    assert kind().get_params().keys() == others.keys()
    assert not set(kind().get_params().items()) & set(others.items())
    for made in (kind(**others), kind().set_params(**others), clone(kind(**others))):
        assert made.get_params() == others
        made.check()
    for again in (
        copy.deepcopy(kind(**others)),
        pickle.loads(pickle.dumps(kind(**others))),
    ):
        assert again.get_params() == others
    name, value = next(iter(others.items()))
    assert repr(kind(**{name: value})) == f"{kind.__name__}({name}={value!r})"
    with pytest.raises(ValueError, match=r"(?s)'n_epoch'.*Valid parameters are"):
        kind().set_params(n_epoch=3)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_a_value_is_checked_when_it_is_used_and_not_before(kind):
    strategy = kind(**dict.fromkeys(kind().get_params(), object()))
    with pytest.raises(ValueError, match=f"parameter of {kind.__name__} must be"):
        strategy.check()
    kind().check()


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        (PseudoLabels(duration=np.float32(0.5)), "duration"),
        (PseudoLabels(n_updates=np.uint8(2)), "n_updates"),
        (Reconstruction(epochs=np.int64(3)), "epochs"),
        (SelfTraining(on_views=np.bool_(True)), "on_views"),
    ],
    ids=repr,
)
def test_numbers_of_numpy_are_numbers(strategy, name):
    strategy.check()
    assert strategy.get_params()[name] is getattr(strategy, name)


@pytest.mark.parametrize("place", PLACES)
def test_a_clone_has_parts_of_its_own(place):
    part = PLACES[place]
    estimator = DeepTripletClusterer(**{place: part})
    assert getattr(estimator, place) is part
    again = clone(estimator)
    assert getattr(again, place) is not part
    name = next(iter(part.get_params()))
    before = part.get_params()[name]
    again.set_params(**{f"{place}__{name}": 0.125})
    assert again.get_params()[f"{place}__{name}"] == 0.125
    assert part.get_params()[name] == before


def test_a_part_and_its_settings_are_set_together():
    estimator = DeepTripletClusterer().set_params(
        targets=PseudoLabels(), targets__duration=0.25, pretraining=TripletMargin(3)
    )
    assert estimator.targets.duration == 0.25
    assert estimator.get_params()["pretraining__epochs"] == 3
    assert "pretraining__epochs" not in estimator.get_params(deep=False)


@pytest.mark.parametrize("place", PLACES)
def test_a_name_has_no_settings(place):
    name = next(iter(PLACES[place].get_params()))
    estimator = DeepTripletClusterer()
    with pytest.raises(ValueError, match=f"{place}='.*' has no parameter '{name}'"):
        estimator.set_params(**{f"{place}__{name}": 1})


def test_a_fit_leaves_its_parts_as_they_are():
    parts = {
        "pretraining": Reconstruction(2, omega=0.3),
        "targets": PseudoLabels(0.5),
        "negatives": DatasetNegatives(2),
    }
    before = {name: copy.deepcopy(vars(part)) for name, part in parts.items()}
    estimator = quick(DeepTripletClusterer, **parts).fit(make_images()[0])
    for name, part in parts.items():
        assert getattr(estimator, name) is part
        assert vars(part) == before[name]


def test_every_combination_of_a_grid_over_parts_fits():
    X, _ = make_images()
    grid = {
        "targets": [PseudoLabels()],
        "targets__duration": [0.0, 1.0],
        "pretraining__epochs": [1, 2],
    }
    seen = {}
    for params in ParameterGrid(grid):
        estimator = quick(DECClusterer).set_params(**params).fit(X)
        phases = [row["phase"] for row in estimator.history_]
        assert phases.count("pretrain") == params["pretraining__epochs"]
        seen[str(params)] = estimator.predict_proba(X).tobytes()
    assert len(set(seen.values())) == 4
