from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import clone
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk import (
    DatasetNegatives,
    DeepTripletClusterer,
    PseudoLabels,
    Reconstruction,
    SelfTraining,
    TripletMargin,
)
from deepcluster_sk.training.net import ClusteringNet
from tests.made import LATENT_DIM, make_vectors, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PRETRAINING = {"reconstruction", "separation"}
JOINT = {"reconstruction", "clustering", "balance", "separation"}


def fit(X, **params):
    return quick(DeepTripletClusterer, **params).fit(X)


def terms(estimator, phase):
    """Named terms in the history of a phase."""
    rows = [row for row in estimator.history_ if row["phase"] == phase]
    assert rows
    return set(rows[-1]) & JOINT


def test_every_term_is_named_in_the_history(images):
    estimator = fit(images, pretraining=Reconstruction(2, omega=0.3))
    assert terms(estimator, "pretrain") == PRETRAINING
    assert terms(estimator, "cluster") == JOINT


def test_the_loss_is_the_weighted_sum_of_its_terms(images):
    weights = {"alpha": 0.5, "beta": 2.0, "gamma": 0.1, "omega": 3.0}
    estimator = fit(images, pretraining=Reconstruction(2, omega=0.7), **weights)
    for row in estimator.history_:
        if row["phase"] == "pretrain":
            expected = row["reconstruction"] + 0.7 * row["separation"]
        else:
            names = ("reconstruction", "clustering", "balance", "separation")
            expected = sum(
                weight * row[name]
                for weight, name in zip(weights.values(), names, strict=True)
            )
        assert row["train_loss"] == pytest.approx(expected, rel=1e-5)


def test_pretraining_by_triplets_does_nothing_else(images):
    estimator = fit(images, pretraining=TripletMargin(2), latent_dim="auto")
    assert terms(estimator, "pretrain") == {"separation"}
    for row in estimator.history_[:2]:
        assert row["train_loss"] == pytest.approx(row["separation"])
    assert terms(estimator, "cluster") == JOINT
    assert estimator.transform(images).shape == (len(images), 64)


def test_the_margin_of_a_pretraining_is_its_own(images):
    def separation(pretraining):
        return fit(images, pretraining=pretraining).history_[0]["separation"]

    gain = separation(TripletMargin(1, margin=1.5)) - separation(TripletMargin(1))
    assert gain == pytest.approx(0.5, abs=0.1)
    near, far = (Reconstruction(1, omega=1.0, margin=margin) for margin in (0.24, 1.24))
    assert separation(far) > separation(near)


NEGATIVES = {
    "batch": "batch",
    "dataset": DatasetNegatives(n_augmentations=3),
    "literal": DatasetNegatives(n_augmentations=3, literal=True),
}


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("kind", ["images", "vectors"])
def test_ways_to_choose_negatives(images, negatives, kind):
    X, channels = (images, (4, 8)) if kind == "images" else (make_vectors()[0], (8,))
    params = {"negatives": NEGATIVES[negatives], "module__channels": channels}
    one, other = fit(X, **params), fit(X, **params)
    assert terms(one, "cluster") == JOINT
    assert_array_equal(one.transform(X), other.transform(X))
    if negatives != "batch":
        batch = fit(X, module__channels=channels).transform(X)
        assert (one.transform(X) != batch).any()


def test_negatives_by_name_are_the_object_by_default(images):
    named, given = (
        fit(images, negatives=negatives)
        for negatives in ("dataset", DatasetNegatives())
    )
    assert_array_equal(named.predict_proba(images), given.predict_proba(images))


@pytest.fixture
def fetched(monkeypatch):
    """What is fetched beside the rows of each batch, by phase."""
    infer, seen = ClusteringNet.infer, {"pretrain": set(), "cluster": set()}

    def noted(self, x, **params):
        seen[self.criterion_.name] |= set(x) - {"rows"}
        return infer(self, x, **params)

    monkeypatch.setattr(ClusteringNet, "infer", noted)
    return seen


