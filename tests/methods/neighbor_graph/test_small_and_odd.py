"""Clusters too small to be kept, and samples that are in none."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from tests.made import make_images, make_vectors
from tests.methods.neighbor_graph.test_estimator import make


def with_noise(n=120, n_noise=6):
    X, y = make_images(n=n)
    noise = np.random.default_rng(5).uniform(size=(n_noise, 8, 8))
    return np.concatenate([X, noise]), y


def with_a_rare_kind():
    X, y = make_vectors(n=180)
    kept = (y < 2) | (np.cumsum(y == 2) <= 20)
    return X[kept], y[kept]


def test_noise_is_labelled_so():
    X, _ = with_noise()
    model = make(outliers=True).fit(X)
    assert_array_equal(model.labels_[120:], -1)
    assert (model.labels_[:120] < 0).mean() < 0.1
    assert_array_equal(model.predict(X), model.labels_)
    assert_array_equal(np.unique(model.predict(X, outliers=False)), [0, 1, 2])
    assert_array_equal(model.labels_at(model.n_clusters_), model.labels_)
    assert_array_equal(np.unique(model.labels_at(1)), [-1, 0])


def test_by_default_all_are_in_a_cluster_and_outliers_can_be_asked_for():
    X, _ = with_noise()
    model = make().fit(X)
    assert set(model.labels_) == {0, 1, 2}
    marked = model.predict(X, outliers=True)
    assert_array_equal(marked[120:], -1)
    inside = marked >= 0
    assert_array_equal(marked[inside], model.labels_[inside])
    assert_array_equal(marked, make(outliers=True).fit(X).labels_)


def test_small_clusters_are_given_up():
    X, y = with_a_rare_kind()
    assert sorted(np.bincount(make().fit(X).labels_)) == [20, 60, 60]
    with pytest.warns(ConvergenceWarning, match="1 of 3 clusters had fewer samples"):
        model = make(min_cluster_size=21).fit(X)
    assert model.n_clusters_ == 2
    assert np.bincount(model.labels_).min() >= 60
    assert_array_equal(model.predict(X), model.labels_)
    assert_array_equal(model.labels_at(2), model.labels_)
    assert np.isfinite(model.score(X))
    with pytest.warns(ConvergenceWarning):
        marked = make(min_cluster_size=21, outliers=True).fit(X).labels_
    assert_array_equal(marked[y == 2], -1)
    assert (marked[y < 2] < 0).mean() < 0.1


def test_no_more_clusters_are_counted_than_can_be_so_large():
    X, _ = make_images(n=120)
    assert make("auto").fit(X).n_clusters_ == 3
    with pytest.warns(ConvergenceWarning):
        assert make("auto", min_cluster_size=61).fit(X).n_clusters_ == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"min_cluster_size": 41}, "3 clusters of min_cluster_size=41 would need 123"),
        ({"min_cluster_size": 0}, "'min_cluster_size' parameter"),
        ({"outliers": "some"}, "'outliers' parameter"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        make(**params).fit(make_images(n=120)[0])
