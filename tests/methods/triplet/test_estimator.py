import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.graph.consensus import graph_partition
from deepcluster_sk.graph.features import patch_features
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.networks.autoencoders import ConvAutoencoder
from tests.callbacks import Rates
from tests.made import QUICK, make_images, make_textures, make_vectors

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


@pytest.mark.parametrize(
    ("params", "looks_again"),
    [
        ({"pretraining": "separation"}, True),
        ({"pretraining": "separation", "pretrain_epochs": 0}, False),
        ({"pretraining": "separation", "init": "kmeans"}, False),
        ({"pretraining": "reconstruction"}, False),
    ],
)
def test_after_separation_the_start_is_looked_for_again(
    images, monkeypatch, params, looks_again
):
    found = []

    def seen(self, run, net, first):
        found.append((first, partition(self, run, net, first)))
        return found[-1][1]

    # Of few samples some are hubs by chance.
    monkeypatch.setattr("deepcluster_sk.base.start.HUBNESS", np.inf)
    partition = DeepTripletClusterer._second_partition
    monkeypatch.setattr(DeepTripletClusterer, "_second_partition", seen)
    estimator = fit(images, n_restarts=0, **{"init": "consensus", **params})
    assert len(found) == looks_again
    for first, second in found:
        assert_array_equal(estimator.initial_labels_, second.labels)
        assert_array_equal(second.graph.nodes, first.graph.nodes)
        merit = second.graph.modularity
        assert merit(second.labels) >= merit(first.labels)
        # A third each: pixels, latent and patches.
        weights = first.graph.weights / first.graph.weights.sum()
        rest = second.graph.weights / second.graph.weights.sum() - weights / 3
        assert rest.min() > -1e-9
        assert rest.sum() == pytest.approx(2 / 3)


def make_hubs(*shape):
    """Samples of little contrast are near to every other: hubs."""
    random = np.random.default_rng(0)
    strengths = random.uniform(0.1, 1, (600, *(1 for _ in shape)))
    return random.normal(size=(600, *shape)) * strengths


@pytest.mark.parametrize("kind", ["noise", "digits"])
def test_where_pixels_have_hubs_patches_and_latent_decide(monkeypatch, kind):
    learned, found = [], []

    def seen_patches(views):
        learned.append(patch_features(views))
        return learned[-1]

    def seen_cut(self, *args):
        found.append((self, cut(self, *args)))
        return found[-1][1]

    monkeypatch.setattr("deepcluster_sk.base.start.patch_features", seen_patches)
    cut = Graph.cut
    monkeypatch.setattr(Graph, "cut", seen_cut)
    X = make_hubs(12, 12) if kind == "noise" else load_digits().images[:600]
    estimator = fit(X, contrast="none", init="consensus", max_epochs=0)
    assert len(learned) == 1
    # By patches, and then by patches and latent.
    assert len(found) == 2 * (kind == "noise")
    if found:
        assert_array_equal(estimator.initial_labels_, found[-1][1])
    for graph, labels in found:
        # No move is left that would gain.
        after = graph.refined(labels, 3, np.random.RandomState(0))
        assert graph.modularity(after) == pytest.approx(graph.modularity(labels))


def test_the_first_partition_is_refined_and_other_rows_follow(monkeypatch):
    """On 100 of 200 images."""
    found, refined = [], []

    def seen(*args):
        found.append(graph_partition(*args))
        return found[-1]

    def seen_second(self, run, net, first):
        refined.append(second(self, run, net, first))
        return refined[-1]

    second = DeepTripletClusterer._second_partition
    monkeypatch.setattr(DeepTripletClusterer, "_second_partition", seen_second)
    monkeypatch.setattr("deepcluster_sk.base.start.graph_partition", seen)
    monkeypatch.setattr("deepcluster_sk.base.start.GRAPH_NODES", 100)
    monkeypatch.setattr("deepcluster_sk.base.start.HUBNESS", np.inf)
    X = make_hubs(12, 12)[:200]
    estimator = fit(X, contrast="none", init="consensus", max_epochs=0)
    ((first,), (after,)) = found, refined
    labels, graph = estimator.initial_labels_, after.graph
    assert_array_equal(labels, after.labels)
    assert graph.modularity(labels) > graph.modularity(first.labels)
    # Pixels, latent and patches vote for the other images.
    assert graph.voters.shape == (100, 3 * 5)
    assert_array_equal(graph.spread(labels), labels)
    assert (graph.spread(first.labels) != labels).any()