@pytest.mark.parametrize("omega", [0, 0.1])
@pytest.mark.parametrize("pretrain_omega", [0, 0.3])
def test_negatives_are_fetched_in_phases_that_separate(
    images, fetched, omega, pretrain_omega
):
    """Those of one phase are none of another: nothing is left on the data set."""
    pretraining = Reconstruction(2, omega=pretrain_omega)
    fit(images, negatives="dataset", omega=omega, pretraining=pretraining)
    assert fetched["pretrain"] == ({"negatives"} if pretrain_omega else set())
    assert fetched["cluster"] == ({"negatives"} if omega else set())


def test_negatives_of_the_batch_are_not_fetched(images, fetched):
    fit(images, pretraining=Reconstruction(2, omega=0.3))
    assert fetched == {"pretrain": set(), "cluster": set()}


@pytest.mark.parametrize("omega", [0, 0.1])
def test_negatives_do_not_depend_on_a_cache(images, tmp_path, omega):
    params = {
        "negatives": DatasetNegatives(3),
        "omega": omega,
        "pretraining": Reconstruction(2, omega=0.3),
    }
    expected = fit(images, **params).transform(images)
    for _ in ("missed", "found"):
        found = fit(images, memory=str(tmp_path), **params)
        assert_array_equal(found.transform(images), expected)


@pytest.mark.parametrize("negatives", ["batch", "dataset"])
@pytest.mark.parametrize(
    ("params", "omega", "pretraining", "joint"),
    [
        ({"omega": 0}, 0, {"reconstruction"}, JOINT - {"separation"}),
        ({"omega": 0}, 0.3, PRETRAINING, JOINT - {"separation"}),
        ({}, 0, {"reconstruction"}, JOINT),
        ({"alpha": 0}, 0.3, PRETRAINING, JOINT - {"reconstruction"}),
        ({"beta": 0, "gamma": 0}, 0.3, PRETRAINING, JOINT),
        ({"alpha": 0, "beta": 0, "gamma": 0, "omega": 0}, 0.3, PRETRAINING, set()),
    ],
)
def test_ablations(images, negatives, params, omega, pretraining, joint):
    settings = {"pretraining": Reconstruction(2, omega=omega), **params}
    estimator = fit(images, negatives=NEGATIVES[negatives], **settings)
    assert terms(estimator, "pretrain") == pretraining
    assert joint <= terms(estimator, "cluster")
    assert all(np.isfinite(row["train_loss"]) for row in estimator.history_)
    assert_array_equal(estimator.labels_, estimator.predict(images))


@pytest.mark.parametrize(
    "params",
    [
        {"n_views": 0},
        {"n_views": 0, "negatives": "dataset"},
        {"n_views": 1},
        {"n_views": 3, "targets": PseudoLabels(on_views=False)},
        {"augmentation": None},
        {"module__radius": None},
        {"module__radius": 5.0},
        {"targets": SelfTraining(update_interval=1), "batch_size": 8},
        {"batch_size": 3},
        {"targets": "self-training"},
        {"targets": "pseudo-labels"},
        {"callbacks__lr_decay": None},
        {"precision": "bf16"},
        {"precision": "float32"},
        {"architecture": "deep", "module__channels": None},
        {"architecture": "mlp", "module__channels": None},
        {"n_clusters": 20},
        {"pretraining": Reconstruction(2, from_views=True)},
    ],
    ids=str,
)
def test_settings(images, params):
    estimator = fit(images, **params)
    assert_array_equal(estimator.labels_, estimator.predict(images))
    assert all(np.isfinite(row["train_loss"]) for row in estimator.history_)


@pytest.mark.parametrize("radius", [2.0, 7.5])
def test_latent_and_centers_lie_on_the_sphere(images, radius):
    estimator = fit(images, module__radius=radius)
    for points in (estimator.transform(images), estimator.cluster_centers_):
        np.testing.assert_allclose(np.linalg.norm(points, axis=1), radius, rtol=1e-5)


def test_the_radius_grows_with_the_number_of_clusters(images):
    for n_clusters, radius in ((2, 3.0), (25, 5.0)):
        estimator = fit(images, n_clusters=n_clusters)
        lengths = np.linalg.norm(estimator.cluster_centers_, axis=1)
        np.testing.assert_allclose(lengths, radius, rtol=1e-5)


