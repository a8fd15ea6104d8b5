"""Which contrast a start without a graph takes."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.networks.contrast import CONTRASTS
from deepcluster_sk.training import gap_statistic
from deepcluster_sk.training.gap_statistic import best_contrast, gap
from tests.graph.test_neighbors import views_of
from tests.made import make_images, make_vectors, quick


def random_state(seed=0):
    return np.random.RandomState(seed)


def contrast_of(X, n_clusters=3, contrasts=CONTRASTS):
    torch.manual_seed(0)
    return best_contrast(views_of(X, "auto"), contrasts, n_clusters, random_state())


def under_light(X, seed=0):
    """Images each under light of its own, far stronger than what they show."""
    light = np.random.default_rng(seed).uniform(1, 20, len(X))
    return X * light[:, None, None]


def test_gap_is_that_of_a_plain_computation(monkeypatch):
    x = make_vectors(n=60)[0].astype(np.float32)
    alike = random_state().normal(size=x.shape) * x.std(0)
    within = []
    for rows in (alike, x):
        labels = KMeans(3, n_init=50, random_state=0).fit_predict(rows)
        centers = np.array([rows[labels == k].mean(0) for k in range(3)])
        within.append((cdist(rows, centers).min(1) ** 2).sum())
    monkeypatch.setattr(gap_statistic, "N_DRAWS", 50)
    expected = np.log(within[0] / within[1])
    assert_allclose(gap(x, 3, random_state()), expected, rtol=1e-4)


def test_gap_of_clusters_is_large_and_that_of_noise_none():
    x, _ = make_vectors(n=90)
    noise = random_state(1).normal(size=(400, 5)) * [5, 2, 1, 1, 0.1]
    assert gap(x, 3, random_state()) > 0.5
    assert abs(gap(noise, 3, random_state())) < 0.1


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_unit_does_not_matter(unit):
    x, _ = make_vectors(n=60)
    expected = gap(x, 3, random_state())
    assert_allclose(gap(unit * x, 3, random_state()), expected, rtol=1e-3)


def test_rows_that_do_not_differ_or_hardly():
    assert gap(np.ones((20, 3)), 4, random_state()) == 0
    two = np.repeat([[0.0, 1.0], [1.0, 0.0]], 10, axis=0)
    assert np.isfinite(gap(two, 4, random_state()))


def test_light_is_taken_away_where_it_hides_the_clusters():
    X, _ = make_images(n=150)
    assert contrast_of(under_light(X)) in ("image", "local")
    assert contrast_of(under_light(X), contrasts=("none", "image")) == "image"


def test_brightness_is_kept_where_it_makes_the_clusters():
    rng = np.random.default_rng(0)
    shade = np.repeat([0.2, 0.5, 0.8], 50)[:, None, None]
    assert contrast_of(shade + 0.01 * rng.normal(size=(150, 8, 8))) == "none"


def test_those_that_see_no_colours_are_taken_where_they_are_asked_for(monkeypatch):
    asked = []

    def gap_of(*args):
        asked.append(args)
        return float(len(asked))

    monkeypatch.setattr(gap_statistic, "gap", gap_of)
    X, _ = make_images(n=60)
    assert contrast_of(X) == "local"
    assert len(asked) == 3
    assert contrast_of(X, contrasts=("figure",)) == "figure"


def test_the_first_is_taken_where_there_is_no_choice(monkeypatch):
    X, _ = make_images(n=30)
    monkeypatch.setattr(gap_statistic, "gap", None)  # none is computed
    assert contrast_of(X, contrasts=("local",)) == "local"
    assert contrast_of(X, n_clusters=30) == "none"


def test_no_more_than_so_many_samples_are_looked_at(monkeypatch):
    seen = []
    monkeypatch.setattr(gap_statistic, "MAX_SAMPLES", 20)
    monkeypatch.setattr(gap_statistic, "gap", lambda x, *rest: seen.append(len(x)) or 0)
    assert contrast_of(make_images(n=30)[0]) == "none"
    assert seen == [20, 20, 20]


@pytest.mark.parametrize("init", ["kmeans", "random", "mixture"])
def test_a_fit_without_a_graph_takes_it(init):
    X = under_light(make_images(n=90)[0])
    settings = {"init": init, "max_epochs": 0}
    fitted = quick(DeepTripletClusterer, **settings).fit(X)
    assert fitted.contrast_ in ("image", "local")
    assert fitted.contrast_ == fitted.net_.module_.contrast.kind
    given = quick(DeepTripletClusterer, **settings, module__contrast="none").fit(X)
    assert given.contrast_ == "none"
