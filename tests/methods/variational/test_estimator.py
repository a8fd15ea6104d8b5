import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from deepcluster_sk import PseudoLabels, SelfTraining, VariationalClusterer
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.made import make_images, make_vectors, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def images():
    return make_images(40)[0]


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


def test_terms_of_the_history(images):
    estimator = fit(images, targets=PseudoLabels(1.0), start_weight=5.0, warmup=0.0)
    for row in estimator.history_[2:]:
        expected = row["reconstruction"] + row["latent"] + row["discrete"]
        expected += 5 * row["start"]
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