@pytest.mark.parametrize(("n_clusters", "power"), [(2, 1), (10, 1), (100, 2)])
def test_the_kernel_is_the_sharper_the_more_clusters_there_are(n_clusters, power):
    context = SimpleNamespace(
        n_clusters=n_clusters,
        layout=SimpleNamespace(shape=(1, 8, 8)),
        latent_dim=5,
    )
    start = SimpleNamespace(contrast="none")
    estimator = DeepTripletClusterer(architecture="shallow", pretraining=None)
    _, settings = estimator._module(context, start)
    assert settings["kernel_power"] == power


def test_without_pretraining_there_is_none(images):
    estimator = fit(images, pretraining=None)
    assert [row["phase"] for row in estimator.history_] == ["cluster"] * 2


def test_without_a_radius_the_latent_is_free(images):
    lengths = np.linalg.norm(fit(images, module__radius=None).transform(images), axis=1)
    assert np.ptp(lengths) > 1e-3


def test_pretraining_reads_no_weight_of_the_joint_loss(images):
    """A grid over the weights can share the pretraining."""
    base = fit(images)
    other = fit(images, alpha=2.0, beta=0.1, gamma=0.5, omega=0.7, margin=0.9)
    for one, two in zip(base.history_[:2], other.history_[:2], strict=True):
        assert one["train_loss"] == two["train_loss"]
    assert_array_equal(base.initial_labels_, other.initial_labels_)


@pytest.mark.parametrize("negatives", ["batch", "dataset"])
def test_negatives_inside_the_ball_are_warned_of(images, negatives):
    def wild(x):
        """Views farther from their image than any other image is."""
        return 100 * torch.randn_like(x)

    with pytest.warns(ConvergenceWarning, match=r"of the negatives .* augmentation"):
        fit(images, augmentation=wild, negatives=negatives, n_views=5)


def test_the_paper_to_the_letter(images):
    """Everything the paper does literally is within reach of the parameters."""
    short = {"max_epochs": 2, "tol": 0.0, "random_state": 0, "latent_dim": 10}
    short["module__channels"] = (4, 8)
    literal = DeepTripletClusterer.from_paper(3, literal=True, **short).fit(images)
    phases = [row["phase"] for row in literal.history_]
    assert phases == ["pretrain"] * 3 + ["cluster"] * 2
    assert terms(literal, "pretrain") == {"reconstruction"}
    assert terms(literal, "cluster") == JOINT
    stated = DeepTripletClusterer(
        3,
        beta=0.8,
        module__radius=None,
        module__kernel_power=1,
        module__contrast="none",
        init="kmeans",
        targets=SelfTraining(on_views=False),
        n_views=1,
        negatives=DatasetNegatives(n_augmentations=10, literal=True),
        pretraining=Reconstruction(3, omega=0),
        callbacks__lr_decay=None,
        **short,
    ).fit(images)
    assert_array_equal(literal.predict_proba(images), stated.predict_proba(images))


class Tiny(torch.nn.Module):
    """A user's own autoencoder."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        self.down = torch.nn.Linear(64, latent_dim)
        self.up = torch.nn.Linear(latent_dim, 64)
        self.shape = sample_shape

    def encode(self, x):
        return self.down(x.flatten(1))

    def decode(self, latent):
        return self.up(latent).unflatten(1, self.shape)


def test_a_users_network(images):
    as_class = fit(images, architecture=Tiny)
    own = Tiny((1, 8, 8), LATENT_DIM)
    before = own.down.weight.clone()
    as_module = fit(images, architecture=own)
    assert torch.equal(own.down.weight, before)
    for estimator in (as_class, as_module):
        assert isinstance(estimator.net_.module_.autoencoder, Tiny)
        assert_array_equal(estimator.labels_, estimator.predict(images))
        clone(estimator)


def test_a_users_augmentation_gets_batches_of_images(images):
    shapes = set()

    def augment(x):
        shapes.add(tuple(x.shape[1:]))
        return x + 0.1 * torch.randn_like(x)

    one, other = fit(images, augmentation=augment), fit(images, augmentation=augment)
    assert shapes == {(1, 8, 8)}
    assert_array_equal(one.transform(images), other.transform(images))
