"""Parameters, and the net's own settings among them, as scikit-learn has them."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import StepLR

from deepcluster_sk.training.callbacks import KeepBest
from tests.callbacks import Rates
from tests.clusterers import phases_of
from tests.made import make_vectors

# Two epochs are too few to settle.
pytestmark = [
    pytest.mark.of_the_base,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


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


# Settings of the network and of callbacks ------------------------------------------


def test_the_learning_rate_falls_unless_it_is_told_not_to(cls, make, images):
    falling, constant = (
        make(callbacks=[rates], batch_size=12, lr=0.01, **params).fit(images)
        for rates, params in ((Rates(), {}), (Rates(), {"callbacks__lr_decay": None}))
    )
    (before,), (after,) = falling.callbacks, constant.callbacks
    assert set(after.seen) == {0.01}
    n_phases = len(phases_of(cls))
    assert len(after.seen) == len(before.seen) == 8 * n_phases
    for phase in np.split(np.array(before.seen), n_phases):
        assert phase[0] == 0.01
        assert (np.diff(phase) < 0).all()
        assert phase[-1] < 0.001


def test_settings_of_a_callback_reach_it(make, images):
    rates = Rates()
    params = {"callbacks__lr_decay__peak": 3.0, "batch_size": 2, "max_epochs": 4}
    make(callbacks=[rates], lr=0.01, **params).fit(images)
    assert max(rates.seen) == pytest.approx(0.03, rel=0.1)
    rates = Rates()
    make(callbacks=[rates], lr=0.01, callbacks__lr_decay__enabled=False).fit(images)
    assert set(rates.seen) == {0.01}


def test_a_callback_of_ones_own_takes_the_place_of_a_nets(make, images):
    rates = Rates()
    decay = LRScheduler(StepLR, step_size=1, gamma=0.5)
    estimator = make(callbacks=[rates], lr=0.01, callbacks__lr_decay=decay)
    estimator.fit(images)
    # skorch's own goes on with what it finds in the history.
    assert rates.seen[:2] == [0.01, 0.005]
    assert set(rates.seen) <= {0.01, 0.005, 0.0025}
    assert estimator.get_params()["callbacks__lr_decay"] is decay


def test_the_best_epoch_need_not_be_kept(make, images, monkeypatch):
    kept = []
    monkeypatch.setattr(KeepBest, "on_epoch_end", lambda *_, **__: kept.append(1))
    make(callbacks__keep_best=None).fit(images)
    assert not kept
    make().fit(images)
    assert kept


def test_settings_of_the_network_reach_it(cls, make, images):
    widths = []
    for channels in ((4, 8), (4, 16)):
        module = make(module__channels=channels).fit(images).net_.module_
        widths.append(sum(p.numel() for p in module.parameters()))
    assert widths[0] < widths[1]
    assert make(module__contrast="image").fit(images).contrast_ == "image"
    expected = make().fit(images)
    for name in {"contrast", "radius", "kernel_power"} & cls._module_constraints.keys():
        found = make(**{f"module__{name}": "auto"}).fit(images)
        assert_array_equal(found.predict_proba(images), expected.predict_proba(images))


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("module__chanels", "module__channels"),
        ("module__latent_dim", "module__contrast"),
        ("module__n_clusters", "module__contrast"),
        ("callbacks__lr_dcay", "callbacks__lr_decay"),
        ("optimizer__lrr", "optimizer__weight_decay"),
        ("iterator_train__batch_size", "iterator_train__num_workers"),
    ],
)
def test_wrong_names_of_settings_are_answered_with_the_right_ones(
    make, images, name, valid
):
    with pytest.raises(ValueError, match=f"no parameter '{name}'.*'{valid}'"):
        make(**{name: None}).fit(images)


@pytest.mark.usefixtures("no_work")
def test_a_loader_is_tried_without_drawing_from_what_a_user_draws_from(make, images):
    own = torch.Generator().manual_seed(3)
    before = own.get_state(), torch.get_rng_state()
    params = {"iterator_train__generator": own, "iterator_train__timeout": -1}
    with pytest.raises(ValueError, match="iterator_train__timeout"):
        make(**params).fit(images)
    with pytest.raises(ValueError, match="iterator_train__generator"):
        make(iterator_train__generator="own").fit(images)
    assert torch.equal(own.get_state(), before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


def test_settings_are_carried_by_clones_and_shown(make):
    given = {"callbacks__lr_decay": None, "module__contrast": "image"}
    estimator = clone(make(**given))
    assert given.items() <= estimator.get_params().items()
    for name, value in given.items():
        assert f"{name}={value!r}" in repr(estimator)
    estimator.set_params(module__contrast="none")
    assert estimator.get_params()["module__contrast"] == "none"
