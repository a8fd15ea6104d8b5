import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize

from deepcluster_sk import DepictClusterer, TEMIClusterer, load
from deepcluster_sk.base import clusterer
from deepcluster_sk.methods.temi.network import TEMINetwork
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.made import make_vectors, quick


def make_embeddings(n=240, n_clusters=6, n_features=32, noise=0.9, seed=0):
    """Directions with noise and lengths that mean nothing."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % n_clusters)
    kinds = normalize(rng.normal(size=(n_clusters, n_features)))
    X = kinds[y] + noise * rng.normal(size=(n, n_features)) / np.sqrt(n_features)
    return (X * rng.uniform(0.5, 2, (n, 1))).astype(np.float32), y


def test_embeddings_are_clustered_by_default():
    X, y = make_embeddings()
    model = TEMIClusterer(6, random_state=0).fit(X)
    by_kmeans = KMeans(6, n_init=10, random_state=0).fit_predict(normalize(X))
    found = clustering_accuracy_score(y, model.labels_)
    assert found > 0.97
    assert found >= clustering_accuracy_score(y, by_kmeans)
    np.testing.assert_allclose(np.linalg.norm(model.transform(X), axis=1), 1, rtol=1e-5)
    assert np.bincount(model.labels_).min() >= 35


def test_a_counted_number_of_clusters():
    X, y = make_embeddings(noise=0.5)
    model = TEMIClusterer("auto", random_state=0).fit(X)
    assert model.n_clusters_ == 6
    assert clustering_accuracy_score(y, model.labels_) > 0.97


@pytest.mark.parametrize(
    ("n", "n_clusters", "expected"), [(150, 10, 3), (20, 10, 1), (9_000, 3, 50)]
)
def test_neighbors_are_fewer_than_a_cluster_has(monkeypatch, n, n_clusters, expected):
    asked = []

    def noted(net, dataset, k):
        asked.append(k)
        raise ZeroDivisionError

    monkeypatch.setattr("deepcluster_sk.methods.temi.objective._nearest", noted)
    X = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    for n_neighbors, wanted in (("auto", expected), (7, 7)):
        model = quick(TEMIClusterer, n_clusters, n_neighbors=n_neighbors, init="random")
        with pytest.raises(ZeroDivisionError):
            model.fit(X)
        assert asked.pop() == wanted


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_all_the_others_are_neighbors_of_a_few():
    X, _ = make_vectors(6)
    assert quick(TEMIClusterer, n_neighbors=50).fit(X).labels_.shape == (6,)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("max_epochs", [0, 2])
def test_one_head_is_left_saved_and_trained_further(tmp_path, monkeypatch, max_epochs):
    X, _ = make_vectors(60)
    model = quick(TEMIClusterer, n_heads=3, max_epochs=max_epochs).fit(X)
    module, groups = model.net_.module_, model.net_.optimizer_.param_groups
    stepped = {id(weight) for group in groups for weight in group["params"]}
    assert stepped == {id(weight) for weight in module.parameters()}
    shapes = {v.shape[0] for n, v in model.net_.module_.state_dict().items()
              if "directions" not in n}  # fmt: skip
    assert shapes == {1}
    model.save(tmp_path / "model.safetensors")
    read = load(tmp_path / "model.safetensors")
    for fitted in (model, read):
        assert fitted.n_heads == 3
        assert_array_equal(fitted.predict_proba(X), model.predict_proba(X))
    before = model.predict(X)
    # What there is is gone on from.
    monkeypatch.setattr("deepcluster_sk.methods.temi.estimator.kmeans_start", None)
    for fitted in (model, read):
        fitted.set_params(warm_start=True, max_epochs=1).fit(X)
        assert (fitted.predict(X) == before).mean() > 0.8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_known_numbers_are_those_of_the_first_head():
    X, y = make_embeddings(n=90, n_clusters=3)
    order = np.array([2, 0, 1])
    known = np.full(90, -1)
    known[:12] = order[y[:12]]
    for seed in range(3):
        model = TEMIClusterer(3, random_state=seed, max_epochs=20)
        model.fit_with_labels(X, known)
        assert (model.labels_ == order[y]).mean() > 0.95


@pytest.mark.parametrize(
    ("init", "n_heads", "by_kmeans"),
    [
        ("graph", 1, []),
        ("graph", 3, [2]),
        ("graph", 4, [3, 2]),
        ("kmeans", 2, [1, 0]),
        ("random", 3, []),
    ],
)
def test_which_heads_start_by_kmeans_of_unit_vectors(
    monkeypatch, init, n_heads, by_kmeans
):
    X, _ = make_embeddings()
    placed, seen = [], []

    def noted(rows, n_clusters, random_state):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
        assert rows.shape == X.shape
        seen.append(n_heads - 1 - len(placed))
        return np.arange(len(rows)) % n_clusters

    set_centers = TEMINetwork.set_centers
    monkeypatch.setattr("deepcluster_sk.methods.temi.estimator.kmeans_start", noted)
    monkeypatch.setattr(
        TEMINetwork,
        "set_centers",
        lambda self, c: (placed.append(self.speaking), set_centers(self, c))[1],
    )
    TEMIClusterer(6, n_heads=n_heads, init=init, max_epochs=0, random_state=0).fit(X)
    assert placed == [*reversed(range(n_heads))]
    assert seen == by_kmeans


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_graph_has_more_links_than_that_of_images(monkeypatch, tmp_path):
    X, _ = make_embeddings(n=180)
    seen, find_start = [], clusterer.find_start

    def noted(views, n_clusters, *args, **kwargs):
        found = find_start(views, n_clusters, *args, **kwargs)
        seen.append(found.graph.weights.nnz)
        return found

    monkeypatch.setattr(clusterer, "find_start", noted)
    # Thirty to a cluster: a fifth of them, or the five that there are at least. A cache
    # keeps the two starts apart.
    params = {"max_epochs": 0, "random_state": 0, "memory": str(tmp_path)}
    TEMIClusterer(6, **params).fit(X)
    DepictClusterer(6, pretraining=None, **params).fit(X)
    links, fewer = seen
    assert links > 1.1 * fewer


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The 64 columns of X look like images")
def test_digits_as_vectors_are_better_than_by_kmeans():
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    model = TEMIClusterer(10, random_state=0).fit(X)
    assert clustering_accuracy_score(y, model.labels_) > 0.8
