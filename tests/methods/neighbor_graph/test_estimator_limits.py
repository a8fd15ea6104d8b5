"""The graph as an estimator: few samples, errors, and settings another one brings."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.graph.contest import Appearance
from deepcluster_sk.graph.settings import settings_for
from deepcluster_sk.graph.start import find_start
from deepcluster_sk.methods.neighbor_graph import as_init, clustering
from deepcluster_sk.methods.neighbor_graph.clustering import (
    check_cluster_size,
    check_sizes,
)
from tests.graph.test_neighbors import views_of
from tests.made import make_images, make_vectors
from tests.methods.neighbor_graph.test_estimator import make

ESTIMATOR = "deepcluster_sk.methods.neighbor_graph.estimator"


@pytest.fixture(scope="module")
def images():
    return make_images(n=120)


@pytest.fixture(scope="module")
def fitted(images):
    """A fitted clusterer; not to be changed."""
    return make().fit(images[0])


# Few samples, and ones that are all alike ---------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ["auto", "drawing", "photograph"])
@pytest.mark.parametrize("n", [2, 3, 5, 7, 8, 9, 12])
def test_few_samples(n, kind):
    X, _ = make_images(n=n)
    for n_clusters in {1, 2, n}:
        model = make(n_clusters, image_kind=kind).fit(X)
        assert set(model.labels_) <= set(range(n_clusters))
        # The few patches of two images may be alike.
        alike = kind == "photograph" and n == 2
        assert len(set(model.labels_)) == n_clusters or n > 7 or alike
        assert_array_equal(model.predict(X), model.labels_)
        assert np.isfinite(model.score(X))
        assert np.isfinite(model.hubness_)
        if n < 8 or n_clusters == 1:  # nothing to tell the kind by
            assert model.image_kind_ == ("drawing" if kind == "auto" else kind)


def test_few_samples_are_clustered_as_they_lie():
    X = np.array([[0.0, 0], [0, 0.1], [9, 9], [9, 9.1], [-9, 9]])
    model = make(3).fit(X)
    assert adjusted_rand_score([0, 0, 1, 1, 2], model.labels_) == 1
    assert_array_equal(model.predict(X + 0.3), model.labels_)


def test_one_cluster_holds_everything(images):
    X, _ = images
    model = make(1).fit(X)
    assert not model.labels_.any()
    assert not model.predict(X[::-1] + 1).any()
    assert model.score(X) == pytest.approx(0)


@pytest.mark.parametrize("X", [np.ones((30, 8, 8)), np.zeros((12, 4)), np.ones((3, 2))])
def test_constant_samples_are_in_one_cluster(X):
    with pytest.warns(ConvergenceWarning, match="X is constant"):
        model = make(2).fit(X)
    assert not model.labels_.any()
    assert_array_equal(model.predict(X), model.labels_)
    assert model.image_kind_ in (None, "drawing")


def test_clusters_that_are_empty_are_told():
    X = np.repeat(make_vectors(n=3)[0], 10, axis=0)
    with pytest.warns(ConvergenceWarning) as told:
        make(5).fit(X)
    assert any("n_clusters=5" in str(warning.message) for warning in told)


# Errors before work -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_clusters": 121}, r"n_samples=120 should be >= n_clusters=121"),
        ({"n_clusters": 20, "max_nodes": 10}, r"max_nodes=10 .* n_clusters=20"),
        ({"n_neighbors": 120}, r"n_neighbors=120 should be < 120.*n_samples=120"),
        ({"n_neighbors": 50, "max_nodes": 40}, r"n_neighbors=50 .* < 40.*max_nodes=40"),
        ({"n_neighbors": 0}, "n_neighbors"),
        ({"n_views": -1}, "n_views"),
        ({"contrast": "blue"}, "contrast"),
        ({"image_kind": "painting"}, "image_kind"),
        ({"augmentation": "vector"}, "augmentation"),
        ({"max_nodes": 7}, "max_nodes"),
        ({"device": "toaster"}, "device"),
        ({"image_shape": (7, 7)}, "image_shape"),
    ],
)
def test_errors_come_before_work(images, monkeypatch, params, message):
    monkeypatch.setattr(f"{ESTIMATOR}.cluster_nodes", None)
    with pytest.raises(ValueError, match=message):
        make(**params).fit(images[0])


def test_vectors_have_no_contrast(monkeypatch):
    monkeypatch.setattr(f"{ESTIMATOR}.cluster_nodes", None)
    with pytest.raises(ValueError, match="contrast='local' needs images"):
        make(contrast="local").fit(make_vectors()[0])


def test_samples_out_of_reach_are_refused(fitted):
    far = np.full((2, 8, 8), 1e30)
    with pytest.raises(ValueError, match="too far"):
        fitted.predict(far)
    with pytest.raises(ValueError, match="fitted on images"):
        fitted.predict(np.zeros((2, 9, 9)))


# As the start of another estimator ----------------------------------------------------


def start_by(model, views, **params):
    torch.manual_seed(0)
    return model.start_of(views, 3, np.random.RandomState(0), **params)


def test_a_start_with_its_defaults_is_that_by_graph(images):
    X, _ = images
    contrasts = ("none", "image")
    torch.manual_seed(0)
    expected = find_start(
        views_of(X, "auto"), 3, np.random.RandomState(0), contrasts=contrasts
    )
    model = make()
    found = start_by(model, views_of(X, "auto"), contrasts=contrasts)
    assert_array_equal(found.labels, expected.labels)
    assert (found.graph.weights != expected.graph.weights).nnz == 0
    assert vars(model).keys() == model.get_params().keys()


def test_a_start_by_settings_of_its_own(images):
    X, _ = images
    views = views_of(X, "auto")
    found = start_by(make(n_neighbors=2, max_nodes=50), views)
    assert len(found.graph.nodes) == 50
    assert len(found.labels) == 120
    assert np.diff(found.graph.weights.indptr).mean() <= 4
    assert start_by(make(image_kind="photograph"), views).image_kind == "photograph"
    assert start_by(make(), views, image_kind="photograph").image_kind == "photograph"
    found = start_by(make(contrast="local"), views, contrasts=("none", "local"))
    assert found.contrast == "local"
    seen = []

    def augmentation(x):
        seen.append(len(x))
        return x

    start_by(make(augmentation=augmentation), views)
    assert seen


@pytest.mark.parametrize(
    ("params", "given", "message"),
    [
        ({"contrast": "local"}, {}, "contrast='local' .* contradicts .* 'none'"),
        ({"image_kind": "drawing"}, {"image_kind": "photograph"}, "contradicts"),
        ({"n_neighbors": 120}, {}, "n_neighbors=120 should be < 120"),
        ({"n_neighbors": "many"}, {}, "n_neighbors"),
        ({"max_nodes": 2}, {}, "max_nodes"),
    ],
)
def test_a_start_that_contradicts_the_other_estimator(images, params, given, message):
    with pytest.raises(ValueError, match=message):
        start_by(make(**params), views_of(images[0], "auto"), **given)


LOCAL = Appearance("local", "drawing")


@pytest.mark.parametrize(
    ("params", "given", "taken"),
    [
        ({}, {}, True),
        ({"contrast": "local"}, {}, True),
        ({"contrast": "none"}, {}, False),
        ({}, {"contrasts": ("none", "image")}, False),
        ({"image_kind": "drawing"}, {}, True),
        ({"image_kind": "photograph"}, {}, False),
        ({"contrast": "none", "image_kind": "photograph"}, {}, False),
    ],
)
def test_how_samples_were_seen_is_taken_where_this_one_may_see_them_so(
    images, params, given, taken, monkeypatch
):
    asked = {}
    monkeypatch.setattr(as_init, "find_start", lambda *_, **how: asked.update(how))
    given = {"contrasts": ("none", "image", "local"), **given}
    start_by(make(**params), views_of(images[0], "auto"), seen=LOCAL, **given)
    assert asked["seen"] == (LOCAL if taken else None)


@pytest.mark.parametrize("own", ["auto", "drawing"])
@pytest.mark.parametrize("others", ["auto", "drawing"])
def test_the_kind_is_that_of_the_one_who_knows(images, own, others, monkeypatch):
    asked = {}
    monkeypatch.setattr(as_init, "find_start", lambda *_, **how: asked.update(how))
    views = views_of(images[0], "auto")
    start_by(make(image_kind=own, max_nodes=60), views, image_kind=others)
    known = {own, others} - {"auto"} or {"auto"}
    assert {asked["image_kind"]} == known
    assert asked["max_nodes"] == 60
    assert asked["settings"] == settings_for(60)


# What is cut, and what is clustered by k-means ----------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("n", "n_clusters", "is_cut"),
    [(7, 2, False), (8, 2, True), (20, 1, False), (20, 2, True), (20, 3, True)],
)
def test_from_eight_samples_and_two_clusters_on_a_graph_is_cut(
    n, n_clusters, is_cut, monkeypatch
):
    unused = "kmeans_start" if is_cut else "settings_for"
    monkeypatch.setattr(clustering, unused, None)
    make(n_clusters).fit(make_vectors(n=n)[0])


def test_as_many_nodes_as_clusters_and_clusters_as_samples_are_enough():
    check_sizes(8, 8, 8, "auto")
    check_sizes(9, 3, 100, 8)
    check_cluster_size(12, 3, 4)
    for refused in ((8, 9, 9, "auto"), (9, 9, 8, "auto"), (9, 3, 100, 9)):
        with pytest.raises(ValueError, match="should be"):
            check_sizes(*refused)
    with pytest.raises(ValueError, match="would need 12 samples, but X has 11"):
        check_cluster_size(11, 3, 4)


@pytest.mark.parametrize("kind", ["drawing", "photograph"])
def test_what_few_samples_are_told_to_be_they_are(kind):
    X, _ = make_images(n=6)
    assert make(2, image_kind=kind).fit(X).image_kind_ == kind


def test_few_samples_are_seen_under_the_first_contrast(monkeypatch):
    seen, find = [], clustering.find_neighborhood

    def watched(*args, contrasts, **settings):
        seen.append(contrasts)
        return find(*args, contrasts=contrasts, **settings)

    monkeypatch.setattr(clustering, "find_neighborhood", watched)
    for n in (6, 12):
        make(2).fit(make_images(n=n)[0])
    few, many = seen
    assert len(many) > 1
    assert few == many[:1]
