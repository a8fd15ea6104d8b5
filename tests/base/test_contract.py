"""What every clusterer promises, besides scikit-learn's checks."""

import copy
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

import deepcluster_sk
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.made import QUICK, make_images, make_vectors

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

METHODS = ("predict", "predict_proba", "transform")


def assert_same(one, other, X, X_other=None):
    """Two fitted clusterers agree bit for bit."""
    X_other = X if X_other is None else X_other
    assert_array_equal(one.labels_, other.labels_)
    assert_array_equal(one.cluster_centers_, other.cluster_centers_)
    for method in METHODS:
        assert_array_equal(getattr(one, method)(X), getattr(other, method)(X_other))
    assert one.score(X) == other.score(X_other)


def unbounded(make):
    """Set free a latent space that is kept on a sphere."""
    return {"radius": None} if "radius" in make().get_params() else {}


# Labels and outputs ----------------------------------------------------------------


def test_labels_are_what_predict_says(make, images):
    estimator = make()
    labels = estimator.fit_predict(images)
    assert_array_equal(estimator.labels_, labels)
    assert_array_equal(estimator.predict(images), labels)
    assert_array_equal(estimator.predict_proba(images).argmax(1), labels)
    assert labels.dtype.kind == "i"
    assert set(labels) <= set(range(3))


def test_fit_transform_is_transform(make, images):
    estimator = make()
    assert_array_equal(estimator.fit_transform(images), estimator.transform(images))


def test_outputs_are_float32_of_the_right_shapes(fitted, images):
    n, k, d = len(images), 3, QUICK["latent_dim"]
    shapes = {
        "predict_proba": (n, k),
        "transform": (n, d),
    }
    for X in (images, images.astype("float32"), (255 * images).astype("uint8")):
        for method, shape in shapes.items():
            output = getattr(fitted, method)(X)
            assert output.shape == shape
            assert output.dtype == np.float32
            assert np.isfinite(output).all()
    np.testing.assert_allclose(fitted.predict_proba(images).sum(1), 1, rtol=1e-5)
    assert fitted.cluster_centers_.shape == (k, d)
    assert fitted.cluster_centers_.dtype == np.float32
    assert fitted.inverse_transform(fitted.cluster_centers_).shape == (k, 64)


def test_predict_proba_is_student_t_around_the_centers(fitted, images):
    if not hasattr(fitted.net_.module_, "clustering"):
        return  # assignments are a network's own output
    latent = fitted.transform(images).astype(float)
    gap = latent[:, None] - fitted.cluster_centers_[None].astype(float)
    kernel = 1 / (1 + (gap**2).sum(-1))
    np.testing.assert_allclose(
        fitted.predict_proba(images),
        kernel / kernel.sum(1, keepdims=True),
        rtol=1e-4,
        atol=1e-5,
    )


def test_fitted_attributes(fitted, images):
    assert fitted.n_features_in_ == 64
    assert fitted.image_shape_ == (1, 8, 8)
    assert torch.device(fitted.device_).type in ("cpu", "cuda", "mps")
    assert fitted.n_iter_ == 2
    assert fitted.initial_labels_.shape == fitted.labels_.shape == (len(images),)
    assert set(fitted.initial_labels_) == {0, 1, 2}
    assert not hasattr(fitted, "feature_names_in_")
    names = fitted.get_feature_names_out()
    assert list(names) == [
        f"{type(fitted).__name__.lower()}{i}" for i in range(QUICK["latent_dim"])
    ]


def test_history_names_phase_and_every_term(fitted):
    assert [row["phase"] for row in fitted.history_] == ["pretrain"] * 2 + [
        "cluster"
    ] * 2
    assert [row["epoch"] for row in fitted.history_] == [1, 2, 3, 4]
    for row in fitted.history_:
        assert np.isfinite(row["train_loss"])
        assert row["dur"] > 0
        assert "batches" not in row
    assert 0 <= fitted.history_[-1]["label_change"] <= 1
    table = pd.DataFrame(fitted.history_)
    assert len(table) == 4


def test_score_is_the_same_on_every_call_and_reads_no_y(fitted, images):
    score = fitted.score(images)
    assert 0 <= score <= 1
    assert fitted.score(images) == score
    assert fitted.score(images, y=object()) == score


