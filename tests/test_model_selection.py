"""Searches over parameters, with labels and without, here and on other processes."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from deepcluster_sk import (
    DeepTripletClusterer,
    PseudoLabels,
    Reconstruction,
    SelfTraining,
    TripletMargin,
)
from deepcluster_sk import model_selection as judges
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.model_selection import (
    get_scorer,
    get_scorer_names,
    modularity,
    neighbor_agreement,
    neighbor_modularity,
    pixel_silhouette,
    view_information,
    view_modularity,
)
from tests import made
from tests.made import make_images

# A few epochs on few images need not settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SPLIT = ShuffleSplit(n_splits=1, test_size=0.5, random_state=0)
#: A value or two of everything a search may run over.
GRIDS = {
    "alpha": [0.5, 1.0],
    "beta": [0.0, 1.0],
    "gamma": [0.0, 0.1],
    "omega": [0.0, 0.1],
    "margin": [0.1, 1.0],
    "architecture": ["shallow", "mlp"],
    "augmentation": [None, {"rotation": 5.0}],
    "optimizer__weight_decay": [0.0, 0.1],
    "module__radius": [3.0, None],
    "targets": [PseudoLabels(), SelfTraining()],
    "targets__duration": [0.5, 1.0],
    "pretraining": [TripletMargin(1), Reconstruction(1), None],
    "pretraining__epochs": [1, 2],
    "pretraining__margin": [0.5, 1.0],
    "init": ["graph", KMeans(n_init=1)],
    "init__n_init": [1, 2],
}
#: What a nested name reaches into.
PARTS = {"targets": PseudoLabels(), "init": KMeans(n_init=1)}


@pytest.fixture(scope="module")
def data():
    X, y = make_images(n=120)
    return X, np.array(["left", "right", "top"])[y]


def quick(**params):
    """Make a clusterer that does not compare patches with pixels first."""
    seen = {"image_kind": "drawing", "module__contrast": "none"}
    return made.quick(DeepTripletClusterer, **{**seen, **params})


@pytest.fixture(scope="module")
def found(data):
    """A clusterer that has found the clusters."""
    X, y = data
    model = quick(max_epochs=8).fit(X)
    assert clustering_accuracy_score(y, model.labels_) > 0.95
    return model


# Scores ----------------------------------------------------------------------------


def test_every_scorer_by_name(found, data):
    X, y = data
    for name in get_scorer_names():
        scorer = get_scorer(name)
        value = scorer(found, X, y)
        assert isinstance(value, float)
        assert -1 <= value <= 1
        assert scorer(found, X, y) == value
        if name != "clustering_accuracy":
            assert scorer(found, X) == value
    with pytest.raises(ValueError, match=r"no scorer 'accuracy'.*view_information"):
        get_scorer("accuracy")


@pytest.mark.parametrize("name", ["modularity", "neighbor_modularity"])
def test_good_clusters_score_higher(found, data, name):
    X, _ = data
    scorer, params = get_scorer(name), {"pretraining": None, "max_epochs": 0}
    # Rows drawn at random may happen to be one of each class.
    at_random = [
        scorer(quick(init="random", random_state=seed, **params).fit(X), X)
        for seed in range(5)
    ]
    assert scorer(found, X) > np.mean(at_random)


def test_score_is_modularity(found, data):
    (X, y), score = data, found.score(data[0])
    # Three clusters of equal size; nearly all neighbours are of one cluster.
    assert 0.5 < score <= 2 / 3 + 0.01
    assert modularity(found, X, y) == score
    # Each by itself is judged by the graph that suits it best.
    halves = neighbor_modularity(found, X), view_modularity(found, X)
    assert score <= sum(halves) / 2 < score + 0.02


def test_what_augmentation_upsets_scores_lower(data):
    """A net that knows each pixel by heart is not taken at its word."""
    X, _ = data
    model = quick(max_epochs=8).fit(X)
    before = neighbor_modularity(model, X), view_modularity(model, X)
    encode = model.net_.module_.embed
    known = {x.numpy().tobytes() for x in _seen(model, X)}

    def by_heart(x):
        found = encode(x)
        new = [row.numpy().tobytes() not in known for row in x]
        found.log_assignment[torch.tensor(new)] = torch.tensor([0.0, -9.0, -9.0])
        return found

    model.net_.module_.embed = by_heart
    after = neighbor_modularity(model, X), view_modularity(model, X)
    assert after[0] == before[0]
    assert after[1] < before[1]


def _seen(model, X):
    rows = torch.from_numpy(X.reshape(len(X), -1))
    return model.net_.reader.read(rows, torch.device("cpu"))


def test_one_cluster_scores_zero_though_all_agree(data):
    X, _ = data
    model = quick(n_clusters=1).fit(X)
    assert model.score(X) == pytest.approx(0)
    assert neighbor_agreement(model, X) == 1
    assert pixel_silhouette(model, X) == -1


def test_the_silhouette_is_of_samples_from_all_over(data, monkeypatch):
    monkeypatch.setattr(judges, "_SILHOUETTE_SAMPLES", 20)
    X, y = data
    order = np.argsort(y, kind="stable")
    model = quick().fit(X)
    by_class = pixel_silhouette(model, X[order])
    assert by_class > -1
    assert abs(by_class - pixel_silhouette(model, X)) < 0.3


@pytest.mark.parametrize("name", ["latent_agreement", "neighbor_modularity"])
def test_copies_do_not_vouch_for_each_other(found, data, name):
    X, scorer = data[0][:30], get_scorer(name)
    assert scorer(found, np.repeat(X, 12, axis=0)) == pytest.approx(scorer(found, X))


@pytest.mark.parametrize("kind", ["drawing", "photograph"])
def test_views_are_those_that_were_trained_with(data, monkeypatch, kind):
    X, _ = data
    seen = []

    def noted(augmentation, x, generator):
        seen.append(augmentation)
        return x

    model = quick(image_kind=kind).fit(X)
    monkeypatch.setattr(judges, "apply_augmentation", noted)
    view_information(model, X)
    assert {bool(augmentation.crop) for augmentation in seen} == {kind == "photograph"}


@pytest.mark.parametrize("n", [1, 2, 5])
def test_scores_of_few_samples(found, data, n):
    X, y = data
    for name in get_scorer_names():
        assert -1 <= get_scorer(name)(found, X[:n], y[:n]) <= 1


@pytest.mark.parametrize("dtype", [bool, ">i2", ">f4", np.longdouble])
def test_scores_of_any_type_of_numbers(found, data, dtype):
    X = (data[0][:30] > 0.5).astype(dtype)
    for scorer in (neighbor_modularity, pixel_silhouette, view_information):
        assert scorer(found, X) == scorer(found, X.astype(np.float64))


def test_scorers_reach_into_pipelines(data):
    X, _ = data
    flat = X.reshape(len(X), -1)
    model = quick(module__channels=(16,))
    pipeline = Pipeline([("pca", PCA(8, random_state=0)), ("clusterer", model)])
    pipeline.fit(flat)
    inner = pipeline[:-1].transform(flat)
    assert modularity(pipeline, flat) == pipeline[-1].score(inner)
    assert pipeline.score(flat) == pipeline[-1].score(inner)
    with pytest.raises(TypeError, match="pipeline that ends in one, got PCA"):
        neighbor_modularity(PCA(), flat)


# Searches ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", GRIDS)
def test_grid_search_without_scoring_or_labels(data, name):
    X = data[0][:60]
    part, separator, _ = name.partition("__")
    params = {part: PARTS[part]} if separator and part in PARTS else {}
    if name == "architecture":
        params["module__channels"] = None
    model = quick(**params)
    search = GridSearchCV(model, {name: GRIDS[name]}, cv=SPLIT, error_score="raise")
    search.fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_[name] in GRIDS[name]
    found = search.best_estimator_.get_params()[name]
    assert repr(found) == repr(search.best_params_[name])
    # `refit` leaves the best, fitted on everything.
    assert_array_equal(search.predict(X), search.best_estimator_.labels_)
    assert search.score(X) == search.best_estimator_.score(X)


def test_a_search_picks_what_finds_the_clusters(data):
    X, y = data
    grid = {"n_clusters": [1, 2, 3]}
    # Long enough to learn them from sixty, by a seed that does.
    search = GridSearchCV(quick(max_epochs=30, random_state=3), grid, cv=SPLIT).fit(X)
    assert search.best_params_ == {"n_clusters": 3}
    assert clustering_accuracy_score(y, search.predict(X)) > 0.95


def test_string_labels_and_several_scorers(data):
    X, y = data
    names = ["clustering_accuracy", "neighbor_modularity"]
    scoring = {name: get_scorer(name) for name in names}
    scoring["ari"] = "adjusted_rand_score"
    search = GridSearchCV(
        quick(),
        {"omega": [0.0, 0.1]},
        scoring=scoring,
        refit="clustering_accuracy",
        cv=SPLIT,
        error_score="raise",
    ).fit(X, y)
    for name in scoring:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()


def test_data_sorted_by_class(data):
    """Shuffled splits hold out some of every class."""
    X, y = data
    order = np.argsort(y, kind="stable")
    cv = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(quick(max_epochs=8), {"beta": [1.0, 3.0]}, cv=cv)
    search.fit(X[order])
    assert (search.cv_results_["mean_test_score"] > 0.5).all()
    assert clustering_accuracy_score(y[order], search.predict(X[order])) > 0.95


def test_inside_a_pipeline(data):
    X, y = data
    pipeline = Pipeline(
        [("scale", FunctionTransformer(np.sqrt)), ("clusterer", quick())]
    )
    grid = {"clusterer__omega": [0.0, 0.1], "clusterer__optimizer__lr": [1e-3]}
    search = GridSearchCV(pipeline, grid, cv=SPLIT, error_score="raise").fit(X, y)
    assert search.best_params_["clusterer__omega"] in (0.0, 0.1)
    assert search.best_estimator_[-1].get_params()["optimizer__lr"] == 1e-3


def test_randomized_search(data):
    X, _ = data
    search = RandomizedSearchCV(
        quick(), GRIDS, n_iter=3, cv=SPLIT, random_state=0, error_score="raise"
    )
    search.set_params(param_distributions={"gamma": [0.01, 0.1], "omega": [0.0, 1.0]})
    assert np.isfinite(search.fit(X).best_score_)


@pytest.mark.parametrize("resource", ["n_samples", "max_epochs"])
def test_halving_search(data, resource):
    X, _ = data
    settings = {"max_epochs": {"max_resources": 4, "min_resources": 2}}
    search = HalvingGridSearchCV(
        quick(),
        {"gamma": [0.0, 0.1], "omega": [0.0, 0.1]},
        factor=2,
        cv=SPLIT,
        resource=resource,
        random_state=0,
        error_score="raise",
        **settings.get(resource, {"min_resources": 60}),
    )
    assert np.isfinite(search.fit(X).best_score_)
    assert search.n_iterations_ == 2


def test_cross_validate_and_learning_curve(data):
    X, y = data
    cv = ShuffleSplit(n_splits=2, test_size=0.5, random_state=0)
    scores = cross_validate(
        quick(), X, cv=cv, error_score="raise", return_estimator=True
    )
    for model, score, (_, held_out) in zip(
        scores["estimator"], scores["test_score"], cv.split(X), strict=True
    ):
        assert model.score(X[held_out]) == score
    sizes, _, held_out = learning_curve(
        quick(), X, y, train_sizes=[0.5, 1.0], cv=cv, error_score="raise"
    )
    assert_array_equal(sizes, [30, 60])
    assert np.isfinite(held_out).all()


# Other processes -----------------------------------------------------------------


def test_two_jobs_twice_on_one_object_as_one_job(data):
    X, _ = data
    grid = {"omega": [0.0, 0.1]}
    one = GridSearchCV(quick(), grid, cv=SPLIT, error_score="raise").fit(X)
    two = GridSearchCV(quick(), grid, cv=SPLIT, error_score="raise", n_jobs=2)
    for _ in range(2):
        two.fit(X)
        assert_array_equal(
            two.cv_results_["mean_test_score"], one.cv_results_["mean_test_score"]
        )
        assert_array_equal(two.predict(X), one.predict(X))


def test_jobs_share_the_cores():
    """Threads of all jobs together are no more than cores, whatever torch's default."""
    program = (
        "import joblib, torch\n"
        "n = joblib.Parallel(2)(joblib.delayed(torch.get_num_threads)() "
        "for _ in range(2))\n"
        "assert sum(n) <= max(2, joblib.cpu_count()), n\n"
    )
    free = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    subprocess.run([sys.executable, "-c", program], env=free, check=True, timeout=300)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_on_a_dask_cluster(data, tmp_path):
    distributed = pytest.importorskip("distributed")
    X, _ = data
    model = quick(memory=str(tmp_path))
    grid = {"omega": [0.0, 0.1], "gamma": [0.0, 0.1]}
    here = GridSearchCV(model, grid, cv=SPLIT, error_score="raise").fit(X)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        parallel_config(backend="dask"),
    ):
        there = GridSearchCV(model, grid, cv=SPLIT, error_score="raise").fit(X)
    assert_array_equal(
        there.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"]
    )


def test_a_setting_that_diverges_does_not_end_the_search(data):
    X, _ = data
    search = GridSearchCV(
        quick(pretraining=Reconstruction(2)), {"lr": [1e-3, 1e12]}, cv=SPLIT
    )
    with (
        pytest.warns(FitFailedWarning, match="diverged"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(X)
    assert search.best_params_ == {"lr": 1e-3}
