"""Clusterers that make the start: one seed decides on all that they are made of."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from deepcluster_sk.base.start import Start, first_clusters

LATENT = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32)


def labels_by(init, seed=0):
    start = Start("none", None)
    state = np.random.RandomState(seed)
    return first_clusters(init, start, LATENT, list, 4, state)[0]


@pytest.mark.parametrize("seed", [None, 3])
def test_a_seed_decides_on_what_is_nested(seed):
    k_means = KMeans(4, n_init=1, init="random", random_state=seed)
    init = make_pipeline(QuantileTransformer(n_quantiles=9, subsample=20), k_means)
    found = []
    for of_the_program in range(5):  # whose draws decide on nothing
        np.random.seed(of_the_program)  # noqa: NPY002
        found.append(labels_by(init))
    for labels in found[1:]:
        assert_array_equal(labels, found[0])
    # What was given is as it was.
    names = ("kmeans__random_state", "quantiletransformer__random_state")
    assert [init.get_params()[name] for name in names] == [seed, None]


def test_a_nested_seed_that_is_given_is_kept():
    init = make_pipeline(
        StandardScaler(), KMeans(4, n_init=1, init="random", random_state=3)
    )
    assert_array_equal(labels_by(init, seed=0), labels_by(init, seed=1))


def test_the_last_step_of_a_pipeline_is_told_how_many():
    init = make_pipeline(PCA(2), KMeans(n_init=1))
    assert set(labels_by(init)) == {0, 1, 2, 3}
    names = ("kmeans__n_clusters", "pca__n_components")
    assert [init.get_params()[name] for name in names] == [8, 2]
