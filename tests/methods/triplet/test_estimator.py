import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import clone
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk import DeepTripletClusterer
from tests.made import QUICK, make_images, make_vectors

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PRETRAINING = {"reconstruction", "separation"}
JOINT = {"reconstruction", "clustering", "balance", "separation"}


@pytest.fixture(scope="module")
def images():
    return make_images(40)[0]


def fit(X, **params):
    settings = {"n_clusters": 3, **QUICK, "random_state": 0, **params}
    return DeepTripletClusterer(**settings).fit(X)


def terms(estimator, phase):
    """Named terms in the history of a phase."""
    rows = [row for row in estimator.history_ if row["phase"] == phase]
    assert rows
    return set(rows[-1]) & JOINT


def test_every_term_is_named_in_the_history(images):
    estimator = fit(images, pretraining="reconstruction")
    assert terms(estimator, "pretrain") == PRETRAINING
    assert terms(estimator, "cluster") == JOINT


def test_the_loss_is_the_weighted_sum_of_its_terms(images):
    weights = {"alpha": 0.5, "beta": 2.0, "gamma": 0.1, "omega": 3.0}
    params = {"pretraining": "reconstruction", "pretrain_omega": 0.7}
    estimator = fit(images, **params, **weights)
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


def test_pretraining_by_separation_does_nothing_else(images):
    estimator = fit(images, pretraining="separation", latent_dim="auto")
    assert terms(estimator, "pretrain") == {"separation"}
    assert terms(estimator, "cluster") == JOINT
    assert estimator.transform(images).shape == (len(images), 64)


@pytest.mark.parametrize("negatives", ["batch", "bulk", "literal"])
@pytest.mark.parametrize("kind", ["images", "vectors"])
def test_ways_to_choose_negatives(images, negatives, kind):
    X, channels = (images, (4, 8)) if kind == "images" else (make_vectors()[0], (8,))
    params = {"negatives": negatives, "n_augmentations": 3, "channels": channels}
    one, other = fit(X, **params), fit(X, **params)
    assert terms(one, "cluster") == JOINT
    assert_array_equal(one.transform(X), other.transform(X))


@pytest.mark.parametrize("negatives", ["batch", "bulk"])
@pytest.mark.parametrize(
    ("params", "pretraining", "joint"),
    [
        ({"omega": 0, "pretrain_omega": 0}, {"reconstruction"}, JOINT - {"separation"}),
        ({"omega": 0}, PRETRAINING, JOINT - {"separation"}),
        ({"pretrain_omega": 0}, {"reconstruction"}, JOINT),
        ({"alpha": 0}, PRETRAINING, JOINT - {"reconstruction"}),
        ({"beta": 0, "gamma": 0}, PRETRAINING, JOINT),
        ({"alpha": 0, "beta": 0, "gamma": 0, "omega": 0}, PRETRAINING, set()),
    ],
)
def test_ablations(images, negatives, params, pretraining, joint):
    settings = {"pretraining": "reconstruction", "n_augmentations": 2, **params}
    estimator = fit(images, negatives=negatives, **settings)
    assert terms(estimator, "pretrain") == pretraining
    assert joint <= terms(estimator, "cluster")
    assert all(np.isfinite(row["train_loss"]) for row in estimator.history_)
    assert_array_equal(estimator.labels_, estimator.predict(images))


@pytest.mark.parametrize(
    "params",
    [
        {"n_views": 0},
        {"n_views": 0, "negatives": "bulk"},
        {"n_views": 1},
        {"n_views": 3, "pull_views": False},
        {"augmentation": None},
        {"radius": None},
        {"radius": 5.0},
        {"update_interval": 1, "batch_size": 8},
        {"batch_size": 3},
        {"anchoring": 0.0},
        {"anchoring": 1.0},
        {"lr_schedule": None},
        {"precision": "bf16"},
        {"precision": "float32"},
        {"architecture": "deep", "channels": None},
        {"architecture": "mlp", "channels": None},
        {"n_clusters": 20},
    ],
    ids=str,
)
def test_settings(images, params):
    estimator = fit(images, **params)
    assert_array_equal(estimator.labels_, estimator.predict(images))
    assert all(np.isfinite(row["train_loss"]) for row in estimator.history_)


@pytest.mark.parametrize("radius", [2.0, 7.5])
def test_latent_and_centers_lie_on_the_sphere(images, radius):
    estimator = fit(images, radius=radius)
    for points in (estimator.transform(images), estimator.cluster_centers_):
        np.testing.assert_allclose(np.linalg.norm(points, axis=1), radius, rtol=1e-5)


def test_the_radius_grows_with_the_number_of_clusters(images):
    for n_clusters, radius in ((2, 3.0), (25, 5.0)):
        estimator = fit(images, n_clusters=n_clusters)
        lengths = np.linalg.norm(estimator.cluster_centers_, axis=1)
        np.testing.assert_allclose(lengths, radius, rtol=1e-5)


def test_without_a_radius_the_latent_is_free(images):
    lengths = np.linalg.norm(fit(images, radius=None).transform(images), axis=1)
    assert np.ptp(lengths) > 1e-3


def test_pretraining_reads_no_weight_of_the_joint_loss(images):
    """A grid over the weights can share the pretraining."""
    base = fit(images)
    other = fit(images, alpha=2.0, beta=0.1, gamma=0.5, omega=0.7, margin=0.9)
    for one, two in zip(base.history_[:2], other.history_[:2], strict=True):
        assert one["train_loss"] == two["train_loss"]
    assert_array_equal(base.initial_labels_, other.initial_labels_)


@pytest.mark.parametrize("negatives", ["batch", "bulk"])
def test_negatives_inside_the_ball_are_warned_of(images, negatives):
    def wild(x):
        """Views farther from their image than any other image is."""
        return 100 * torch.randn_like(x)

    with pytest.warns(ConvergenceWarning, match=r"of the negatives .* augmentation"):
        fit(images, augmentation=wild, negatives=negatives, n_views=5)


def test_the_papers_own_setting(images):
    """Everything the paper does literally is within reach of the parameters."""
    estimator = fit(
        images,
        radius=None,
        init="kmeans",
        anchoring=0.0,
        pull_views=False,
        n_views=1,
        negatives="literal",
        pretraining="reconstruction",
        pretrain_omega=0,
        n_augmentations=10,
        lr_schedule=None,
        latent_dim=10,
    )
    assert terms(estimator, "pretrain") == {"reconstruction"}
    assert terms(estimator, "cluster") == JOINT


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
    own = Tiny((1, 8, 8), QUICK["latent_dim"])
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
