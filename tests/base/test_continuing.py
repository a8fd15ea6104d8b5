"""A fitted model goes on: warm starts, and collections that grow."""

import copy
import os
import pickle
import signal
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback

from deepcluster_sk import (
    DECClusterer,
    FitCheckpoint,
    FitInterruptedWarning,
    PseudoLabels,
    load,
)
from deepcluster_sk.base import clusterer, continuing
from deepcluster_sk.base.earlier import EARLIER, EarlierSamples
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.base.same import assert_same
from tests.made import make_images, quick

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
IMAGES, PLACES = make_images(120)
#: Where the first part of the collection ends.
FIRST = 48


def well_fitted(cls):
    """A clusterer that has found the three places."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = quick(cls, init="graph", max_epochs=12, batch_size=16)
        return model.partial_fit(IMAGES[:FIRST]).set_params(max_epochs=2)


@pytest.fixture(scope="module")
def each(cls):
    """One of every class; not to be changed."""
    return well_fitted(cls)


@pytest.fixture(scope="module")
def good():
    """The quickest; not to be changed."""
    return well_fitted(DECClusterer)


@pytest.fixture
def own(good):
    """A copy of it that may be changed."""
    return copy.deepcopy(good)


def accuracy(model, X=IMAGES, y=PLACES):
    return clustering_accuracy_score(y, model.predict(X))


def matched(model, other):
    """Share of all images that two clusterers put into clusters of one number."""
    return np.mean(model.predict(IMAGES) == other.predict(IMAGES))


# Warm starts ---------------------------------------------------------------------


def test_a_warm_start_goes_on(each, monkeypatch):
    good, own = each, copy.deepcopy(each)
    for name in ("find_start", "second_look"):
        monkeypatch.setattr(clusterer, name, None)
    own.set_params(warm_start=True, n_clusters=3).fit(IMAGES)
    assert len(own.labels_) == len(IMAGES)
    assert_array_equal(own.labels_, own.predict(IMAGES))
    assert accuracy(own) >= 0.98
    assert matched(own, good) >= 0.98
    added = own.history_[len(good.history_) :]
    assert [row["phase"] for row in added] == ["cluster"] * 2
    assert own.history_[: len(good.history_)] == good.history_
    assert own.n_iter_ == good.n_iter_ + 2
    assert own.hubness_ == good.hubness_
    assert "gone on since" in own.summary()


def test_weights_are_those_of_before(own, good):
    own.set_params(warm_start=True, max_epochs=0).fit(IMAGES)
    assert_array_equal(own.transform(IMAGES), good.transform(IMAGES))
    assert_array_equal(own.predict_proba(IMAGES), good.predict_proba(IMAGES))


def test_without_it_a_fit_begins_anew(own):
    anew = clone(own).fit(IMAGES)
    assert_same(own.fit(IMAGES), anew, IMAGES)


def test_unfitted_it_is_an_ordinary_fit(own):
    warm, cold = (
        clone(own).set_params(warm_start=w).fit(IMAGES[:FIRST]) for w in (True, False)
    )
    assert_same(warm, cold, IMAGES)
    assert not hasattr(clone(warm), "net_")


def test_a_counted_number_of_clusters_stays(own, monkeypatch):
    model = clone(own).set_params(n_clusters=(2, 4), warm_start=True)
    model.fit(IMAGES[:FIRST])
    monkeypatch.setattr("deepcluster_sk.base.counting.count_clusters", None)
    n_clusters, profile = model.n_clusters_, model.cluster_profile_
    model.fit(IMAGES)
    assert model.n_clusters_ == n_clusters
    assert model.cluster_profile_ is profile


def test_the_same_seed_goes_on_to_the_same_result(own):
    other = copy.deepcopy(own)
    for model in (own, other):
        model.set_params(warm_start=True).fit(IMAGES)
    assert_same(own, other, IMAGES)


def test_a_loaded_and_an_unpickled_model_go_on_alike(own, tmp_path):
    own.save(tmp_path / "model")
    models = load(tmp_path / "model"), pickle.loads(pickle.dumps(own)), own
    for model in models:
        model.set_params(warm_start=True).fit(IMAGES)
    assert_same(models[0], models[2], IMAGES)
    assert_same(models[1], models[2], IMAGES)


def test_a_cache_changes_nothing(own, tmp_path):
    other = copy.deepcopy(own).set_params(memory=str(tmp_path))
    for model in (own, other):
        model.set_params(warm_start=True).fit(IMAGES)
    assert_same(own, other, IMAGES)


@pytest.mark.parametrize(
    ("fitted", "equal"),
    [
        ({"module__channels": [4, 8]}, {"module__channels": (4, 8)}),
        ({"n_clusters": [2, 4]}, {"n_clusters": (2, 4)}),
    ],
)
def test_equal_parameters_in_other_containers_go_on(own, fitted, equal):
    model = clone(own).set_params(warm_start=True, max_epochs=1, **fitted)
    model.fit(IMAGES[:FIRST]).set_params(**equal).fit(IMAGES)
    assert len(model.labels_) == len(IMAGES)


def changed(model, **params):
    return copy.deepcopy(model).set_params(warm_start=True, **params)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"n_clusters": 4}, "n_clusters=4, not 3"),
        ({"n_clusters": "auto"}, "n_clusters='auto', not 3"),
        ({"latent_dim": 7}, "latent_dim=7, not 4"),
        ({"architecture": "deep"}, "architecture='deep', not 'auto'"),
        ({"module__channels": (4, 4)}, r"channels=\(4, 4\), not \(4, 8\)"),
        ({"image_shape": (4, 16)}, r"image_shape=\(1, 4, 16\), not \(1, 8, 8\)"),
        ({"max_epochs": -1}, "max_epochs"),
    ],
)
def test_what_does_not_fit_is_refused(good, params, said, no_work):
    model = changed(good, **params)
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match=said):
        model.fit(IMAGES)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize(
    "X", [IMAGES[:, :7], IMAGES[:1], IMAGES[:, 0], np.full((9, 8, 8), np.nan), None]
)
def test_other_data_are_refused(good, X, no_work):
    model = changed(good)
    before = pickle.dumps(model)
    for call in (model.fit, model.partial_fit):
        with pytest.raises((ValueError, TypeError)):
            call(X)
    assert pickle.dumps(model) == before


def test_other_layouts_are_taken(own):
    flat = copy.deepcopy(own).set_params(warm_start=True).fit(IMAGES.reshape(120, -1))
    own.set_params(warm_start=True).fit(IMAGES[:, None])
    assert_same(own, flat, IMAGES)
    assert own.image_shape_ == (1, 8, 8)


class Fails(Callback):
    def on_batch_end(self, net, **kwargs):
        raise ZeroDivisionError


class Interrupts(Callback):
    def on_epoch_end(self, net, **kwargs):
        os.kill(os.getpid(), signal.SIGINT)


class Killed(BaseException):
    pass


class Kills(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 2:
            raise Killed


def test_a_failure_on_the_way_changes_nothing(good):
    model = changed(good, callbacks=[Fails()])
    before = pickle.dumps(model)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ZeroDivisionError):
            call(IMAGES)
    assert pickle.dumps(model) == before


def test_an_interrupt_leaves_what_it_has_come_to(own, good):
    own.set_params(warm_start=True, max_epochs=9, callbacks=[Interrupts()])
    with pytest.warns(FitInterruptedWarning, match="joint training"):
        own.fit(IMAGES)
    assert own.interrupted_ == "joint training"
    assert own.n_iter_ == good.n_iter_ + 1
    assert_array_equal(own.labels_, own.predict(IMAGES))


def test_an_interrupt_before_training_leaves_the_model_that_there_was(
    own, good, monkeypatch
):
    look = continuing.latent_neighbors

    def interrupted(*args):
        os.kill(os.getpid(), signal.SIGINT)
        return look(*args)

    monkeypatch.setattr(continuing, "latent_neighbors", interrupted)
    with pytest.warns(FitInterruptedWarning):
        own.partial_fit(IMAGES)
    assert_array_equal(own.transform(IMAGES), good.transform(IMAGES))
    assert len(own.labels_) == len(IMAGES)


def test_a_killed_warm_start_is_gone_on_with(own, tmp_path):
    path = tmp_path / "fit"
    own.set_params(warm_start=True, max_epochs=4)
    expected = copy.deepcopy(own).fit(IMAGES)
    callbacks = [FitCheckpoint(path), Kills()]
    with pytest.raises(Killed):
        copy.deepcopy(own).set_params(callbacks=callbacks).fit(IMAGES)
    found = copy.deepcopy(own).set_params(callbacks=callbacks[:1]).fit(IMAGES)
    assert_same(found, expected, IMAGES)
    # From other weights, or by a correction, it would be another.
    with pytest.raises(ValueError, match=r"another fit: \['task'\]"):
        found.fit(IMAGES)
    with pytest.raises(ValueError, match=r"another fit: \['task'\]"):
        copy.deepcopy(own).set_params(callbacks=callbacks[:1]).merge([0, 1], IMAGES)


# Collections that grow -----------------------------------------------------------


def test_the_first_part_is_a_fit(own):
    part, whole = clone(own), clone(own)
    assert_same(part.partial_fit(IMAGES), whole.fit(IMAGES), IMAGES)


def test_parts_are_learned_and_clusters_keep_their_numbers(own, good):
    for part in np.array_split(np.arange(FIRST, 120), 3):
        own.partial_fit(IMAGES[part])
        assert_array_equal(own.labels_, own.predict(IMAGES[part]))
        assert len(own.initial_labels_) == len(part)
        assert_array_equal(own.labels_at(own.n_clusters_), own.labels_)
    assert accuracy(own) >= 0.98
    assert matched(own, good) >= 0.98


def test_parts_of_one_kind_do_not_wipe_out_the_others(each):
    own, rest = copy.deepcopy(each), np.arange(FIRST, 120)
    for place in range(3):
        own.partial_fit(IMAGES[rest[PLACES[rest] == place]])
    assert accuracy(own) >= 0.98
    assert matched(own, each) >= 0.98


def test_parts_are_held_to_the_labels_they_begin_with_whatever_the_targets(each):
    throughout, for_a_while = (
        copy.deepcopy(each).set_params(max_epochs=10, targets=targets)
        for targets in ("pseudo-labels", PseudoLabels(0.1))
    )
    throughout.partial_fit(IMAGES)
    assert_same(for_a_while.partial_fit(IMAGES), throughout, IMAGES)


def test_two_new_samples_are_enough(own):
    own.partial_fit(IMAGES[FIRST : FIRST + 2])
    assert len(own.labels_) == 2
    own.partial_fit(list(IMAGES[FIRST : FIRST + 2]))


def test_a_fit_begins_a_new_collection(own):
    assert own._earlier is not None
    own.fit(IMAGES)
    assert own._earlier is None


def test_earlier_samples_are_in_no_saved_file(own, tmp_path):
    own.partial_fit(IMAGES)
    own.save(tmp_path / "model")
    assert load(tmp_path / "model")._earlier is None
    assert len(pickle.loads(pickle.dumps(own))._earlier.rows) == 168


def test_earlier_samples_are_few_and_even(own, monkeypatch):
    few = type(EARLIER)(per_cluster=5)
    monkeypatch.setattr(EarlierSamples.drawn.__func__, "__defaults__", (few,))
    own._earlier = None
    for part in np.array_split(np.arange(120), 4):
        own.partial_fit(IMAGES[part])
    kept = own._earlier
    assert_array_equal(np.bincount(own.predict(kept.rows)), [5, 5, 5])
    # All were drawn from: a hundred and twenty, less those a change of cluster misled.
    assert kept.stands_for.sum() == pytest.approx(120, abs=5)


def test_earlier_samples_of_another_order_of_axes(own):
    colour = make_images(60, n_channels=3)[0]
    model = clone(own).partial_fit(colour[:30])
    other = copy.deepcopy(model)
    model.partial_fit(colour[30:])
    other.partial_fit(colour[30:].transpose(0, 2, 3, 1))
    assert_same(model, other, colour)
