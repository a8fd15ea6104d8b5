"""The graph start as an estimator: all checks of scikit-learn, and its own promises."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepcluster_sk import NeighborGraphClusterer, clustering_accuracy_score
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.score import best_modularity, scoring_graphs
from deepcluster_sk.methods.neighbor_graph import clustering
from tests.base.test_sklearn_checks import passes
from tests.made import make_images, make_textures, make_vectors

CPU = torch.device("cpu")


def make(n_clusters=3, **params):
    return NeighborGraphClusterer(n_clusters, **{"random_state": 0, **params})


@pytest.fixture(scope="module")
def images():
    return make_images(n=120, noise=0.07)


@pytest.fixture(scope="module")
def fitted(images):
    """A fitted clusterer; not to be changed."""
    return make().fit(images[0])


# What it finds ------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        NeighborGraphClusterer(**params)
        for params in ({}, {"n_clusters": 3}, {"n_clusters": "auto"})
    ]
)
def test_common_checks(estimator, check):
    passes(estimator, check)


def test_no_check_is_withheld():
    """Tags that would switch checks off are at their defaults."""
    tags = NeighborGraphClusterer().__sklearn_tags__()
    assert tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array  # images
    assert tags.requires_fit
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test


@pytest.mark.slow  # its docstring clusters them as well
def test_digits():
    digits = load_digits()
    model = make(10).fit(digits.images)
    assert clustering_accuracy_score(digits.target, model.labels_) > 0.97
    assert model.image_kind_ == "drawing"
    assert 0.5 < model.patch_agreement_ < 1


def test_blobs_vectors_and_new_samples(images):
    (X, y), (V, v) = images, make_vectors(n=120)
    for data, truth in ((X, y), (V, v)):
        model = make().fit(data[:80])
        assert adjusted_rand_score(truth[:80], model.labels_) == 1
        assert adjusted_rand_score(truth[80:], model.predict(data[80:])) > 0.9


def test_textures_are_photographs_and_found_by_patches():
    X, y = make_textures(150)
    model = make(2, image_kind="photograph").fit(X[:100])
    assert model.image_kind_ == "photograph"
    assert clustering_accuracy_score(y[:100], model.labels_) > 0.95
    assert clustering_accuracy_score(y[100:], model.predict(X[100:])) > 0.9
    assert_array_equal(model.predict(X[:100]), model.labels_)
    by_pixels = make(2, image_kind="drawing", contrast="none").fit(X[:100])
    assert clustering_accuracy_score(y[:100], by_pixels.labels_) < 0.8


def test_what_is_learned_of_the_data(fitted):
    graph = fitted.graph_
    assert sorted(graph.nodes) == list(range(120))
    assert graph.weights.shape == (120, 120)
    assert graph.modularity(fitted.labels_) > 0.5
    assert fitted.hubness_ == pytest.approx(graph.hubness)
    assert fitted.n_features_in_ == 64
    assert fitted.image_shape_ == (8, 8)
    vectors = make().fit(make_vectors(n=60)[0])
    assert vectors.image_kind_ is None
    assert vectors.image_shape_ is None
    assert vectors.contrast_ == "none"


# labels_ and predict ------------------------------------------------------------------


def test_samples_beyond_the_graph_follow_its_nodes(images):
    X, y = images
    model = make(max_nodes=50).fit(X)
    assert len(model.graph_.nodes) == 50
    assert model.graph_.weights.shape == (50, 50)
    assert adjusted_rand_score(y, model.labels_) == 1
    assert_array_equal(model.predict(X), model.labels_)


@pytest.mark.parametrize("max_nodes", [60, 12_000])
@pytest.mark.parametrize("size", [1, 7, 33])
def test_labels_are_what_predict_says_in_any_batch(max_nodes, size):
    """Of noise, where nearest nodes are many and of several clusters."""
    X = np.random.default_rng(0).normal(size=(150, 12, 12))
    model = make(5, max_nodes=max_nodes, contrast="none").fit(X)
    assert len(np.unique(model.labels_)) == 5
    parts = [model.predict(X[i : i + size]) for i in range(0, 150, size)]
    assert_array_equal(np.concatenate(parts), model.labels_)
    order = np.random.default_rng(1).permutation(150)
    assert_array_equal(model.predict(X[order]), model.labels_[order])


def test_copies_of_a_sample_have_one_label(monkeypatch):
    """Though the partition parted some of them."""
    V, _ = make_vectors(n=60)
    X = np.repeat(V, 3, axis=0)
    partition = clustering.Neighborhood.partition
    parted = []

    def parting(self, n_clusters, n_rows, random_state):
        found = partition(self, n_clusters, n_rows, random_state)
        rows = np.random.default_rng(0).permutation(n_rows)
        found.labels[rows[:30]] = (found.labels[rows[:30]] + 1) % 3
        parted.append(found.labels.copy())
        return found

    monkeypatch.setattr(clustering.Neighborhood, "partition", parting)
    model = make().fit(X)
    assert len(parted) == 1
    assert (model.labels_.reshape(60, 3) == model.labels_[::3, None]).all()
    assert_array_equal(model.predict(X), model.labels_)


def test_a_node_has_its_own_label_whatever_is_around_it(fitted, images, monkeypatch):
    """Nodes are known again, not voted on."""
    X, _ = images
    monkeypatch.setattr(type(fitted._voters), "_voted", None)
    assert_array_equal(fitted.predict(X), fitted.labels_)


@pytest.mark.parametrize("n_channels", [None, 3])
def test_every_layout_and_type_is_the_same(n_channels):
    X, _ = make_images(n=60, n_channels=n_channels, side=16)
    X = np.round(255 * X).astype(np.uint8)
    model = make().fit(X)
    as_last = X[..., None] if n_channels is None else X.transpose(0, 2, 3, 1)
    shape = X.shape[1:]
    for other in (as_last, X.astype(np.float32), X.astype(">i4"), X.tolist()):
        assert_array_equal(model.predict(other), model.labels_)
        assert_array_equal(make().fit(other).labels_, model.labels_)
    flat = make(image_shape=shape).fit(X.reshape(60, -1))
    assert_array_equal(flat.labels_, model.labels_)
    assert_array_equal(model.predict(X.reshape(60, -1)), model.labels_)


def test_large_images_are_averaged_down_alike():
    X, y = make_images(n=70, side=40)
    model = make().fit(X)
    assert adjusted_rand_score(y, model.labels_) == 1
    parts = [model.predict(X[i : i + 9]) for i in range(0, 70, 9)]
    assert_array_equal(np.concatenate(parts), model.labels_)
    assert model._small_shape == (1, 32, 32)
    assert make(max_pixels=None).fit(X)._small_shape == (1, 40, 40)
    assert make(max_pixels=100).fit(X)._small_shape == (1, 10, 10)


# Same seed, no traces -----------------------------------------------------------------


def test_same_seed_same_labels_and_global_streams_untouched(images):
    X, _ = images
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = make(random_state=3).fit(X)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    torch.manual_seed(2)
    again = make(random_state=3).fit(X)
    assert_array_equal(first.labels_, again.labels_)
    assert (first.graph_.weights != again.graph_.weights).nnz == 0
    other = make(random_state=4).fit(X)
    assert (first.graph_.weights != other.graph_.weights).nnz


def test_a_user_augmentation_is_seeded_and_not_kept(images):
    X, y = images

    def noisy(x):
        return x + 0.1 * torch.randn_like(x)

    first, again = (make(augmentation=noisy).fit(X) for _ in range(2))
    assert (first.graph_.weights != again.graph_.weights).nnz == 0
    assert adjusted_rand_score(y, first.labels_) == 1


def test_a_failed_fit_leaves_no_trace(images):
    X, _ = images
    model = make().fit(X)
    before = vars(model).copy()

    def fails(x):
        raise RuntimeError("no view")

    model.set_params(augmentation=fails)
    with pytest.raises(RuntimeError, match="no view"):
        model.fit(X[:40, :5])
    model.set_params(augmentation="auto")
    assert vars(model).keys() == before.keys()
    assert_array_equal(model.predict(X), before["labels_"])
    unfitted = make(augmentation=fails)
    with pytest.raises(RuntimeError, match="no view"):
        unfitted.fit(X)
    assert vars(unfitted).keys() == unfitted.get_params().keys()


def test_threads_may_predict_at_once(fitted):
    news = make_images(n=64, seed=5)[0]
    before, expected = pickle.dumps(fitted), fitted.predict(news)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fitted.predict, [news] * 8))
    assert all((labels == expected).all() for labels in found)
    assert pickle.dumps(fitted) == before


def test_pickled_and_back(fitted):
    news = make_images(n=40, seed=5)[0]
    back = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(back.predict(news), fitted.predict(news))
    photographs, _ = make_textures(60)
    model = make(2, image_kind="photograph").fit(photographs)
    back = pickle.loads(pickle.dumps(model))
    assert_array_equal(back.predict(photographs), model.labels_)


@pytest.mark.parametrize(
    "mode", [torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)]
)
def test_modes_of_the_calling_program_change_nothing(fitted, images, mode):
    X, _ = images
    news = make_images(n=64, seed=5)[0]
    with mode():
        model = make().fit(X)
        labels, score = model.predict(news), model.score(news)
    assert (model.graph_.weights != fitted.graph_.weights).nnz == 0
    assert_array_equal(labels, fitted.predict(news))
    assert score == fitted.score(news)
    assert_array_equal(model.predict(news), labels)


def test_labels_are_not_looked_at(images):
    X, y = images
    assert_array_equal(make().fit(X, y).labels_, make().fit(X, y[::-1]).labels_)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["drawing", "photograph"])
def test_on_a_gpu_and_then_without_one(images, kind):
    X, y = images
    news, new_y = make_images(n=64, seed=5)
    model = make(max_nodes=80, device="cuda", image_kind=kind).fit(X)
    again = make(max_nodes=80, device="cuda", image_kind=kind).fit(X)
    assert_array_equal(model.labels_, again.labels_)
    assert_array_equal(model.predict(X), model.labels_)
    back = pickle.loads(pickle.dumps(model)).set_params(device="cpu")
    nodes = model.graph_.nodes
    assert_array_equal(back.predict(X)[nodes], model.labels_[nodes])
    assert (back.predict(news) == model.predict(news)).mean() > 0.95
    assert np.isfinite(model.score(news))
    if kind == "drawing":
        assert adjusted_rand_score(y, model.labels_) == 1
        assert adjusted_rand_score(new_y, model.predict(news)) == 1


# Settings -----------------------------------------------------------------------------


def test_numbers_of_neighbors_and_views_are_taken_as_they_are(images):
    X, _ = images
    few, many = (make(n_neighbors=k, n_views=0).fit(X).graph_ for k in (2, 30))
    # Links go one way or both.
    assert 2 <= np.diff(few.weights.indptr).mean() <= 4
    assert 30 <= np.diff(many.weights.indptr).mean() <= 60
    # A view may only bring a neighbour nearer.
    views = make(n_neighbors=30, n_views=4).fit(X).graph_
    assert (views.weights != many.weights).nnz
    patches = make(2, n_neighbors=7, image_kind="photograph").fit(make_textures(60)[0])
    assert 7 <= np.diff(patches.graph_.weights.indptr).mean() <= 14


def test_it_is_searched_by_its_own_score(images):
    X, _ = images
    grid = {"n_neighbors": [2, 10], "n_clusters": [2, 3]}
    cv = ShuffleSplit(1, test_size=0.4, random_state=0)
    search = GridSearchCV(make(), grid, cv=cv, error_score="raise").fit(X)
    assert search.best_params_["n_clusters"] == 3
    pipeline = make_pipeline(StandardScaler(), make(image_shape=(8, 8)))
    assert pipeline.fit_predict(X.reshape(120, -1)).shape == (120,)
    assert clone(make(n_neighbors=4)).n_neighbors == 4


def test_score_is_the_mean_of_samples_and_their_views(fitted):
    X, y = make_images(n=90, seed=4)
    score = fitted.score(X)
    assert score == fitted.score(X, y[::-1])
    graphs = scoring_graphs(X.reshape(90, -1), RowLayout("HW", (1, 8, 8)), CPU)
    # Blobs are found in every view.
    assert score == pytest.approx(best_modularity(graphs, fitted.predict(X)), abs=0.05)
    worse = make(2).fit(make_images(n=120)[0])
    assert worse.score(X) < score


def test_names_of_columns_are_kept():
    X = pd.DataFrame(make_vectors(n=40)[0], columns=list("abcdef"))
    model = make().fit(X)
    assert list(model.feature_names_in_) == list("abcdef")
    assert_array_equal(model.predict(X), model.labels_)
