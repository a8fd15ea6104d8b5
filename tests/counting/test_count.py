"""Clusters of samples counted."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk import DECClusterer, NeighborGraphClusterer, load
from deepcluster_sk.networks.contrast import CONTRASTS
from tests.made import make_images, make_textures, make_vectors, quick


def make(n_clusters="auto", **params):
    return NeighborGraphClusterer(n_clusters, **{"random_state": 0, **params})


@pytest.mark.parametrize("n_clusters", [1, 2, 3, 4])
def test_blobs_are_counted(n_clusters):
    X, _ = make_images(n=60 * n_clusters, n_clusters=n_clusters)
    if n_clusters == 1:
        with pytest.warns(ConvergenceWarning, match="No clear border"):
            model = make().fit(X)
    else:
        model = make().fit(X)
    assert model.n_clusters_ == n_clusters
    assert len(np.unique(model.labels_)) == n_clusters
    given = make(n_clusters).fit(X).labels_
    assert adjusted_rand_score(model.labels_, given) == 1


def test_vectors_are_counted():
    model = make().fit(make_vectors(n=200)[0])
    assert model.n_clusters_ == 3


def test_textures_are_counted_by_their_patches():
    X, _ = make_textures(90)
    model = make(image_kind="photograph").fit(X)
    assert model.n_clusters_ == 2
    assert model.image_kind_ == "photograph"


@pytest.mark.parametrize("n_features", [2, 20, 200])
def test_noise_is_one_cluster(n_features):
    X = np.random.default_rng(0).normal(size=(300, n_features))
    with pytest.warns(ConvergenceWarning, match="n_clusters_=1"):
        model = make().fit(X)
    assert model.n_clusters_ == 1
    assert_array_equal(model.labels_, 0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n", [2, 3, 7, 8, 20])
def test_few_samples_are_one_cluster_or_two(n):
    model = make().fit(make_images(n=n)[0])
    assert model.n_clusters_ == 1 or (n == 20 and model.n_clusters_ == 2)
    assert_array_equal(model.labels_at(model.n_clusters_), model.labels_)


def test_constant_samples_are_one_cluster():
    with pytest.warns(ConvergenceWarning, match="X is constant"):
        model = make().fit(np.ones((40, 5)))
    assert model.n_clusters_ == 1


def test_digits():
    X = load_digits().images[:1000]
    model = make().fit(X)
    assert 9 <= model.n_clusters_ <= 16  # some digits are written in two ways
    profile = model.cluster_profile_
    assert set(profile) == {"n_clusters", "border", "modularity"}
    chosen = profile["n_clusters"] == model.n_clusters_
    assert profile["border"][chosen] < 0.09
    assert_array_equal(model.labels_at(model.n_clusters_), model.labels_)
    assert len(np.unique(model.labels_at(5))) == 5


def test_bounds_hold():
    X, _ = make_images(n=180)
    assert make((4, 6)).fit(X).n_clusters_ == 4
    assert make((1, 2)).fit(X).n_clusters_ == 2
    assert make("auto", max_nodes=8).fit(X).n_clusters_ <= 8


def test_given_is_not_counted():
    model = make(3).fit(make_images(n=60)[0])
    assert model.n_clusters_ == 3
    assert model.cluster_profile_ is None


def test_the_same_every_time_and_cloned():
    X, _ = make_images(n=120)
    model = make((2, 5))
    again = clone(model).fit(X)
    assert model.fit(X).n_clusters_ == again.n_clusters_
    assert_array_equal(
        model.cluster_profile_["border"], again.cluster_profile_["border"]
    )


def test_clusters_are_made_of_groups():
    X, y = make_images(n=240, n_clusters=4)
    # Pixels alone: two halves do not tell them from patches, which blobs are not for.
    pixels = {"contrast": "none", "image_kind": "drawing"}
    model = make(2, **pixels).fit(X)
    assert_array_equal(model.labels_at(2), model.labels_)
    assert adjusted_rand_score(model.labels_at(4), y) > 0.95
    few = make(2, max_nodes=120, **pixels).fit(X)
    assert_array_equal(few.labels_at(2), few.labels_)
    assert adjusted_rand_score(few.labels_at(4), y) > 0.95


@pytest.mark.parametrize("k", [0, 61, 2.5])
def test_a_tree_cannot_be_cut_so(k):
    model = make(3).fit(make_images(n=60)[0])
    with pytest.raises((ValueError, TypeError), match="n_clusters"):
        model.labels_at(k)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_is_built_for_what_was_counted(tmp_path):
    X, _ = make_images(n=120)
    model = quick(DECClusterer, "auto").fit(X)
    assert model.n_clusters_ == 3
    assert model.predict_proba(X).shape == (120, 3)
    assert model.cluster_centers_.shape[0] == 3
    assert set(model.labels_at(2)) == {0, 1}
    assert_array_equal(model.labels_at(3), model.labels_)
    assert len(set(model.labels_at(6))) == 6
    assert "3, counted by borders" in model.summary()
    model.save(tmp_path / "model.safetensors")
    read = load(tmp_path / "model.safetensors")
    assert read.n_clusters_ == 3
    assert_array_equal(read.predict(X), model.labels_)
    assert_array_equal(read.cluster_tree_, model.cluster_tree_)
    assert_array_equal(read.labels_at(6), model.labels_at(6))
    assert_array_equal(
        read.cluster_profile_["border"], model.cluster_profile_["border"]
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_counted_is_fitted_and_cached(tmp_path, monkeypatch):
    X, _ = make_images(n=120)
    given = quick(DECClusterer, 3).fit(X)
    counted = quick(DECClusterer, "auto", memory=str(tmp_path)).fit(X)
    monkeypatch.setattr("deepcluster_sk.base.counting.count_clusters", None)
    again = clone(counted).fit(X)
    assert_array_equal(again.predict_proba(X), counted.predict_proba(X))
    assert adjusted_rand_score(given.labels_, counted.labels_) == 1


def test_a_guess_is_said_before_a_network_is_trained(monkeypatch):
    monkeypatch.setattr(DECClusterer, "_build_net", fails_when_counted)
    X = np.random.default_rng(0).normal(size=(60, 5))
    with (
        pytest.warns(ConvergenceWarning, match="n_clusters_=1"),
        pytest.raises(RuntimeError, match="not trained"),
    ):
        quick(DECClusterer, "auto").fit(X)


@pytest.mark.parametrize(
    ("params", "expected"),
    [({}, ("none",)), ({"init": "graph"}, CONTRASTS)],
    ids=["as published", "by graph"],
)
def test_images_are_counted_as_a_method_sees_them(monkeypatch, params, expected):
    def look(views, *, contrasts, **settings):
        assert contrasts == expected
        raise RuntimeError("seen")

    monkeypatch.setattr("deepcluster_sk.base.counting.count_clusters", look)
    with pytest.raises(RuntimeError, match="seen"):
        quick(DECClusterer, "auto", **params).fit(make_images(n=60)[0])


def fails_when_counted(model, context, start):
    if context.count is not None:
        raise RuntimeError("not trained")


def test_an_array_as_start_needs_a_number():
    X, y = make_images(n=120)
    with pytest.raises(ValueError, match="init as an array"):
        quick(DECClusterer, "auto", init=y).fit(X)
