"""What comes before joint training: kinds of pretraining, and looks for a start."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits

from deepcluster_sk import (
    DeepTripletClusterer,
    InstanceDiscrimination,
    PseudoLabels,
    Reconstruction,
    TripletMargin,
)
from deepcluster_sk.base import clusterer
from deepcluster_sk.graph import contest, latent
from deepcluster_sk.graph import start as graph_start
from deepcluster_sk.graph.graph import CUTS, Graph
from deepcluster_sk.graph.start import FIRST_CUTS
from deepcluster_sk.methods.triplet import estimator as triplet
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.networks.autoencoders import ConvAutoencoder
from tests.callbacks import Lengths, Rates
from tests.made import make_images, make_textures, make_vectors, quick
from tests.simulated_device import simulated_device

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TERMS = {"reconstruction", "separation", "discrimination"}
REBUILT = {"reconstruction", "separation"}
#: Pretraining by its name, of two epochs.
NAMED = {
    "reconstruction": Reconstruction(2, omega=0.3),
    "triplet": TripletMargin(2),
    "discrimination": InstanceDiscrimination(2),
}


def fit(X, **params):
    return quick(DeepTripletClusterer, **params).fit(X)


def auto(X, **params):
    """Fit with two epochs of whatever pretraining "auto" is."""
    return fit(X, pretraining="auto", callbacks=[Lengths(2)], **params)


def terms(estimator):
    """Named terms in the history of pretraining."""
    last = [row for row in estimator.history_ if row["phase"] == "pretrain"][-1]
    return set(last) & TERMS


def watch(monkeypatch, module, name):
    """Write down what a function of a module returns."""
    seen, function = [], getattr(module, name)

    def watched(*args, **kwargs):
        seen.append(function(*args, **kwargs))
        return seen[-1]

    monkeypatch.setattr(module, name, watched)
    return seen


@pytest.mark.parametrize(
    ("params", "looks_again"),
    [
        ({"pretraining": TripletMargin(2)}, True),
        ({"pretraining": InstanceDiscrimination(2)}, True),
        ({"pretraining": TripletMargin(0)}, False),
        ({"pretraining": None}, False),
        ({"pretraining": TripletMargin(2), "init": "kmeans"}, False),
        ({"pretraining": Reconstruction(2)}, False),
    ],
    ids=str,
)
def test_the_start_is_looked_at_again_where_images_are_told_apart(
    images, monkeypatch, params, looks_again
):
    # Of few samples some are hubs by chance.
    first = watch(monkeypatch, clusterer, "find_start")
    again = watch(monkeypatch, clusterer, "second_look")
    shares = watch(monkeypatch, latent, "shares_by_agreement")
    linked = watch(monkeypatch, latent, "neighbor_graph")
    estimator = fit(images, targets=PseudoLabels(n_updates=0), **params)
    assert len(again) == looks_again
    if not looks_again:
        if first:
            assert_array_equal(estimator.initial_labels_, first[0].labels)
        return
    ((first,), (second,)) = first, again
    assert_array_equal(estimator.initial_labels_, second.labels)
    assert_array_equal(second.graph.nodes, first.graph.nodes)
    merit = second.graph.modularity
    assert merit(second.labels) >= merit(first.labels)
    # Pixels, latent and patches, by their agreement.
    graphs = [first.graph, *linked[-2:]]
    parts = [graph.weights / graph.weights.sum() for graph in graphs]
    (found,) = shares
    expected = sum(share * part for share, part in zip(found, parts, strict=True))
    assert abs(second.graph.weights - expected).max() < 1e-9
    assert len(set(found)) == 3


def make_hubs(*shape):
    """Samples of little contrast are near to every other: hubs."""
    random = np.random.default_rng(0)
    strengths = random.uniform(0.1, 1, (480, *(1 for _ in shape)))
    return random.normal(size=(480, *shape)) * strengths


@pytest.mark.parametrize(
    ("kind", "pretraining"),
    [("textures", "discrimination"), ("digits", "triplet")],
)
def test_where_pixels_have_hubs_patches_and_latent_decide(
    monkeypatch, kind, pretraining
):
    learned = watch(monkeypatch, contest, "patch_features")
    found, cut = [], Graph.cut

    def seen_cut(self, *args):
        found.append((self, cut(self, *args)))
        return found[-1][1]

    monkeypatch.setattr(Graph, "cut", seen_cut)
    X = make_textures(240)[0] if kind == "textures" else load_digits().images[:600]
    n_clusters = 2 if kind == "textures" else 3
    params = {"pretraining": NAMED[pretraining], "max_epochs": 0}
    estimator = fit(X, n_clusters=n_clusters, module__contrast="none", **params)
    assert len(learned) == 1
    # By patches, and then by patches and latent.
    assert len(found) == 2 * (kind == "textures")
    if found:
        assert_array_equal(estimator.initial_labels_, found[-1][1])
    for graph, labels in found:
        # No move is left that would gain.
        after = graph.refined(labels, n_clusters, np.random.RandomState(0))
        assert graph.modularity(after) == pytest.approx(graph.modularity(labels))


def test_the_first_partition_is_refined_and_other_rows_follow(monkeypatch):
    """On 100 of 200 images."""
    on_some = partial(graph_start.find_start, max_nodes=100)
    monkeypatch.setattr(clusterer, "find_start", on_some)
    found = watch(monkeypatch, graph_start, "graph_partition")
    refined = watch(monkeypatch, clusterer, "second_look")
    estimator = fit(
        make_textures(200)[0],
        module__contrast="none",
        image_kind="drawing",
        max_epochs=0,
    )
    ((first,), (after,)) = found, refined
    labels, graph = estimator.initial_labels_, after.graph
    assert_array_equal(labels, after.labels)
    assert graph.modularity(labels) > graph.modularity(first.labels)
    # Pixels, latent and patches vote for the other images.
    assert graph.voters.shape == (100, 3 * 5)
    assert_array_equal(graph.spread(labels), labels)
    assert (graph.spread(first.labels) != labels).any()


def test_images_smaller_than_a_patch_have_none(monkeypatch):
    monkeypatch.setattr(latent, "patch_features", None)
    X, y = make_images(n=90, side=5)
    estimator = fit(X, architecture="mlp")
    assert clustering_accuracy_score(y, estimator.initial_labels_) > 0.9


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("auto", 0.95, 1), ("drawing", 0, 0.7)]
)
def test_where_pixels_tell_little_patches_find_textures(kind, least, most):
    X, y = make_textures(300)
    params = {"module__contrast": "none", "pretraining": None, "max_epochs": 0}
    estimator = fit(X, n_clusters=2, image_kind=kind, **params)
    assert estimator.image_kind_ == ("photograph" if kind == "auto" else kind)
    assert (estimator.patch_agreement_ is None) == (kind == "drawing")
    found = clustering_accuracy_score(y, estimator.initial_labels_)
    assert least <= found <= most


@pytest.mark.usefixtures("few_words")
@pytest.mark.parametrize(
    ("params", "term", "crops"),
    [
        ({}, {"discrimination"}, True),
        ({"augmentation": "grey"}, {"discrimination"}, False),
        ({"augmentation": None, "image_kind": "photograph"}, REBUILT, False),
        ({"pretraining": "triplet"}, {"separation"}, True),
        ({"init": "kmeans"}, {"separation"}, False),
        ({"init": "kmeans", "image_kind": "photograph"}, {"discrimination"}, True),
        ({"image_kind": "photograph"}, {"discrimination"}, True),
        ({"image_kind": "drawing"}, {"separation"}, False),
    ],
    # In an order that is the same in every process.
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_textures_are_seen_as_photographs(monkeypatch, params, term, crops):
    prepared = watch(monkeypatch, DeepTripletClusterer, "_pretraining")
    settings = {"pretraining": "auto", "max_epochs": 0, **params}
    estimator = fit(
        make_textures(300)[0],
        n_clusters=2,
        module__contrast="none",
        callbacks=[Lengths(2)],
        **settings,
    )
    assert terms(estimator) == term
    ((objective, _),) = prepared
    views = getattr(objective, "view", None) or objective.triplets
    assert bool(views.augmentation.crop) == crops
    drawings = params.get("image_kind") == "drawing"
    unseen = "init" in params and "image_kind" not in params
    kind = "drawing" if drawings or unseen else "photograph"
    assert estimator.image_kind_ == kind
    assert (estimator.hubness_ is None) == ("init" in params)


def own_network(shape, latent_dim):
    return ConvAutoencoder(shape, latent_dim, (4, 8))


@pytest.mark.parametrize(
    ("architecture", "pretraining", "peak"),
    [
        ("auto", "discrimination", 10),
        ("mlp", "discrimination", 10),
        (own_network, "discrimination", 1),
        ("auto", "triplet", 1),
    ],
)
def test_named_networks_that_discriminate_train_at_a_rising_rate(
    images, architecture, pretraining, peak
):
    rates = Rates()
    fit(
        images,
        architecture=architecture,
        pretraining=clone(NAMED[pretraining]).set_params(epochs=20),
        module__channels=None,
        callbacks=[rates],
        lr=2e-3,
        max_epochs=20,
    )
    for phase in np.split(np.array(rates.seen), 2):
        assert phase[0] == pytest.approx(2e-3)
        assert max(phase) == pytest.approx(peak * 2e-3, rel=0.05)


@pytest.mark.parametrize(
    ("pretraining", "n_images", "epochs"),
    [
        ("reconstruction", 40, 5),
        ("reconstruction", 400, 1),
        ("triplet", 40, 30),
        ("triplet", 400, 4),
        ("discrimination", 40, 60),
        ("discrimination", 100, 40),
        ("discrimination", 400, 20),
    ],
)
def test_pretraining_makes_some_steps_and_some_epochs(pretraining, n_images, epochs):
    X = make_images(n_images)[0]
    for given in (pretraining, type(NAMED[pretraining])()):
        lengths = Lengths(0)
        fit(X, pretraining=given, batch_size=2, init="kmeans", callbacks=[lengths])
        assert lengths.seen[0] == epochs


@pytest.mark.parametrize("name", NAMED)
def test_a_name_is_its_object_with_what_that_is_by_default(images, name):
    named, given = (
        fit(images, pretraining=pretraining, callbacks=[Lengths(2)])
        for pretraining in (name, clone(NAMED[name]).set_params(epochs="auto"))
    )
    assert_array_equal(named.predict_proba(images), given.predict_proba(images))


def test_vectors_with_hubs_are_no_photographs():
    estimator = auto(make_hubs(40), max_epochs=0, module__channels=(8,))
    assert terms(estimator) == REBUILT
    assert estimator.image_kind_ is None
    assert estimator.patch_agreement_ is None


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("images", {}, {"separation"}),
        ("images", {"augmentation": lambda x: x.flip(3)}, {"separation"}),
        ("images", {"augmentation": None}, REBUILT),
        ("images", {"augmentation": {"rotation": 0}}, REBUILT),
        ("images", {"n_views": 0}, REBUILT),
        ("vectors", {}, REBUILT),
    ],
)
def test_separation_is_for_images_with_views(images, kind, params, expected):
    X, channels = (images, (4, 8)) if kind == "images" else (make_vectors()[0], (8,))
    assert terms(auto(X, module__channels=channels, **params)) == expected


PHOTOGRAPHS = {"pretraining": InstanceDiscrimination(1), "image_kind": "photograph"}


def architecture(estimator):
    return estimator.net_.get_params_for("module")["architecture"]


def test_photographs_have_a_residual_network_on_a_gpu(images):
    assert architecture(fit(images, **PHOTOGRAPHS)) == "auto"
    with simulated_device():
        assert architecture(fit(images, device="cuda", **PHOTOGRAPHS)) == "residual"
        drawings = {**PHOTOGRAPHS, "pretraining": TripletMargin(1)}
        assert architecture(fit(images, device="cuda", **drawings)) == "auto"
        deep = fit(images, device="cuda", architecture="deep", **PHOTOGRAPHS)
        assert architecture(deep) == "deep"


def test_a_network_that_a_gpu_has_trained_goes_on_without_one(images, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(triplet, "architecture_of", lambda *args: "residual")
        estimator = fit(images, **PHOTOGRAPHS)
    estimator.set_params(warm_start=True).fit(images)
    assert architecture(estimator) == "residual"
    with pytest.raises(ValueError, match="architecture='deep', not 'residual'"):
        estimator.set_params(architecture="deep").fit(images)


def test_photographs_are_cut_quickly_where_they_are_cut_again(images, monkeypatch):
    seen, cut = [], Graph.cut

    def watched(self, n_clusters, n_rows, random_state, settings=CUTS):
        seen.append(settings)
        return cut(self, n_clusters, n_rows, random_state, settings)

    monkeypatch.setattr(Graph, "cut", watched)
    fit(images, **PHOTOGRAPHS)
    assert seen == [FIRST_CUTS, CUTS]
    for pretraining in (InstanceDiscrimination(0), Reconstruction(1), None):
        seen.clear()
        fit(images, **{**PHOTOGRAPHS, "pretraining": pretraining})
        assert seen == [CUTS]