def test_clusters_and_pixels_come_back(make):
    """With a few more epochs the clusters are found and the images reconstructed."""
    X, y = make_images(60)
    X = 40 + 100 * X
    estimator = make(pretrain_epochs=60, max_epochs=40, batch_size=20, lr=5e-3).fit(X)
    assert clustering_accuracy_score(y, estimator.labels_) > 0.9
    decoded = estimator.inverse_transform(estimator.transform(X))
    assert decoded.shape == (60, 64)
    error = np.square(decoded - X.reshape(60, -1)).mean()
    assert error < 0.6 * X.var()


def test_vectors(make):
    X, _ = make_vectors()
    estimator = make(channels=(16,)).fit(X)
    assert estimator.image_shape_ is None
    assert_array_equal(estimator.labels_, estimator.predict(X))
    assert estimator.inverse_transform(estimator.transform(X)).shape == X.shape


def test_one_cluster(make, images):
    estimator = make(1).fit(images)
    assert set(estimator.labels_) == {0}
    assert_array_equal(estimator.predict_proba(images), 1)
    assert estimator.cluster_centers_.shape[0] == 1


def test_as_many_clusters_as_samples(make, images):
    assert make(6).fit(images[:6]).labels_.shape == (6,)


def test_two_samples(make, images):
    assert make(2).fit(images[:2]).labels_.shape == (2,)


@pytest.mark.parametrize("n", [3, 5, 7, 17, 33])
def test_no_number_of_samples_leaves_a_batch_of_one(make, images, n):
    assert len(make(2, batch_size=2).fit(images[:n]).labels_) == n


# Input -----------------------------------------------------------------------------


def test_layouts_of_grey_images_give_identical_results(make, images):
    flat = make(image_shape=(8, 8)).fit(images.reshape(len(images), -1))
    for X in (images, images[:, None], images[..., None], images.tolist()):
        estimator = make().fit(X)
        assert estimator.image_shape_ == (1, 8, 8)
        assert_same(estimator, flat, X, images.reshape(len(images), -1))
        # Predicting takes any layout, whatever was fitted.
        assert_array_equal(estimator.predict(images[:, None]), flat.labels_)
        assert_array_equal(estimator.predict(images[..., None]), flat.labels_)


def test_layouts_of_colour_images_give_identical_results(make):
    X, _ = make_images(30, n_channels=3)
    last = np.moveaxis(X, 1, -1)
    fits = [
        (make().fit(X), X),
        (make().fit(last), last),
        (make().fit(np.ascontiguousarray(last)), last),
        (make(image_shape=(3, 8, 8)).fit(X.reshape(30, -1)), X),
        (make(image_shape=(8, 8, 3)).fit(last.reshape(30, -1)), last),
    ]
    first, _ = fits[0]
    assert first.image_shape_ == (3, 8, 8)
    for estimator, given in fits[1:]:
        assert estimator.image_shape_ == (3, 8, 8)
        assert_same(first, estimator, X, given)
        assert_array_equal(estimator.predict(X), estimator.predict(last))
    # Flat rows come back in the order they were given in.
    latent = first.transform(X)
    np.testing.assert_array_equal(
        first.inverse_transform(latent).reshape(30, 3, 8, 8),
        np.moveaxis(fits[1][0].inverse_transform(latent).reshape(30, 8, 8, 3), -1, 1),
    )


def test_large_images_are_averaged_down(make, images):
    # Means of four equal numbers are exact, in the type that they are kept in.
    images = images.astype(np.float32)
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    small = make().fit(images)
    for X, params in (
        (large, {"max_pixels": 64}),
        (large[..., None], {"max_pixels": 70}),
        (large.reshape(len(large), -1), {"max_pixels": 64, "image_shape": (16, 16)}),
    ):
        estimator = make(**params).fit(X)
        assert estimator.image_shape_ == (1, 16, 16)
        assert estimator.n_features_in_ == X[0].size
        assert_array_equal(estimator.labels_, estimator.predict(X))
        np.testing.assert_allclose(
            estimator.transform(X), small.transform(images), atol=1e-3
        )
        decoded = estimator.inverse_transform(estimator.transform(X))
        expected = small.inverse_transform(small.transform(images))
        np.testing.assert_allclose(
            decoded.reshape(large.shape),
            expected.reshape(images.shape).repeat(2, axis=1).repeat(2, axis=2),
            atol=1e-3,
        )
        # What was fitted holds, whatever is set for the next fit.
        estimator.set_params(max_pixels=None)
        assert_array_equal(estimator.labels_, estimator.predict(X))
        assert np.isfinite(estimator.score(X))


