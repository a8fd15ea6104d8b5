import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from deepcluster_sk import DepictClusterer, PseudoLabels, SelfTraining
from deepcluster_sk.methods.depict.network import Pathways
from deepcluster_sk.methods.depict.objective import DepictClustering
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.made import make_images, make_vectors, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fit(X, **params):
    return quick(DepictClusterer, **params).fit(X)


@pytest.mark.parametrize("target", ["paper", "exact", "dec"])
def test_targets(images, target):
    estimator = fit(images, target=target, targets=SelfTraining())
    assert_array_equal(estimator.labels_, estimator.predict(images))
    assert all(np.isfinite(row["train_loss"]) for row in estimator.history_)


@pytest.mark.parametrize("target", ["paper", "exact", "dec"])
def test_targets_take_over_from_the_labels_of_the_start(images, target):
    estimator = fit(images, target=target, max_epochs=8)
    assert len(estimator.history_) > 8
    assert_array_equal(estimator.labels_, estimator.predict(images))


def test_the_loss_is_the_weighted_sum_of_its_terms(images):
    for row in fit(images, reconstruction_weight=2.0).history_[2:]:
        expected = row["clustering"] + 2 * row["reconstruction"]
        assert row["train_loss"] == pytest.approx(expected, rel=1e-5)


def test_images_are_scaled_to_what_a_tanh_reaches(images):
    network = fit(100 + 3 * images).net_
    rows = torch.from_numpy(100 + 3 * images.reshape(40, -1))
    x = network.reader.read(rows, torch.device("cpu"))
    assert x.min().item() == pytest.approx(-1)
    assert x.max().item() == pytest.approx(1)


def test_vectors_are_standardised():
    X, _ = make_vectors()
    reader = fit(X, module__channels=(8,)).net_.reader
    x = reader.read(torch.from_numpy(X), torch.device("cpu"))
    torch.testing.assert_close(x.std(0, correction=0), torch.ones(6))


def test_centers_are_the_means_of_the_clusters(images):
    estimator = fit(images, precision="float32")
    latent, shares = estimator.transform(images), estimator.predict_proba(images)
    expected = shares.T @ latent / shares.sum(0)[:, None]
    assert_allclose(estimator.cluster_centers_, expected, atol=1e-4)
    assert np.abs(latent).max() <= 1


def test_the_papers_own_setting(images):
    stated = {
        "pull_clean": False,
        "module__contrast": "none",
        "init": "agglomerative",
        "targets": PseudoLabels(duration=0.5),
    }
    expected = fit(images, **stated)
    short = {k: v for k, v in quick(DepictClusterer).get_params().items()
             if k in {"latent_dim", "pretraining", "max_epochs", "tol", "random_state",
                      "module__channels"}}  # fmt: skip
    estimator = DepictClusterer.from_paper(3, **short).fit(images)
    assert_array_equal(estimator.predict_proba(images), expected.predict_proba(images))


@pytest.mark.parametrize(("init", "epochs"), [("graph", 60), ("kmeans", 120)])
def test_a_start_in_the_latent_is_pretrained_for_longer(init, epochs):
    # One batch an epoch, and far from as many steps as larger data get.
    X = make_images(20)[0]
    estimator = fit(X, init=init, pretraining="auto", batch_size=20, max_epochs=0)
    assert len(estimator.history_) == epochs


@pytest.mark.slow
def test_digits_without_a_graph():
    X, y = load_digits(return_X_y=True)
    model = DepictClusterer.from_paper(10, image_shape=(8, 8), random_state=0)
    assert clustering_accuracy_score(y, model.fit_predict(X)) >= 0.90


@pytest.mark.slow
def test_digits_with_default_arguments():
    X, y = load_digits(return_X_y=True)
    estimator = DepictClusterer(10, image_shape=(8, 8), random_state=0).fit(X)
    assert clustering_accuracy_score(y, estimator.labels_) >= 0.80


@pytest.mark.parametrize("pull_clean", [True, False])
def test_clean_assignments_are_pulled_where_it_is_said(pull_clean):
    objective = DepictClustering(0.7, 0.1, pull_clean, tol=0.1)
    target = torch.rand(5, 3).softmax(1)
    objective.targets = lambda indices: target[indices]
    noisy, clean = torch.randn(2, 4, 3).log_softmax(2)
    layers = [torch.rand(4, 6), torch.rand(4, 3)]
    outputs = Pathways(noisy, clean, layers, [part + 1 for part in layers])
    indices = torch.tensor([4, 0, 2, 1])
    terms, total = objective({}, outputs, indices)
    each = [-(target[indices] * q).sum(1).mean() for q in (noisy, clean)]
    expected = sum(each) / 2 if pull_clean else each[0]
    torch.testing.assert_close(terms["clustering"], expected)
    torch.testing.assert_close(terms["reconstruction"], torch.tensor(1.1))
    torch.testing.assert_close(total, expected + 0.7 * 1.1)
