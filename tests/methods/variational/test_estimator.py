from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from deepcluster_sk import (
    PseudoLabels,
    Reconstruction,
    SelfTraining,
    VariationalClusterer,
)
from deepcluster_sk.augmentation.view import View
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.methods.variational.estimator import N_DRAWS, SEPARATION, _spread
from deepcluster_sk.methods.variational.network import Bound
from deepcluster_sk.methods.variational.objective import (
    FINAL_TEMPERATURE,
    VariationalClustering,
    VariationalPretraining,
)
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.training.pseudo_labels import LabelUpdates
from tests.made import make_images, make_vectors, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fit(X, **params):
    return quick(VariationalClusterer, **params).fit(X)


@pytest.fixture(scope="module")
def trained(images):
    """A model that has learned something; not to be changed."""
    return fit(images, max_epochs=120, lr=3e-3, batch_size=10, random_state=1)


@pytest.mark.parametrize("relaxation", ["marginal", "gumbel"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_relaxations_and_likelihoods(images, relaxation, likelihood):
    estimator = fit(images, relaxation=relaxation, likelihood=likelihood)
    assert_array_equal(estimator.labels_, estimator.predict(images))
    assert np.isfinite(estimator.score_samples(images)).all()


@pytest.mark.parametrize(("start_weight", "weight"), [(5.0, 5), ("auto", 64 / 2)])
def test_terms_of_the_history(images, start_weight, weight):
    estimator = fit(
        images, targets=PseudoLabels(1.0), start_weight=start_weight, warmup=0.0
    )
    for row in estimator.history_[2:]:
        expected = row["reconstruction"] + row["latent"] + row["discrete"]
        expected += weight * row["start"]
        assert row["train_loss"] == pytest.approx(expected, rel=1e-5)
        assert 0 <= row["discrete"] <= np.log(3)


@pytest.mark.parametrize("targets", [SelfTraining(), PseudoLabels(0.0)])
def test_without_pseudo_labels_the_bound_alone_is_trained(images, targets):
    for row in fit(images, targets=targets).history_:
        assert "start" not in row


def test_nothing_is_pretrained_by_default(images):
    estimator = fit(images, pretraining="auto")
    assert [row["phase"] for row in estimator.history_] == ["cluster"] * 2
    assert VariationalClusterer().pretraining == "auto"


def brighter(rows):
    return rows + 5


@pytest.mark.parametrize("on_views", [False, True])
@pytest.mark.parametrize("from_views", [False, True])
def test_what_is_encoded_and_what_is_modelled(from_views, on_views):
    rows = torch.rand(4, 1, 8, 8)
    view = View(brighter, torch.Generator())
    objective = VariationalClustering(view, 0.3, 1.0, on_views, from_views, tol=0.1)
    objective._n_steps = 1
    inputs = objective.inputs(None, rows)
    assert torch.equal(inputs["x"], brighter(rows) if from_views else rows)
    assert torch.equal(inputs["modelled"], rows)
    labels = LabelUpdates(np.zeros(4, int), 3, PseudoLabels(1.0), None, None)
    objective.pseudo_labels = labels
    held = objective.inputs(None, rows)["x"][4:]
    assert torch.equal(held, brighter(rows) if on_views else rows)


def test_relaxed_draws_get_nearer_to_one_hot():
    objective = VariationalClustering(None, 0.3, 1.0, True, False, tol=0.1)
    objective._n_steps, objective.pseudo_labels = 4, None
    met = []
    for _ in range(5):
        met.append(objective.inputs(None, torch.rand(2, 3))["temperature"])
        objective.end_batch(None, None)
    assert met[0] == 1
    assert met[-1] == pytest.approx(FINAL_TEMPERATURE)
    ratios = [after / before for before, after in pairwise(met)]
    assert ratios == pytest.approx([ratios[0]] * 4)


@pytest.mark.parametrize(
    ("warmup", "expected"),
    [(0.0, [1, 1, 1, 1, 1]), (0.5, [0, 0.5, 1, 1, 1]), (1.0, [0, 0.25, 0.5, 0.75, 1])],
)
def test_divergences_rise_to_their_weight_and_stay_there(warmup, expected):
    objective = VariationalClustering(None, warmup, 1.0, True, False, tol=0.1)
    objective._n_steps, objective.pseudo_labels = 4, None
    log_assignment = torch.rand(6, 3).log_softmax(1)
    nll, divergence = torch.rand(2, 6, 3)
    outputs = Bound(log_assignment, log_assignment.exp(), nll, divergence)
    for warm in expected:
        terms, total = objective({}, outputs, torch.arange(6))
        beside = terms["latent"] + terms["discrete"]
        torch.testing.assert_close(total, terms["reconstruction"] + warm * beside)
        objective.end_batch(None, None)


@pytest.mark.parametrize("n_clusters", [2, 3, 7])
def test_neighboring_means_begin_well_apart_where_they_lie(n_clusters):
    centers = np.random.default_rng(0).normal(5, 0.01, (n_clusters, 4))
    spread = _spread(centers.astype(np.float32))
    gaps = np.linalg.norm(spread[:, None] - spread, axis=2)
    nearest = [min(gap[gap > 0]) for gap in gaps]
    assert np.mean(nearest) == pytest.approx(SEPARATION, rel=1e-4)
    assert_allclose(spread.mean(0), centers.mean(0), atol=1e-4)
    # Each on its side of the mean, and as far as it was to the others'.
    before, after = centers - centers.mean(0), spread - spread.mean(0)
    ratio = np.linalg.norm(after) / np.linalg.norm(before)
    assert_allclose(after, ratio * before, rtol=1e-2, atol=1e-3)


def test_one_mean_and_equal_means_stay_where_they_are():
    one = np.ones((1, 4), np.float32)
    assert_array_equal(_spread(one), one)
    assert np.isfinite(_spread(np.ones((3, 4), np.float32))).all()


def test_a_bound_is_the_mean_over_draws_that_mirror_each_other(
    trained, images, monkeypatch
):
    given, module = [], trained.net_.module_
    elbo = module.elbo

    def seen(x, noise):
        given.append(noise)
        return elbo(x, noise)

    monkeypatch.setattr(module, "elbo", seen)
    trained.score_samples(images)
    for noise in given:
        assert noise.shape == (N_DRAWS, module.latent_dim)
        assert_array_equal(noise[: N_DRAWS // 2], -noise[N_DRAWS // 2 :])
        assert noise.abs().min() > 0


@pytest.mark.parametrize(
    ("layout", "likelihood"),
    [
        (RowLayout("HW", (1, 8, 8)), "bernoulli"),
        (RowLayout("CHW", (3, 8, 8)), "gaussian"),
        (RowLayout("vector", (6,)), "gaussian"),
        (RowLayout("vector", (1,)), "gaussian"),
    ],
)
def test_grey_images_are_probabilities_and_all_else_is_gaussian(layout, likelihood):
    assert VariationalClusterer()._likelihood(layout) == likelihood
    for given in ("bernoulli", "gaussian"):
        assert VariationalClusterer(likelihood=given)._likelihood(layout) == given


def test_pretraining_rebuilds_samples_from_themselves_or_from_views():
    rows = torch.rand(4, 1, 8, 8)
    view = View(brighter, torch.Generator())
    for objective, seen in (
        (VariationalPretraining(), rows),
        (VariationalPretraining(view), brighter(rows)),
    ):
        inputs = objective.inputs(None, rows)
        assert torch.equal(inputs["x"], seen)
        assert torch.equal(inputs["modelled"], rows)


def test_views_reach_both_phases(images):
    seen = []

    def augmentation(rows):
        seen.append(len(rows))
        return rows

    def fit_from(from_views):
        seen.clear()
        fit(
            images,
            init="kmeans",
            augmentation=augmentation,
            targets=SelfTraining(),
            pretraining=Reconstruction(1, from_views=from_views),
            max_epochs=1,
        )
        return sum(seen)

    assert fit_from(False) == 0
    assert fit_from(True) == 2 * len(images)


def test_samples_come_in_the_units_of_the_data():
    X = 100 + 50 * make_images(40)[0]
    estimator = fit(X)
    drawn, labels = estimator.sample(7)
    assert drawn.shape == (7, 64)
    assert drawn.dtype == np.float32
    assert labels.shape == (7,)
    assert X.min() <= drawn.min()
    assert drawn.max() <= X.max() + 1e-3


def test_samples_of_a_cluster_belong_to_it(trained):
    for k in range(3):
        drawn, labels = trained.sample(30, cluster=k)
        assert set(labels) == {k}
        images = drawn.reshape(30, 8, 8)
        assert (trained.predict(images) == k).mean() > 0.8


def test_samples_of_a_cluster_spread_as_its_prior_does(trained, monkeypatch):
    monkeypatch.setattr(trained, "inverse_transform", lambda latent: latent)
    mean = torch.randn(3, 4)
    log_variance = torch.linspace(-4, 3, 12).reshape(3, 4)
    deviations, means = (0.5 * log_variance).exp().numpy(), mean.numpy()
    monkeypatch.setattr(trained.net_.module_, "prior", lambda: (mean, log_variance))
    for k in range(3):
        latent, _ = trained.sample(5000, cluster=k)
        assert_allclose(latent.std(0), deviations[k], rtol=0.05)
        assert (np.abs(latent.mean(0) - means[k]) < 0.1 * deviations[k]).all()


def test_sampling_is_repeatable_with_a_seed_and_leaves_global_streams_alone(trained):
    before = torch.get_rng_state().clone()
    (one, labels), (other, again) = trained.sample(5), trained.sample(5)
    assert_array_equal(one, other)
    assert_array_equal(labels, again)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0,), "n_samples"),
        ((-1,), "n_samples"),
        ((2.5,), "n_samples"),
        ((5, 3), "cluster"),
        ((5, -1), "cluster"),
        ((5, "a"), "cluster"),
    ],
)
def test_what_cannot_be_sampled(trained, arguments, name):
    with pytest.raises((TypeError, ValueError), match=name):
        trained.sample(*arguments)