def test_images_within_the_limit_are_left_alone(make, images):
    expected = make(max_pixels=None).fit(images)
    assert_same(make().fit(images), expected, images)
    assert_same(make(max_pixels=64).fit(images), expected, images)


def test_a_channel_axis_may_be_stated(make):
    X, _ = make_images(20, n_channels=2)
    first = make(channel_axis=1).fit(X)
    last = make(channel_axis=-1).fit(np.moveaxis(X, 1, -1))
    assert first.image_shape_ == last.image_shape_ == (2, 8, 8)
    assert_same(first, last, X, np.moveaxis(X, 1, -1))


def test_numbers_of_any_type_give_the_same_labels(make, images):
    pixels = np.round(255 * images)
    expected = make().fit(pixels)
    for dtype in ("uint8", "int32", "float32", "uint16", ">f8", "longdouble"):
        estimator = make().fit(pixels.astype(dtype))
        assert_same(expected, estimator, pixels, pixels.astype(dtype))


def test_black_and_white_pixels(make, images):
    pixels = images > images.mean()
    assert_same(make().fit(pixels), make().fit(1.0 * pixels), pixels, 1.0 * pixels)


def test_scale_of_the_pixels_does_not_matter(make, images):
    assert_array_equal(make().fit(images).labels_, make().fit(256 * images).labels_)


def test_memory_order_does_not_matter(make, images):
    expected = make().fit(images)
    wide = np.zeros((len(images), 16, 8))
    wide[:, ::2] = images
    for X in (
        np.asfortranarray(images),
        wide[:, ::2],
        np.flip(np.flip(images), (0, 1, 2)),
    ):
        assert_same(expected, make().fit(X), images)


def test_read_only_and_memory_mapped_arrays(make, images, tmp_path):
    np.save(tmp_path / "X.npy", images)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    frozen = images.copy()
    frozen.flags.writeable = False
    expected = make().fit(images)
    for X in (mapped, frozen):
        assert_same(expected, make().fit(X), images, X)


def test_data_frames_name_their_columns(make):
    X, _ = make_vectors(20)
    frame = pd.DataFrame(X, columns=[f"feature {i}" for i in range(6)])
    estimator = make(channels=(8,)).fit(frame)
    assert_array_equal(estimator.feature_names_in_, frame.columns)
    assert_array_equal(estimator.labels_, make(channels=(8,)).fit(X).labels_)
    estimator.set_output(transform="pandas")
    assert isinstance(estimator.transform(frame), pd.DataFrame)


def test_nothing_of_the_callers_is_changed(make, images):
    class Quiet(Callback):
        pass

    X, y = images.copy(), np.arange(len(images))
    callbacks = [Quiet()]
    augmentation = {"rotation": 5.0}
    init = np.eye(3, QUICK["latent_dim"])
    given = {
        "callbacks": callbacks,
        "augmentation": augmentation,
        "init": init,
        "image_shape": [8, 8],
        "channels": [4, 8],
        "random_state": 0,
    }
    estimator = make(**given)
    params = estimator.get_params()
    estimator.fit(X, y)
    estimator.predict(X)
    estimator.score(X, y)
    assert_array_equal(X, images)
    assert_array_equal(y, np.arange(len(images)))
    assert len(callbacks) == 1
    assert augmentation == {"rotation": 5.0}
    assert_array_equal(init, np.eye(3, QUICK["latent_dim"]))
    after = estimator.get_params()
    assert after.keys() == params.keys()
    assert all(after[name] is params[name] for name in params)


@pytest.mark.parametrize("y", [None, "nonsense", [np.nan], object(), np.zeros((3, 7))])
def test_y_is_ignored_whatever_it_is(make, images, fitted, y):
    assert_array_equal(make().fit(images, y).labels_, fitted.labels_)


# Seeds -----------------------------------------------------------------------------


def test_a_seed_decides_everything_bit_for_bit(make, images):
    one, other = make(random_state=7).fit(images), make(random_state=7).fit(images)
    assert_same(one, other, images)
    for row, row_other in zip(one.history_, other.history_, strict=True):
        row.pop("dur")
        row_other.pop("dur")
    assert one.history_ == other.history_
    another = make(random_state=8).fit(images)
    assert (one.transform(images) != another.transform(images)).any()


def test_fitting_again_forgets_the_first_fit(make, images):
    estimator = make().fit(images[:20])
    assert_same(estimator.fit(images), make().fit(images), images)
    assert len(estimator.history_) == 4


