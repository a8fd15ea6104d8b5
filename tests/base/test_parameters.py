"""Parameters, and the net's own settings among them, as scikit-learn has them."""

import pytest
from numpy.testing import assert_array_equal
from sklearn import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.made import make_vectors

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_net_settings_are_parameters(make):
    estimator = make(optimizer__weight_decay=0.1)
    assert estimator.get_params()["optimizer__weight_decay"] == 0.1
    estimator.set_params(optimizer__lr=0.5, n_clusters=4)
    again = clone(estimator)
    for one in (estimator, again):
        params = one.get_params()
        assert params["optimizer__lr"] == 0.5
        assert params["optimizer__weight_decay"] == 0.1
        assert params["n_clusters"] == 4
    again.set_params(optimizer__lr=0.1)
    assert estimator.get_params()["optimizer__lr"] == 0.5


def test_net_settings_are_shown(make):
    assert "optimizer__lr=0.5" in repr(make(optimizer__lr=0.5))
    assert "optimizer__lr" in make(optimizer__lr=0.5)._repr_html_()


def test_net_settings_reach_the_net(make, images):
    estimator = make(
        optimizer__weight_decay=0.25,
        optimizer__lr=0.125,
        callbacks__lr_decay=None,
    ).fit(images)
    (group,) = estimator.net_.optimizer_.param_groups
    assert group["weight_decay"] == 0.25
    assert group["lr"] == 0.125


def test_a_grid_carries_net_settings(make, images):
    grid = {"optimizer__lr": [1e-3, 1e-2], "latent_dim": [3]}
    search = GridSearchCV(make(), grid, cv=2, error_score="raise").fit(images)
    assert len(search.cv_results_["params"]) == 2
    best = search.best_estimator_
    assert best.get_params()["optimizer__lr"] == search.best_params_["optimizer__lr"]
    assert best.transform(images).shape[1] == 3


def test_a_pipeline_passes_parameters_through(make):
    X, _ = make_vectors()
    pipeline = make_pipeline(StandardScaler(), make(module__channels=(8,)))
    name = pipeline.steps[-1][0]
    pipeline.set_params(**{f"{name}__optimizer__lr": 0.01})
    labels = pipeline.fit_predict(X)
    assert_array_equal(pipeline.predict(X), labels)
    assert pipeline.get_params()[f"{name}__optimizer__lr"] == 0.01


def test_unknown_names_fail_in_fit_with_the_valid_ones(make, images):
    for name in ("optimizer__lrr", "iterator_train__batch_size", "n_cluster"):
        with pytest.raises((TypeError, ValueError), match=name) as caught:
            make(**{name: 1}).fit(images)
        valid = {"optimizer": "optimizer__weight_decay", "n": "n_clusters"}
        assert valid.get(name.split("_")[0], "iterator_train__num_workers") in str(
            caught.value
        )
    with pytest.raises(
        ValueError, match=r"(?s)'n_cluster'.*Valid parameters are: .*'n_clusters'"
    ):
        make().set_params(n_cluster=3)