def test_images_smaller_than_a_patch_have_none(monkeypatch):
    monkeypatch.setattr("deepcluster_sk.base.start.patch_features", None)
    monkeypatch.setattr("deepcluster_sk.base.start.HUBNESS", np.inf)
    X, y = make_images(n=90, side=5)
    estimator = fit(X, init="consensus", architecture="mlp", pretraining="separation")
    assert clustering_accuracy_score(y, estimator.initial_labels_) > 0.9


@pytest.mark.parametrize(("hubness", "least", "most"), [(-5, 0.95, 1), (5, 0, 0.7)])
def test_where_pixels_have_hubs_patches_find_textures(
    monkeypatch, hubness, least, most
):
    monkeypatch.setattr("deepcluster_sk.base.start.HUBNESS", hubness)
    X, y = make_textures(300)
    params = {"n_clusters": 2, "contrast": "none", "pretraining": "reconstruction"}
    estimator = fit(X, init="consensus", max_epochs=0, **params)
    found = clustering_accuracy_score(y, estimator.initial_labels_)
    assert least <= found <= most


@pytest.mark.parametrize(
    ("params", "term", "crops"),
    [
        ({}, {"discrimination"}, True),
        ({"augmentation": "grey"}, {"discrimination"}, False),
        ({"augmentation": None}, PRETRAINING, False),
        ({"pretraining": "separation"}, {"separation"}, True),
        ({"init": "kmeans"}, {"separation"}, False),
    ],
)
def test_images_with_hubs_are_seen_as_photographs(monkeypatch, params, term, crops):
    augmentations = []

    def seen(self, run, optimizer):
        augmentations.append(run.views.augmentation)
        return build(self, run, optimizer)

    build = DeepTripletClusterer._build_net
    monkeypatch.setattr(DeepTripletClusterer, "_build_net", seen)
    settings = {"contrast": "none", "init": "consensus", "max_epochs": 0, **params}
    estimator = fit(make_hubs(12, 12), **settings)
    last = estimator.history_[-1]
    assert last["phase"] == "pretrain"
    assert set(last) & {*JOINT, "discrimination"} == term
    assert [bool(augmentation.crop) for augmentation in augmentations] == [crops]


def own_network(shape, latent_dim):
    return ConvAutoencoder(shape, latent_dim, (4, 8))


@pytest.mark.parametrize(
    ("architecture", "pretraining", "peak"),
    [
        ("auto", "discrimination", 10),
        ("mlp", "discrimination", 10),
        (own_network, "discrimination", 1),
        ("auto", "separation", 1),
    ],
)
def test_named_networks_that_discriminate_train_at_a_rising_rate(
    images, architecture, pretraining, peak
):
    rates = Rates()
    fit(
        images,
        architecture=architecture,
        pretraining=pretraining,
        channels=None,
        callbacks=[rates],
        lr=2e-3,
        pretrain_epochs=20,
        max_epochs=20,
    )
    for phase in np.split(np.array(rates.seen), 2):
        assert phase[0] == pytest.approx(2e-3)
        assert max(phase) == pytest.approx(peak * 2e-3, rel=0.05)


class Lengths(Callback):
    """Write down how many epochs each phase is to have, and end it at once."""

    def __init__(self):
        self.seen = []

    def on_train_begin(self, net, **kwargs):
        self.seen.append(net.phase_epochs_)
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("pretraining", "n_images", "epochs"),
    [
        ("reconstruction", 40, 5),
        ("reconstruction", 400, 1),
        ("separation", 40, 50),
        ("separation", 400, 5),
        ("discrimination", 40, 60),
        ("discrimination", 100, 40),
        ("discrimination", 400, 20),
    ],
)
def test_pretraining_makes_some_steps_and_some_epochs(pretraining, n_images, epochs):
    lengths = Lengths()
    fit(
        make_images(n_images)[0],
        pretraining=pretraining,
        pretrain_epochs="auto",
        batch_size=2,
        callbacks=[lengths],
    )
    assert lengths.seen[0] == epochs


def test_vectors_with_hubs_are_no_photographs():
    params = {"init": "consensus", "max_epochs": 0, "channels": (8,)}
    estimator = fit(make_hubs(40), **params)
    assert terms(estimator, "pretrain") == PRETRAINING


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("images", {}, {"separation"}),
        ("images", {"augmentation": lambda x: x.flip(3)}, {"separation"}),
        ("images", {"augmentation": None}, PRETRAINING),
        ("images", {"augmentation": {"rotation": 0}}, PRETRAINING),
        ("images", {"n_views": 0}, PRETRAINING),
        ("vectors", {}, PRETRAINING),
    ],
)
def test_separation_is_for_images_with_views(images, kind, params, expected):
    X, channels = (images, (4, 8)) if kind == "images" else (make_vectors()[0], (8,))
    estimator = fit(X, channels=channels, **params)
    assert terms(estimator, "pretrain") == expected


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