@pytest.mark.parametrize("kind", [np.int64, np.random.RandomState])
def test_kinds_of_seeds(make, images, kind):
    expected = make(random_state=3).fit(images)
    assert_same(make(random_state=kind(3)).fit(images), expected, images)


def test_without_a_seed_fits_differ(make, images):
    one, other = (make(random_state=None).fit(images) for _ in range(2))
    assert (one.transform(images) != other.transform(images)).any()


def test_a_random_state_object_goes_on(make, images):
    state = np.random.RandomState(0)
    one, other = (make(random_state=state).fit(images) for _ in range(2))
    assert (one.transform(images) != other.transform(images)).any()


@pytest.mark.parametrize("init", ["consensus", "spectral", "kmeans", "random"])
def test_global_streams_go_on_as_if_nothing_had_happened(make, images, init):
    def states():
        return (
            random.getstate(),
            str(np.random.get_state()),  # noqa: NPY002
            torch.get_rng_state().tolist(),
        )

    before = states()
    estimator = make(init=init).fit(images)
    estimator.predict(images)
    estimator.score(images)
    estimator.inverse_transform(estimator.cluster_centers_)
    assert states() == before


def test_global_streams_decide_nothing(make, images, fitted):
    random.seed(5)
    torch.manual_seed(5)
    assert_same(make().fit(images), fitted, images)


@pytest.mark.parametrize("augmentation", [None, torch.nn.Identity(), torch.dropout])
def test_modules_and_callables_that_draw_from_the_global_stream(
    make, images, augmentation
):
    if augmentation is torch.dropout:
        augmentation = Dropout()
    fits = [make(augmentation=augmentation).fit(images) for _ in range(2)]
    assert_same(*fits, images)


class Dropout:
    def __call__(self, x):
        return torch.dropout(x, 0.3, True)


# Copies ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate",
    [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy, copy.copy],
    ids=["pickle", "deepcopy", "copy"],
)
def test_copies_of_a_fitted_clusterer_agree_with_it(fitted, images, duplicate):
    assert_same(fitted, duplicate(fitted), images)


def test_joblib(fitted, images, tmp_path):
    joblib.dump(fitted, tmp_path / "estimator.joblib")
    assert_same(fitted, joblib.load(tmp_path / "estimator.joblib"), images)


def test_a_copy_may_be_fitted_again(fitted, images):
    again = pickle.loads(pickle.dumps(fitted)).fit(images)
    assert_same(fitted, again, images)


def test_a_clone_is_unfitted_and_fits_alike(fitted, images):
    again = clone(fitted)
    with pytest.raises(NotFittedError):
        again.predict(images)
    assert_same(fitted, again.fit(images), images)


def test_an_unfitted_clusterer_pickles(make):
    estimator = pickle.loads(pickle.dumps(make(optimizer__weight_decay=0.1)))
    assert estimator.get_params()["optimizer__weight_decay"] == 0.1


def test_the_optimizer_may_be_told_to_step_otherwise(make, images):
    model = make(optimizer__foreach=True).fit(images)
    assert not model.net_.optimizer_.defaults["fused"]
    assert make().fit(images).net_.optimizer_.defaults["fused"]


