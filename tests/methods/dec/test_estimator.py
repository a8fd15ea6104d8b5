import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from deepcluster_sk import DECClusterer, PseudoLabels, SelfTraining
from deepcluster_sk.augmentation.view import View
from deepcluster_sk.losses.clustering import clustering_loss
from deepcluster_sk.methods.dec.objective import AutoencoderPretraining, DECClustering
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from tests.made import quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fit(X, **params):
    return quick(DECClusterer, **params).fit(X)


def test_dec_lets_the_decoder_go_and_idec_keeps_it(images):
    dec, idec = fit(images).history_, fit(images, reconstruction_weight=10.0).history_
    for row, other in zip(dec[:2], idec[:2], strict=True):
        assert row["train_loss"] == row["reconstruction"]
        assert row["train_loss"] == other["train_loss"]
    for row in dec[2:]:
        assert "reconstruction" not in row
        assert row["train_loss"] == row["clustering"]
    for row in idec[2:]:
        expected = row["clustering"] + 10 * row["reconstruction"]
        assert row["train_loss"] == pytest.approx(expected, rel=1e-5)


def brighter(rows):
    return rows + 5


@pytest.mark.parametrize("weight", [0.0, 10.0])
@pytest.mark.parametrize("on_views", [False, True])
def test_samples_rebuilt_from_their_views(weight, on_views):
    network = ClusteringAutoencoder("mlp", (1, 4, 4), 3, 2, None).eval()
    rows, view = torch.rand(6, 1, 4, 4), View(brighter, torch.Generator())
    joint = DECClustering(view, weight, on_views, from_views=True, tol=0.1)
    joint.share, joint._targets = 0.0, torch.full((6, 3), 1 / 3)
    with torch.no_grad():
        rebuilt = network.decode(network.encode(brighter(rows)))
        expected = (rebuilt - rows).square().mean()
        found = {}
        for objective in (AutoencoderPretraining(view, from_views=True), joint):
            inputs = objective.inputs(network, rows)
            found = objective(inputs, network(**inputs), torch.arange(6))[0]
            if "reconstruction" in found:
                torch.testing.assert_close(found["reconstruction"], expected)
        pulled = brighter(rows) if on_views else rows
        divergence = clustering_loss(joint._targets, network.embed(pulled)[1])
    torch.testing.assert_close(found["clustering"], divergence)
    assert ("reconstruction" in found) == (weight > 0)


def test_the_published_method_is_the_default(images):
    params = DECClusterer().get_params()
    assert params["augmentation"] is None
    assert params["init"] == params["targets"] == "auto"
    assert params["reconstruction_weight"] == 0
    default, stated = (
        fit(images, **given)
        for given in (
            {},
            {"targets": SelfTraining(), "module__contrast": "none", "init": "kmeans"},
        )
    )
    assert default.contrast_ == "none"
    assert_array_equal(default.predict_proba(images), stated.predict_proba(images))
    assert all("updated" not in row for row in default.history_)


def test_with_augmentation_a_mixture_is_held_for_a_while(images):
    auto, stated = (
        fit(images, augmentation="auto", max_epochs=20, **given)
        for given in ({}, {"init": "mixture", "targets": PseudoLabels(0.1)})
    )
    assert "mixture" in auto.summary()
    assert_array_equal(auto.predict_proba(images), stated.predict_proba(images))
    let_go = fit(images, augmentation="auto", targets=SelfTraining(), max_epochs=20)
    assert (auto.predict_proba(images) != let_go.predict_proba(images)).any()


def test_what_a_graph_finds_is_held_for_half_of_the_time(images):
    auto, stated, let_go = (
        fit(images, init="graph", max_epochs=20, **given)
        for given in ({}, {"targets": PseudoLabels(0.5)}, {"targets": SelfTraining()})
    )
    assert_array_equal(auto.predict_proba(images), stated.predict_proba(images))
    assert (auto.predict_proba(images) != let_go.predict_proba(images)).any()


@pytest.mark.parametrize(
    ("augmentation", "normalised"), [(None, False), ("auto", True)]
)
def test_batch_norm_goes_with_augmentation(images, augmentation, normalised):
    module = fit(images, augmentation=augmentation).net_.module_
    found = any(isinstance(layer, torch.nn.BatchNorm2d) for layer in module.modules())
    assert found == normalised


def test_with_augmentation_views_are_trained(images):
    seen = []

    def augment(x):
        seen.append(len(x))
        return x + 0.01

    fit(images, augmentation=augment, batch_size=20, init="kmeans")
    # One view for each image in every epoch of both phases.
    assert sum(seen) == 4 * len(images)


def test_views_take_longer_to_learn_where_their_latent_makes_the_clusters(
    images, monkeypatch
):
    asked = []

    def epochs(self, context, steps):
        asked.append(steps)
        return 1

    monkeypatch.setattr(DECClusterer, "_pretraining_epochs", epochs)
    for params in ({}, {"augmentation": "auto", "init": "graph"}):
        fit(images, **params)
    fit(images, augmentation="auto")
    usual, by_graph, by_latent = asked
    assert usual == by_graph
    assert by_latent[0] == 5 * usual[0]


@pytest.mark.parametrize("init", ["graph", "random"])
def test_other_starts(images, init):
    estimator = fit(images, init=init, augmentation="auto", targets=PseudoLabels(0.5))
    assert_array_equal(estimator.labels_, estimator.predict(images))


@pytest.mark.slow
def test_digits_with_default_arguments():
    X, y = load_digits(return_X_y=True)
    # By chance of the seed, the k-means start finds one class less.
    accuracy = [
        clustering_accuracy_score(
            y, DECClusterer(10, image_shape=(8, 8), random_state=seed).fit_predict(X)
        )
        for seed in range(5)
    ]
    assert np.mean(accuracy) >= 0.80, accuracy