def test_unlike_samples_have_a_lower_bound(trained, images):
    noise = np.random.default_rng(0).random((40, 8, 8))
    usual, unusual = trained.score_samples(images), trained.score_samples(noise)
    assert usual.shape == (40,)
    assert usual.dtype == np.float32
    assert usual.min() > np.median(unusual)


def test_a_bound_does_not_depend_on_what_came_with_it(trained, images):
    whole = trained.score_samples(images)
    parts = [trained.score_samples(images[i : i + 1])[0] for i in range(5)]
    np.testing.assert_allclose(parts, whole[:5], rtol=1e-5)


@pytest.mark.parametrize(
    "X", [np.full((2, 8, 8), np.nan), np.ones((2, 9, 9)), np.full((2, 8, 8), 1e39)]
)
def test_bounds_of_bad_data_are_refused(trained, X):
    with pytest.raises(ValueError, match=r"NaN|9, 9|too large|not finite"):
        trained.score_samples(X)


def test_an_unfitted_model_says_so(images):
    for call in (lambda m: m.sample(), lambda m: m.score_samples(images)):
        with pytest.raises(NotFittedError):
            call(VariationalClusterer())


def test_vectors_are_gaussian():
    X, _ = make_vectors()
    estimator = fit(X, module__channels=(8,))
    assert estimator.net_.module_.likelihood == "gaussian"
    assert estimator.sample(3)[0].shape == (3, 6)


@pytest.mark.slow
def test_digits_with_default_arguments():
    X, y = load_digits(return_X_y=True)
    estimator = VariationalClusterer(10, image_shape=(8, 8), random_state=0).fit(X)
    assert clustering_accuracy_score(y, estimator.labels_) >= 0.80
    assert len(set(estimator.labels_)) == 10


@pytest.mark.slow
def test_digits_without_a_graph():
    X, y = load_digits(return_X_y=True)
    model = VariationalClusterer.from_paper(10, image_shape=(8, 8), random_state=0)
    assert clustering_accuracy_score(y, model.fit_predict(X)) >= 0.85
    assert len(set(model.labels_)) == 10