def test_fitted_here_and_predicted_in_another_process(fitted, images, tmp_path):
    joblib.dump(fitted, tmp_path / "estimator.joblib")
    np.save(tmp_path / "X.npy", images)
    code = (
        "import joblib, numpy as np, torch\n"
        "torch.set_num_threads(1)\n"
        "X = np.load('X.npy')\n"
        "estimator = joblib.load('estimator.joblib')\n"
        "np.savez('out.npz', **{m: getattr(estimator, m)(X)\n"
        "    for m in ('predict', 'predict_proba', 'transform')})\n"
    )
    source = str(Path(deepcluster_sk.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment
    )
    with np.load(tmp_path / "out.npz") as out:
        for method in METHODS:
            assert_array_equal(out[method], getattr(fitted, method)(images))


def test_a_pickle_does_not_carry_the_data(make):
    X, _ = make_images(16)
    small = len(pickle.dumps(make().fit(X)))
    large = len(pickle.dumps(make().fit(np.tile(X, (20, 1, 1)))))
    # What grows with n are the labels: two integers of 8 bytes for each sample.
    assert large - small < 2 * 8 * 19 * 16 + 2000


# Parameters ------------------------------------------------------------------------


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
        optimizer__weight_decay=0.25, optimizer__lr=0.125, lr_schedule=None
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
    pipeline = make_pipeline(StandardScaler(), make(channels=(8,)))
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


# Training --------------------------------------------------------------------------


def test_user_callbacks_reach_both_phases(make, images):
    seen = []

    class Record(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append((net.history[-1, "phase"], net.history[-1, "train_loss"]))

    estimator = make(callbacks=[Record()]).fit(images)
    assert seen == [(row["phase"], row["train_loss"]) for row in estimator.history_]


def test_a_callback_may_end_a_phase(make, images):
    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    estimator = make(callbacks=[("stop", Stop())]).fit(images)
    assert [row["phase"] for row in estimator.history_] == ["pretrain", "cluster"]
    assert_array_equal(estimator.labels_, estimator.predict(images))


def test_silent_by_default(make, images, capfd):
    estimator = make().fit(images)
    estimator.predict(images)
    estimator.score(images)
    assert capfd.readouterr() == ("", "")


def test_bars_with_the_named_terms_where_verbose(make, images, capfd):
    estimator = make(verbose=1).fit(images)
    out, err = capfd.readouterr()
    assert out == ""
    assert "pretrain" in err
    assert "cluster" in err
    terms = estimator.history_[-1].keys() - {"phase", "epoch", "dur"}
    assert "train_loss" in terms
    for name in terms:
        assert f"{name}=" in err


def test_a_fit_that_did_not_settle_says_so(make, images):
    with pytest.warns(ConvergenceWarning, match=r"max_epochs=2.*Increase max_epochs"):
        make().fit(images)


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_a_fit_that_settled_stops_early_and_is_quiet(make, images):
    estimator = make(tol=1.0, max_epochs=50, anchoring=0.1).fit(images)
    assert estimator.n_iter_ < 50


def test_training_that_diverges_says_so(make, images):
    with pytest.raises(ValueError, match=r"diverged.*pretrain.*smaller lr"):
        make(lr=1e30, pretrain_epochs=5, **unbounded(make)).fit(images)


def test_unused_clusters_are_warned_of(make, images):
    far = np.full((3, QUICK["latent_dim"]), 1e3)
    far[0] = 0
    with pytest.warns(ConvergenceWarning) as caught:
        estimator = make(init=far, max_epochs=0, **unbounded(make)).fit(images)
    used = len(np.unique(estimator.labels_))
    # An untrained mixture does not assign by its centres.
    assert used == 1 or (
        used == 2 and isinstance(estimator, deepcluster_sk.VariationalClusterer)
    )
    (message,) = (str(w.message) for w in caught)
    assert message.startswith(f"Only {used} of n_clusters=3 clusters")


def test_no_training_at_all(make, images):
    estimator = make(pretrain_epochs=0, max_epochs=0).fit(images)
    assert estimator.history_ == []
    assert estimator.n_iter_ == 0
    assert_array_equal(estimator.labels_, estimator.predict(images))


def test_centers_and_callables_as_start(make, images):
    centers = np.eye(3, QUICK["latent_dim"])
    calls = []

    def start(latent, n_clusters, random_state):
        calls.append((latent.shape, n_clusters))
        assert isinstance(random_state, np.random.RandomState)
        return centers

    given = make(init=centers).fit(images)
    asked = make(init=start).fit(images)
    assert calls == [((len(images), QUICK["latent_dim"]), 3)]
    assert_same(given, asked, images)


def test_a_failed_fit_leaves_what_was_fitted(make, images):
    class Fail(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise ZeroDivisionError

    estimator = make().fit(images)
    expected = copy.deepcopy(estimator)
    before = set(vars(estimator))
    estimator.set_params(callbacks=[Fail()])
    with pytest.raises(ZeroDivisionError):
        estimator.fit(images[:20])
    estimator.set_params(callbacks=None)
    assert set(vars(estimator)) == before
    assert_same(estimator, expected, images)
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(np.full((20, 5), np.nan))
    assert_same(estimator, expected, images)


def test_a_failed_first_fit_leaves_nothing(make, images):
    estimator = make()
    before = set(vars(estimator))
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(images * np.nan)
    assert set(vars(estimator)) == before
    with pytest.raises(NotFittedError):
        estimator.predict(images)


@pytest.mark.parametrize("method", [*METHODS, "score"])
def test_an_unfitted_clusterer_says_so(make, images, method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(make(), method)(images)


def test_inverse_transform_refuses_other_dimensions(fitted):
    with pytest.raises(ValueError, match=r"9 columns.*latent space .* 4 dimensions"):
        fitted.inverse_transform(np.zeros((2, 9)))
