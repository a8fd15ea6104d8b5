"""Values at the ends of the ranges of parameters are valid."""

import pytest

from deepcluster_sk import (
    DatasetNegatives,
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    InstanceDiscrimination,
    NeighborGraphClusterer,
    PseudoLabels,
    Reconstruction,
    SelfTraining,
    TEMIClusterer,
    TripletMargin,
    VariationalClusterer,
)
from tests.made import make_images

# Little is learned at the end of a range.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "strategy",
    [
        Reconstruction(epochs=0, omega=0, margin=0),
        TripletMargin(epochs=0, margin=0),
        InstanceDiscrimination(epochs=0, temperature=0.01),
        PseudoLabels(duration=0, n_updates=0),
        PseudoLabels(duration=1),
        SelfTraining(update_interval=1),
        DatasetNegatives(n_augmentations=1),
    ],
    ids=repr,
)
def test_settings_of_a_part(strategy):
    strategy.check()


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (DeepTripletClusterer, {"n_views": 0}),
        (DeepTripletClusterer, {"module__radius": 0.1, "module__kernel_power": 0.1}),
        (DepictClusterer, {"module__dropout": 0}),
        (DepictClusterer, {"module__dropout": 0.9}),
        (TEMIClusterer, {"n_heads": 1, "n_neighbors": 1, "beta": 1.0, "momentum": 0}),
        (TEMIClusterer, {"n_heads": 2, "n_neighbors": 99, "module__temperature": 1e-3}),
        (VariationalClusterer, {"warmup": 0, "start_weight": 0}),
        (VariationalClusterer, {"warmup": 1}),
        (VariationalClusterer, {"pretraining": Reconstruction(1, from_views=True)}),
        (DECClusterer, {"pretraining": Reconstruction(1, from_views=True)}),
        (NeighborGraphClusterer, {"n_neighbors": 1, "n_views": 0, "max_nodes": 8}),
        (NeighborGraphClusterer, {"max_pixels": 64}),
    ],
    ids=str,
)
def test_parameters(cls, params):
    X, _ = make_images(20)
    if cls is not NeighborGraphClusterer:
        params = {"max_epochs": 0, "pretraining": None, "init": "random", **params}
    model = cls(2, random_state=0, **params).fit(X)
    assert (model.predict(X) == model.labels_).all()
