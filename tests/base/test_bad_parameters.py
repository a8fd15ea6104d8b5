"""Parameters that mean nothing are refused before any work, by their names."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch import nn

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
from tests.clusterers import CLUSTERERS
from tests.made import make_images, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IMAGES, _ = make_images(24)
WEIGHTS = [-1, -1e-9, np.nan, np.inf, "heavy", None]
#: Of every clusterer.
BAD_PARAMETERS = {
    "n_clusters": [0, -1, 2.5, "three", None, np.nan],
    "latent_dim": [0, -3, 1.5, "large"],
    "warm_start": ["yes", 2, None],
    "lr": [0, -1e-3, np.inf, np.nan, "fast", None],
    "batch_size": [0, 1, -5, 2.5, "all"],
    "pretraining": ["none", 3, "separation", Reconstruction, PseudoLabels()],
    "targets": ["labels", None, 0.5, PseudoLabels, Reconstruction()],
    "max_epochs": [-1, 1.5, "none", None],
    "tol": [-0.1, 1.1, np.nan, "none"],
    "architecture": ["resnet", 3, None],
    "image_shape": ["8x8", 8, (8,)],
    "channel_axis": [0, 2, "last", -2],
    "max_pixels": [0, 63, 64.5, "all"],
    "augmentation": ["blur", 3, {"rotatoin": 3}],
    "init": ["k-means", 3, None, np.zeros((2, 4)), np.zeros((3, 5)),
             np.full((3, 4), np.nan), [["a"] * 4] * 3, [[1.0], [1.0, 2.0]], {"a": 1},
             np.zeros((3, 4, 1)), np.zeros(24), [0, 1, 2], np.arange(24),
             np.repeat([-1, 0, 1], 8), ["a"] * 24, KMeans],
    "precision": ["half", torch.float32, 16],
    "device": ["gpu", "cuda:99", "cpu:x", 3, None, ""],
    "callbacks": ["early", 3, ["early"], [3], [("name", 3)], [("a", None, 3)]],
    "memory": [3, []],
    "random_state": ["seed", -1, 2**32, 1.5],
    "verbose": ["loud", -1, None],
    "module__channels": ["wide", (), (0, 4), (-1,), (2.5,), ("a",), ((1, 2), (3, 4)), 7,
                         {"a": 1}, (True, np.nan)],
    "module__contrast": ["sharp", None, 1],
    "module__nonsense": [1],
    "callbacks__lr_decay": ["step", 3],
    "callbacks__lr_decay__peek": [2.0],
    "callbacks__lr_decay__peak": [0, -1, np.inf, "high", None],
    "callbacks__lr_decay__enabled": ["yes", None],
    "callbacks__nonsense": [None],
    "optimizer__weight_decay": [-1, "a"],
    "optimizer__nonsense": [1],
    "optimizer__betas": [(2, 3), 1],
    "iterator_train__num_workers": [-1],
    "iterator_train__shuffle": [True],
    "n_cluster": [3],
    # What the names of earlier versions were.
    "channels": [(4, 8)],
    "pretrain_epochs": [2],
    "lr_schedule": [None],
}  # fmt: skip
#: Of one clusterer.
BAD_OWN_PARAMETERS = {
    DeepTripletClusterer: {
        **dict.fromkeys(("alpha", "beta", "gamma", "omega"), WEIGHTS),
        "margin": [-0.1, "wide"],
        "image_kind": ["painting", None, 1],
        "n_views": [-1, 1.5],
        "negatives": ["hard", None, "literal", DatasetNegatives],
        "module__radius": [0, -1, np.nan, "large"],
        "module__kernel_power": [0, -1, np.nan, "large", None],
        "module__dropout": [0.1],
    },
    DECClusterer: {
        "reconstruction_weight": WEIGHTS,
        "module__radius": [3.0],
        "pretraining": [TripletMargin(), InstanceDiscrimination(), "triplet"],
    },
    DepictClusterer: {
        "target": ["fixed point", None],
        "reconstruction_weight": WEIGHTS,
        "hidden_weight": WEIGHTS,
        "pull_clean": ["yes", None],
        "module__dropout": [-0.1, 1.0, "much"],
        "architecture": [nn.Linear, "vgg"],
        "pretraining": [TripletMargin(), InstanceDiscrimination(), "triplet"],
    },
    TEMIClusterer: {
        "n_heads": [0, 1.5, "many", None],
        "n_neighbors": [0, 1.5, "all", None],
        "beta": [0.4, 0, 1.1, np.nan, "even"],
        "momentum": [-0.1, 1.0, np.nan, "slow"],
        "module__temperature": [0, -1, np.nan, "hot", None],
        "architecture": [nn.Linear, "deep"],
        "pretraining": [Reconstruction(), TripletMargin(), "reconstruction"],
    },
    VariationalClusterer: {
        "likelihood": ["poisson", None],
        "relaxation": ["exact", 1],
        "warmup": [-0.1, 1.1],
        "start_weight": [-1, "heavy"],
        "module__dropout": [0.1],
        "pretraining": [TripletMargin(), InstanceDiscrimination(), "triplet"],
    },
}
EPOCHS = [-1, 1.5, "none", None]
#: Of the objects that parameters may be.
BAD_STRATEGIES = {
    Reconstruction: {
        "epochs": EPOCHS,
        "omega": WEIGHTS,
        "margin": [-0.1, "wide"],
        "from_views": ["yes", 2, None],
    },
    TripletMargin: {"epochs": EPOCHS, "margin": [-0.1, "wide"]},
    InstanceDiscrimination: {
        "epochs": EPOCHS,
        "temperature": [0, -1, np.nan, "hot", None],
    },
    PseudoLabels: {
        "duration": [-0.1, 1.1, np.nan, "half", None],
        "n_updates": [-1, 1.5, None],
        "on_views": ["yes", 2, None],
    },
    SelfTraining: {"update_interval": [0, -1, 1.5], "on_views": ["yes", 2, None]},
    DatasetNegatives: {
        "n_augmentations": [0, 2.5, None],
        "literal": ["yes", 2, None],
    },
}


def cases(parameters, *before):
    return [
        pytest.param(*before, name, value, id=f"{name}={value!r}"[:60])
        for name, values in parameters.items()
        for value in values
    ]


def own_cases():
    return [
        case._replace(id=f"{kind.__name__}-{case.id}")
        for kind, parameters in BAD_OWN_PARAMETERS.items()
        for case in cases(parameters, kind)
    ]


def strategy_cases():
    """Every strategy, in every place of a clusterer that takes it."""
    return [
        case._replace(id=f"{kind.__name__}-{strategy.__name__}-{case.id}")
        for kind in CLUSTERERS
        for place, taken in kind._parameter_constraints.items()
        for strategy in taken
        if strategy in BAD_STRATEGIES
        for case in cases(BAD_STRATEGIES[strategy], kind, place, strategy)
    ]


def refuse(estimator, name):
    """Fit, which is to fail with a text that names the parameter."""
    # Without the prefix of the net's settings.
    with pytest.raises((TypeError, ValueError), match=name.split("__")[-1]) as caught:
        estimator.fit(IMAGES)
    return str(caught.value)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(("name", "value"), cases(BAD_PARAMETERS))
def test_bad_parameters_are_refused_before_any_work(make, name, value):
    refuse(make(**{name: value}), name)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(("kind", "name", "value"), own_cases())
def test_bad_parameters_of_one_clusterer(kind, name, value):
    refuse(quick(kind, **{name: value}), name)


def test_every_parameter_of_a_clusterer_has_bad_values():
    # Where not: whatever is no number, and what every value is right for.
    for kind, own in BAD_OWN_PARAMETERS.items():
        assert set(kind().get_params(deep=False)) <= {*BAD_PARAMETERS, *own}
    assert set(BAD_OWN_PARAMETERS) == set(CLUSTERERS)
    for strategy, fields in BAD_STRATEGIES.items():
        assert set(strategy().get_params()) == set(fields)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("kind", "place", "strategy", "name", "value"), strategy_cases()
)
def test_bad_settings_of_a_part(kind, place, strategy, name, value):
    text = refuse(quick(kind, **{place: strategy(**{name: value})}), name)
    assert strategy.__name__ in text
    # The same, said by its nested name.
    refuse(
        quick(kind, **{place: strategy()}).set_params(**{f"{place}__{name}": value}),
        name,
    )


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("kind", [DECClusterer, DepictClusterer, VariationalClusterer])
def test_only_triplets_separate_in_pretraining(kind):
    text = refuse(quick(kind, pretraining=Reconstruction(2, omega=0.3)), "pretraining")
    assert "has no separation term" in text
    assert "omega=0.3" in text


@pytest.mark.usefixtures("no_work")
def test_depict_rebuilds_from_noise_not_from_views():
    model = quick(DepictClusterer, pretraining=Reconstruction(2, from_views=True))
    assert "from_views=False" in refuse(model, "pretraining")


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("strength", [-1, 181, np.nan, "a", None])
def test_bad_strengths_of_augmentation(make, strength):
    with pytest.raises((TypeError, ValueError), match="rotation must"):
        make(augmentation={"rotation": strength}).fit(IMAGES)


class Wrong(nn.Module):
    """A user's autoencoder for other data."""

    def __init__(self, sample_shape=(1, 9, 9), latent_dim=7):
        super().__init__()
        self.layer = nn.Linear(81, 7)

    def encode(self, x):
        return self.layer(x.flatten(1))

    def decode(self, latent):
        return latent


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("architecture", [Wrong, Wrong(), nn.Linear(3, 3)])
def test_a_users_network_that_does_not_fit(make, architecture):
    with pytest.raises((TypeError, ValueError), match="architecture"):
        make(architecture=architecture).fit(IMAGES)


@pytest.mark.usefixtures("no_work")
def test_a_device_that_is_not_there(make, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"'cuda' is not on this machine.*cpu"):
        make(device="cuda").fit(IMAGES)


def test_centers_a_callable_gives_are_checked(make):
    with pytest.raises(ValueError, match=r"init must .* \(3, 4\), got"):
        make(init=lambda latent, k, random_state: np.zeros((5, 9))).fit(IMAGES)


@pytest.mark.parametrize(
    "augmentation",
    [lambda x: x[:1], lambda x: x.numpy(), lambda x: x.double(), lambda x: None],
)
def test_an_augmentation_that_changes_the_kind_of_batch(make, augmentation):
    with pytest.raises((TypeError, ValueError), match="augmentation"):
        make(augmentation=augmentation).fit(IMAGES)
