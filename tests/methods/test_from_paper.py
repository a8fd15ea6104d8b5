"""The recipes of the papers: one call, what differs stated, and nothing shared."""

import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    SelfTraining,
    VariationalClusterer,
)
from tests.clusterers import CLUSTERERS
from tests.made import make_images

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RECIPES = [
    (DECClusterer, {}),
    (DepictClusterer, {}),
    (DeepTripletClusterer, {}),
    (DeepTripletClusterer, {"literal": True}),
    (VariationalClusterer, {}),
]
#: So that it trains in a blink.
SHORT = {"max_epochs": 1, "random_state": 0}


def test_every_paper_with_a_recipe_has_it():
    have = {cls for cls in CLUSTERERS if hasattr(cls, "from_paper")}
    assert have == {cls for cls, _ in RECIPES}


@pytest.mark.parametrize(("cls", "which"), RECIPES)
def test_a_recipe_is_parameters_and_nothing_else(cls, which):
    estimator = cls.from_paper(5, **which)
    assert type(estimator) is cls
    assert estimator.n_clusters == 5
    assert cls.from_paper(**which).n_clusters == cls().n_clusters
    params = estimator.get_params(deep=False)
    assert repr(cls(**params)) == repr(estimator) == repr(clone(estimator))
    assert repr(estimator) != repr(cls(5))


@pytest.mark.parametrize(("cls", "which"), RECIPES)
def test_what_differs_is_stated(cls, which):
    estimator = cls.from_paper(
        5, **which, init="random", latent_dim=7, optimizer__weight_decay=0.1
    )
    params = estimator.get_params()
    assert params["init"] == "random"
    assert params["latent_dim"] == 7
    assert params["optimizer__weight_decay"] == 0.1
    others = cls.from_paper(5, **which).get_params(deep=False)
    different = {n for n, v in others.items() if repr(params[n]) != repr(v)}
    assert different <= {"init", "latent_dim"}
    with pytest.raises(TypeError, match="n_cluster"):
        cls.from_paper(3, **which, n_cluster=3).fit(make_images()[0])


@pytest.mark.parametrize(("cls", "which"), RECIPES)
def test_estimators_of_a_recipe_share_nothing(cls, which):
    one, other = cls.from_paper(5, **which), cls.from_paper(5, **which)
    before = repr(other)
    for name in one.get_params():
        if name.startswith(("targets__", "pretraining__", "negatives__")):
            one.set_params(**{name: 0.125})
    assert repr(other) == before == repr(cls.from_paper(5, **which))


@pytest.mark.parametrize(("cls", "which"), RECIPES)
def test_targets_are_the_methods_own_and_no_graph_is_made(cls, which, monkeypatch):
    def begin(*args, **kwargs):
        raise AssertionError("looked for a graph")

    monkeypatch.setattr("deepcluster_sk.base.clusterer.find_start", begin)
    X, _ = make_images()
    estimator = cls.from_paper(3, **which, **SHORT, pretraining=None).fit(X)
    targets = estimator._targets()
    # Labels of the start may hold a method for a while, and not to the end.
    assert isinstance(targets, SelfTraining) or targets.share(1.0) == 0
    assert estimator.contrast_ == "none"
    assert_array_equal(estimator.predict(X), estimator.labels_)


def test_dec_has_the_network_of_its_paper():
    X, _ = make_images(24)
    estimator = DECClusterer.from_paper(3, **SHORT, pretraining=None).fit(X)
    widths = [
        layer.out_features
        for layer in estimator.net_.module_.autoencoder.encoder
        if hasattr(layer, "out_features")
    ]
    assert widths == [500, 500, 2000, 10]
