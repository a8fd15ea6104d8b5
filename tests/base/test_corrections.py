"""Corrections by hand are learned, keep what they do not touch, and fail whole."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk import DECClusterer, DeepTripletClusterer, load
from deepcluster_sk.graph.propagation import pinned
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.training.net import ClusteringNet
from tests.base.same import assert_same
from tests.made import make_images, quick

pytestmark = [
    pytest.mark.of_the_base,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
IMAGES, PLACES = make_images(120, 4)


def well_fitted(cls):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Held to the start, which has every image right.
        params = {"init": "graph", "targets": "pseudo-labels", "batch_size": 16}
        model = quick(cls, 4, max_epochs=12, **params).fit(IMAGES)
    return model.set_params(max_epochs=4, targets="auto")


@pytest.fixture(scope="module")
def each(cls):
    """One of every class; not to be changed."""
    return well_fitted(cls)


@pytest.fixture(scope="module")
def good():
    """The quickest; not to be changed."""
    return well_fitted(DECClusterer)


@pytest.fixture
def own(good):
    """A copy of it that may be changed."""
    return copy.deepcopy(good)


def of_place(model, *places):
    """Clusters of the images of some places."""
    return [
        int(np.bincount(model.predict(IMAGES)[p == PLACES]).argmax()) for p in places
    ]


def test_clusters_are_merged_and_split_again(each):
    own = copy.deepcopy(each)
    assert clustering_accuracy_score(PLACES, own.labels_) == 1
    one, two, other = of_place(own, 1, 3, 0)
    own.merge([two, one], IMAGES)
    assert own.n_clusters_ == 3
    assert own.predict_proba(IMAGES).shape == (120, 3)
    assert of_place(own, 1, 3) == [min(one, two)] * 2
    # The others move down to where numbers are free, and no further.
    assert of_place(own, 0) == [other - (other > max(one, two))]
    together = np.where(PLACES == 3, 1, PLACES)
    assert clustering_accuracy_score(together, own.labels_) >= 0.95
    own.split(min(one, two), IMAGES)
    assert own.n_clusters_ == 4
    assert clustering_accuracy_score(PLACES, own.labels_) >= 0.95
    assert set(of_place(own, 1, 3)) == {min(one, two), 3}
    assert_array_equal(own.labels_, own.predict(IMAGES))
    assert own.n_clusters == 4
    assert own.cluster_centers_.shape[0] == 4


def test_a_corrected_model_is_saved_and_goes_on(own, tmp_path):
    own.rename({0: "a"}).merge(of_place(own, 1, 3), IMAGES)
    own.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert_same(own, loaded, IMAGES)
    assert loaded.summary() == own.summary()
    assert "3, corrected from 4" in own.summary()
    for model in (own, loaded):
        model.set_params(warm_start=True).fit(IMAGES)
    assert_same(own, loaded, IMAGES)
    assert own.n_clusters_ == 3
    # Asked for by its number, it is the same; any other is not what there is.
    own.set_params(n_clusters=3).fit(IMAGES)
    with pytest.raises(ValueError, match="n_clusters=4, not 3"):
        own.set_params(n_clusters=4).fit(IMAGES)
    assert clone(own).fit(IMAGES).n_clusters_ == 4


def test_latent_and_decoder_outlive_another_number_of_clusters(tmp_path):
    # Where the latent dimension is "auto" it depends on the number of clusters.
    X, _ = make_images(60, 4)
    model = quick(DECClusterer, 12, latent_dim="auto").fit(X)
    assert model.transform(X).shape[1] == 12
    model.merge([3, 7], X).save(tmp_path / "model")
    assert model.transform(X).shape[1] == 12
    assert_same(load(tmp_path / "model"), model, X)
    model.set_params(warm_start=True).fit(X)


def test_names_follow_their_clusters(own):
    own.rename(["a", "b", "c", None])
    own.rename({3: "d", 0: None})
    assert own.cluster_names_ == [None, "b", "c", "d"]
    assert "1: b, 2: c, 3: d" in own.summary()
    own.merge([0, 2], IMAGES)  # a cluster without a name takes that of the other
    assert own.cluster_names_ == ["c", "b", "d"]
    own.split(1, IMAGES)
    assert own.cluster_names_ == ["c", "b", "d", None]
    own.set_params(warm_start=True).partial_fit(IMAGES)
    assert own.cluster_names_ == ["c", "b", "d", None]
    own.set_params(warm_start=False).fit(IMAGES)
    assert own.cluster_names_ == [None] * 4


def few_known(wanted, n=2):
    known = np.full(len(wanted), -1)
    for number in np.unique(wanted):
        known[np.flatnonzero(wanted == number)[:n]] = number
    return known


def test_known_samples_number_the_clusters(own):
    wanted = (PLACES + 1) % 4
    anew = clone(own).set_params(max_epochs=12)
    anew.fit_with_labels(IMAGES, few_known(wanted))
    assert_array_equal(anew.initial_labels_, wanted)
    assert np.mean(anew.labels_ == wanted) >= 0.95


def test_clusters_that_nothing_is_left_for_take_no_known_sample(own):
    anew = clone(own).set_params(n_clusters=6, max_epochs=1)
    anew.fit_with_labels(IMAGES, PLACES)
    assert_array_equal(anew.initial_labels_, PLACES)


def test_a_fitted_model_is_held_to_what_it_is_told(each):
    own = copy.deepcopy(each).set_params(warm_start=True)
    own.rename({of_place(own, 2)[0]: "two"})
    numbers = np.array(of_place(own, 0, 1, 2, 3))[PLACES]
    # Some of the second place are said to be of the first: few, and no others follow.
    odd = np.flatnonzero(PLACES == 1)[:6]
    known = np.full(120, -1)
    known[odd] = of_place(own, 0)[0]
    own.fit_with_labels(IMAGES, known)
    assert_array_equal(own.initial_labels_, pinned(numbers, known))
    assert own.cluster_names_[numbers[PLACES == 2][0]] == "two"


def test_nothing_known_is_an_ordinary_fit(own):
    nothing = np.full(120, -1)
    assert_same(
        clone(own).fit_with_labels(IMAGES, nothing), clone(own).fit(IMAGES), IMAGES
    )


def test_fit_is_blind_to_labels(own):
    assert_same(clone(own).fit(IMAGES, PLACES), clone(own).fit(IMAGES), IMAGES)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (PLACES[:9], "for each of the 120 samples.* got 9 numbers"),
        (PLACES + 1, "from 0 to n_clusters - 1 = 3.* got 1 to 4"),
        (PLACES - 2, "got -2 to 1"),
        (PLACES / 2, "got an array of dtype float64"),
        (PLACES.astype(str), "got an array of dtype"),
        (PLACES[:, None].repeat(2, 1), "1d array"),
        (None, "or -1 where it is not known, got None"),
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_other_labels_are_refused(own, y, said, warm, no_work):
    own.set_params(warm_start=warm)
    before = pickle.dumps(own)
    with pytest.raises(ValueError, match=said):
        own.fit_with_labels(IMAGES, y)
    assert pickle.dumps(own) == before


def test_clusters_to_be_counted_have_no_numbers_yet(no_work):
    with pytest.raises(ValueError, match="give it as n_clusters"):
        DeepTripletClusterer("auto").fit_with_labels(IMAGES, PLACES)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda m: m.merge([1], IMAGES), ValueError, "must name two different"),
        (lambda m: m.merge([1, 1], IMAGES), ValueError, "must name two different"),
        (lambda m: m.merge(iter([1, 1]), IMAGES), ValueError, r"clusters=\[1, 1\]"),
        (lambda m: m.merge(1, IMAGES), TypeError, "clusters=1 must be a sequence"),
        (lambda m: m.merge([1, 4], IMAGES), ValueError, "cluster == 4, must be <= 3"),
        (lambda m: m.merge([1, "2"], IMAGES), TypeError, "cluster must be an instance"),
        (lambda m: m.merge([True, False, True], IMAGES), TypeError, "int, not bool"),
        (lambda m: m.merge(np.arange(4) > 2, IMAGES), TypeError, "int, not .*bool"),
        (lambda m: m.merge([1, 2], IMAGES[:, :5]), ValueError, "fitted on"),
        (lambda m: m.split(-1, IMAGES), ValueError, "cluster == -1, must be >= 0"),
        (lambda m: m.split(0, IMAGES, into=1), ValueError, "into == 1, must be >= 2"),
        (lambda m: m.split(0, IMAGES, into=99), ValueError, "too few to split"),
        (lambda m: m.rename({9: "a"}), ValueError, "cluster == 9"),
        (lambda m: m.rename({0: " "}), ValueError, "must be a text"),
        (lambda m: m.rename(["a"]), ValueError, "There are 4 clusters, but 1 names"),
        (lambda m: m.rename("abcd"), TypeError, "must be a mapping"),
        (lambda m: m.rename({0: np.nan}), ValueError, "must be a text or None.* nan"),
        (lambda m: m.rename({*"abcd"}), TypeError, "must be a mapping"),
        (lambda m: m.rename(iter("abcd")), TypeError, "must be a mapping"),
        (lambda m: m.rename(None), TypeError, "must be a mapping.* got None"),
        (lambda m: m.rename(frozenset("abcd")), TypeError, "must be a mapping"),
    ],
)
def test_what_cannot_be_corrected_is_said(own, call, error, said, monkeypatch):
    monkeypatch.setattr(ClusteringNet, "run_phase", None)
    before = pickle.dumps(own)
    with pytest.raises(error, match=said):
        call(own)
    assert pickle.dumps(own) == before


def test_a_correction_that_fails_on_the_way_changes_nothing(own, monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError

    own.rename({0: "a"})
    before = pickle.dumps(own)
    monkeypatch.setattr(ClusteringNet, "run_phase", fail)
    for call in (
        lambda: own.merge([0, 1], IMAGES),
        lambda: own.split(2, IMAGES),
        lambda: own.set_params(warm_start=False).fit_with_labels(IMAGES, PLACES),
    ):
        with pytest.raises(ZeroDivisionError):
            call()
        assert pickle.dumps(own) == before


def test_scikit_learn_takes_it_for_no_splitter(good):
    assert not hasattr(good, "set_split_request")


def test_small_clusters_are_split_as_well(own):
    cluster = of_place(own, 0)[0]
    few = np.flatnonzero(PLACES == 0)[:4]
    X = np.concatenate([IMAGES[few], IMAGES[PLACES != 0]])
    own.split(cluster, X, into=3)
    assert own.n_clusters_ == 6
    assert len(np.unique(own.initial_labels_)) == 6


def test_parts_that_hold_nothing_are_told_of(own):
    cluster = of_place(own, 0)[0]
    n = int((own.predict(IMAGES) == cluster).sum())
    with pytest.warns(
        ConvergenceWarning, match=f"parts of cluster {cluster}, .* empty"
    ):
        own.split(cluster, IMAGES, into=n)
    assert own.n_clusters_ == 3 + n > len(np.unique(own.labels_))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_corrections_of_the_digits(seed):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8)
    model = DeepTripletClusterer(10, random_state=seed).fit(X)
    accuracy = clustering_accuracy_score(y, model.labels_)
    known = np.full(len(y), -1)
    random = np.random.default_rng(seed)
    for digit in range(10):
        three = random.choice(np.flatnonzero(y == digit), 3, replace=False)
        known[three] = np.bincount(model.labels_[y == digit]).argmax()
    labelled = copy.deepcopy(model).set_params(warm_start=True)
    labelled.fit_with_labels(X, known)
    assert clustering_accuracy_score(y, labelled.labels_) >= accuracy
    # Nine clusters: one is of two digits, and is split by hand; back again, merged.
    nine = DeepTripletClusterer(9, random_state=seed).fit(X)
    before = clustering_accuracy_score(y, nine.labels_)
    digits = [np.bincount(nine.labels_[y == d]).argmax() for d in range(10)]
    shared = int(np.argmax(np.bincount(digits)))
    nine.split(shared, X)
    assert clustering_accuracy_score(y, nine.labels_) > before
    eleven = DeepTripletClusterer(11, random_state=seed).fit(X)
    before = clustering_accuracy_score(y, eleven.labels_)
    digits = [np.bincount(y[eleven.labels_ == c]).argmax() for c in range(11)]
    halves = np.flatnonzero(np.array(digits) == np.argmax(np.bincount(digits)))
    eleven.merge(halves.tolist(), X)
    assert clustering_accuracy_score(y, eleven.labels_) >= before
