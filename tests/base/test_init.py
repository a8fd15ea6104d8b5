"""Where clusters start: every kind of `init`, and what is said of wrong ones."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from deepcluster_sk import NeighborGraphClusterer
from tests.base.same import assert_same
from tests.made import LATENT_DIM, make_images

# Two epochs are too few to settle.
pytestmark = [
    pytest.mark.of_the_base,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X, Y = make_images()
CENTERS = np.random.default_rng(0).normal(size=(3, LATENT_DIM))


def frozen(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "init", ["graph", "kmeans", "mixture", "agglomerative", "random"]
)
def test_names(make, init):
    one, other = (make(init=init).fit(X) for _ in range(2))
    assert_same(one, other, X)
    assert set(one.initial_labels_) == {0, 1, 2}


@pytest.mark.parametrize(
    "labels",
    [
        Y,
        Y.astype(np.int8),
        Y.astype(np.uint64),
        Y.tolist(),
        frozen(Y),
        pd.Series(Y),
        torch.from_numpy(Y),
    ],
    ids=["int64", "int8", "uint64", "list", "read-only", "series", "tensor"],
)
def test_labels_are_the_start(make, labels):
    estimator = make(init=labels).fit(X)
    assert_array_equal(estimator.initial_labels_, Y)
    assert estimator.initial_labels_.dtype == np.int64


def test_labels_hold_training(make):
    for order in ([0, 1, 2], [2, 0, 1]):
        labels = np.array(order)[Y]
        params = {"targets": "pseudo-labels", "max_epochs": 60, "lr": 5e-3}
        estimator = make(init=labels, **params).fit(X)
        assert np.mean(estimator.labels_ == labels) > 0.9


def test_a_label_that_no_sample_has_is_given_to_one(make):
    labels = np.arange(len(X)) % 2
    first = make(init=labels).fit(X).initial_labels_
    assert set(first) == {0, 1, 2}
    assert (first != labels).sum() == 1


@pytest.mark.parametrize(
    "centers",
    [
        CENTERS.astype(np.float32),
        CENTERS[::-1][::-1],
        np.asfortranarray(CENTERS),
        np.repeat(CENTERS, 2, axis=1)[:, ::2],
        frozen(CENTERS),
        CENTERS.tolist(),
        torch.from_numpy(CENTERS),
    ],
    ids=["float32", "reversed", "columns", "strided", "read-only", "list", "tensor"],
)
def test_centers_of_any_memory_order(make, centers):
    assert_same(make(init=centers).fit(X), make(init=CENTERS.copy()).fit(X), X)


def test_the_order_of_centers_is_that_of_the_labels(make):
    one, other = (make(init=c, max_epochs=0).fit(X) for c in (CENTERS, CENTERS[::-1]))
    assert_array_equal(other.labels_, 2 - one.labels_)
    assert_array_equal(other.initial_labels_, 2 - one.initial_labels_)


class Noisy(ClusterMixin, BaseEstimator):
    """Part rows in two, and call some of them noise."""

    def fit(self, X, y=None):
        self.labels_ = np.arange(len(X)) % 2
        self.labels_[:5] = -1
        return self


class Named(Noisy):
    """The same, in other names."""

    def fit(self, X, y=None):
        self.labels_ = np.array(["noise", "even", "odd"])[Noisy().fit(X).labels_ + 1]
        return self


@pytest.mark.parametrize(
    "init",
    [
        KMeans(n_init=1),
        KMeans(99, n_init=1, random_state=0),
        AgglomerativeClustering(None),
        GaussianMixture(),
        Noisy(),
        Named(),
    ],
    ids=repr,
)
def test_clusterers_part_the_latent(make, init):
    before = repr(init.get_params())
    # Draws of the program's own streams decide nothing.
    fits = []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002
        fits.append(make(init=init).fit(X))
    assert_same(*fits, X)
    assert set(fits[0].initial_labels_) == {0, 1, 2}
    # What was given is as it was, and not fitted.
    assert repr(init.get_params()) == before
    assert not hasattr(init, "labels_")


def test_noise_is_a_cluster_like_the_others(make):
    first = make(init=Noisy()).fit(X).initial_labels_
    assert_array_equal(first, Noisy().fit(X).labels_ + 1)


def test_a_clusterer_is_fitted_on_the_latent(make):
    seen = []

    class Seeing(Noisy):
        def fit(self, X, y=None):
            seen.append(X)
            return super().fit(X)

    estimator = make(init=Seeing(), max_epochs=0).fit(X)
    latent = seen[-1]  # of the first head, where there are several
    assert latent.shape == (len(X), LATENT_DIM)
    np.testing.assert_allclose(latent, estimator.transform(X), atol=1e-5)


def test_settings_of_a_clusterer_are_parameters(make):
    estimator = make(init=KMeans())
    estimator.set_params(init__n_init=3, init__tol=0.1)
    assert clone(estimator).get_params()["init__n_init"] == 3
    assert clone(estimator).init is not estimator.init


def test_more_clusters_than_there_may_be_are_refused(make):
    class Many(Noisy):
        def fit(self, X, y=None):
            self.labels_ = np.arange(len(X)) % 7
            return self

    with pytest.raises(ValueError, match=r"init=Many\(\) made 7 .* n_clusters=3"):
        make(init=Many()).fit(X)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("init", "message"),
    [
        (
            AgglomerativeClustering(n_clusters=None, distance_threshold=1.0),
            r"init=Agglomerative.* set its distance_threshold to None",
        ),
        (
            make_pipeline(
                PCA(2), AgglomerativeClustering(None, distance_threshold=1.0)
            ),
            "set its distance_threshold to None",
        ),
        (KMeans(n_init=-1), "The 'n_init' parameter of KMeans must be"),
        (make_pipeline(PCA(-2), KMeans()), "The 'n_components' parameter of PCA must"),
    ],
    ids=["threshold", "pipeline", "invalid", "invalid step"],
)
def test_clusterers_that_cannot_part_the_latent_are_refused(make, init, message):
    with pytest.raises(ValueError, match=message):
        make(init=init).fit(X)


def without_array(error):
    text = str(error.value)
    assert "array(" not in text
    assert "..." not in text
    assert len(text) < 250
    return text


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("init", "message"),
    [
        (Y[:-1], "one for each of the 48 samples, got 47"),
        (Y + 1, "from 0 to n_clusters - 1 = 2, .* got labels from 1 to 3"),
        (Y - 1, "got labels from -1 to 1"),
        (Y.astype(float), "whole numbers .* got an array of dtype float64"),
        (Y > 0, "got an array of dtype bool"),
        (Y.astype(str), "got an array of dtype <U"),
        (Y.astype(object), "got an array of dtype object"),
        (CENTERS[:2], r"\(n_clusters, latent_dim\) = \(3, 4\), got shape \(2, 4\)"),
        (CENTERS[:, :3], r"got shape \(3, 3\)"),
        (CENTERS[None], r"got shape \(1, 3, 4\)"),
        (np.zeros((1000, 1000)), r"got shape \(1000, 1000\)"),
        (CENTERS * np.inf, r"got shape \(3, 4\) with NaN or infinite numbers"),
        ([["a"] * 4] * 3, "got a list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "init",
)
def test_wrong_arrays_are_described_and_not_printed(make, init, message):
    with pytest.raises(ValueError, match=f"init .*{message}") as error:
        make(init=init).fit(X)
    without_array(error)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (np.zeros((5, 9)), r"got shape \(5, 9\)"),
        (np.full((3, 4), np.inf), r"got shape \(3, 4\) with NaN or infinite"),
        (Y, r"got shape \(48,\)"),
        ("centers", "got a str"),
        (None, "got"),
    ],
    ids=lambda value: value if isinstance(value, str) else "found",
)
def test_what_a_callable_gives_is_described_and_not_printed(make, found, message):
    with pytest.raises(ValueError, match=rf"init must .* \(3, 4\), {message}") as error:
        make(init=lambda latent, n_clusters, random_state: found).fit(X)
    without_array(error)


@pytest.mark.usefixtures("no_work")
def test_a_class_is_no_clusterer_yet(make):
    with pytest.raises(TypeError, match=r"init=KMeans is a class; .* KMeans\(\.\.\.\)"):
        make(init=KMeans).fit(X)


def test_the_graph_of_the_start_may_be_set(make):
    plain = make(init="graph").fit(X)
    given = NeighborGraphClusterer()
    assert_same(make(init=given).fit(X), plain, X)
    assert not hasattr(given, "labels_")
    assert make(init=given).get_params()["init__n_neighbors"] == given.n_neighbors
    narrow = make(init=NeighborGraphClusterer(n_neighbors=2)).fit(X)
    assert plain.hubness_ != narrow.hubness_


@pytest.mark.usefixtures("no_work")
def test_a_wrong_graph_is_refused(make):
    with pytest.raises((TypeError, ValueError), match="n_neighbors"):
        make(init=NeighborGraphClusterer(n_neighbors=-1)).fit(X)
