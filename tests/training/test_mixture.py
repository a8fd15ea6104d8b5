import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, mutual_info_score

from deepcluster_sk.training import mixture
from deepcluster_sk.training.mixture import mixture_start


def unlike(seed=0, n=600):
    """One wide cluster and two narrow ones near it, which k-means makes alike."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 3)
    centers = np.array([[0.0, 0.0], [6.0, 2.0], [6.0, -2.0]])
    spread = np.array([2.5, 0.8, 0.8])
    x = centers[y] + spread[y, None] * rng.normal(size=(n, 2))
    return x.astype(np.float32), y


def random_state():
    return np.random.RandomState(0)


def test_clusters_of_unlike_spread_are_found():
    x, y = unlike()
    by_kmeans = KMeans(3, n_init=10, random_state=0).fit_predict(x)
    found = adjusted_rand_score(y, mixture_start(x, [x], 3, random_state()))
    assert found > adjusted_rand_score(y, by_kmeans) + 0.05


def test_the_unit_of_the_latent_does_not_matter():
    x, _ = unlike()
    whole, small = (mixture_start(v, [v], 3, random_state()) for v in (x, x * 0.01))
    assert_array_equal(small, whole)


def test_of_all_draws_the_one_that_views_agree_on_is_taken(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)).astype(np.float32)
    views = [x + rng.normal(0, 0.3, x.shape).astype(np.float32) for _ in range(3)]
    made = []
    build = mixture._mixture

    def recorded(*args):
        made.append(build(*args))
        return made[-1]

    monkeypatch.setattr(mixture, "_mixture", recorded)
    monkeypatch.setattr(mixture, "MAX_EXCHANGES", 0)
    found = mixture_start(x, views, 3, random_state())
    assert len(made) == mixture.N_DRAWS
    shared = [
        np.mean([mutual_info_score(m.predict(x), m.predict(v)) for v in views])
        for m in made
    ]
    assert len({round(float(s), 6) for s in shared}) > 1
    assert_array_equal(found, made[int(np.argmax(shared))].predict(x))


def test_shares_are_those_of_the_mutual_information():
    rng = np.random.default_rng(0)
    labels, of_views = rng.integers(0, 4, 50), rng.integers(0, 5, 150)
    found = mixture._Found(None, labels, of_views)
    assert found.shares.shape == (50,)
    expected = mutual_info_score(np.tile(labels, 3), of_views)
    assert found.shared == pytest.approx(expected)


@pytest.mark.parametrize("table", [[3, 1, 2, 5], [4, 0, 0, 6], [0, 0, 2, 3], [0] * 4])
def test_what_a_table_tells_is_its_mutual_information(table):
    table = np.array(table, float)
    expected = 0.0
    if table.any():
        expected = mutual_info_score(None, None, contingency=table.reshape(2, 2))
    told = mixture._told(*table)
    assert told == pytest.approx(table.sum() * expected, abs=1e-12)
    assert_allclose(mixture._told(*np.stack([table, table]).T), [told, told])


def groups(shift, n=400):
    """Four round clusters, of which the first two are near each other."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(n) % 4)
    centers = np.array([[0, 0], [0, 3], [9, 0], [9, 9]])
    x = centers[y] + rng.normal(0, 0.5, (n, 2))
    views = [x + rng.normal(0, shift, x.shape) for _ in range(2)]
    return x.astype(np.float32), [v.astype(np.float32) for v in views], y


@pytest.fixture
def one_for_two(monkeypatch):
    """A draw that makes one cluster of the first two, and two of the last."""

    class Wrong(KMeans):
        def fit_predict(self, rows):
            right, high = rows[:, 0] >= 5, rows[:, 1] > 5
            return np.where(high, 2 + (rows[:, 0] > 9), right)

    monkeypatch.setattr(mixture, "KMeans", Wrong)
    monkeypatch.setattr(mixture, "N_DRAWS", 1)


@pytest.mark.usefixtures("one_for_two")
def test_two_clusters_are_merged_and_a_third_is_split(monkeypatch):
    x, views, y = groups(shift=0.5)
    found = mixture_start(x, views, 4, random_state())
    assert adjusted_rand_score(y, found) > 0.95
    monkeypatch.setattr(mixture, "MAX_EXCHANGES", 0)
    assert adjusted_rand_score(y, mixture_start(x, views, 4, random_state())) < 0.8


@pytest.mark.usefixtures("one_for_two")
def test_what_may_be_chance_is_not_kept(monkeypatch):
    x, views, y = groups(shift=0.5)
    monkeypatch.setattr(mixture, "beyond_chance", lambda gain: gain.mean() > 10)
    assert adjusted_rand_score(y, mixture_start(x, views, 4, random_state())) < 0.8


@pytest.mark.parametrize("is_chance", [False, True])
def test_several_draws_are_improved_and_one_that_ends_clearly_better_is_taken(
    monkeypatch, is_chance
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)).astype(np.float32)
    views = [x + rng.normal(0, 0.3, x.shape).astype(np.float32)]
    monkeypatch.setattr(mixture, "N_DRAWS", 6)
    monkeypatch.setattr(mixture, "MAX_EXCHANGES", 1)
    drawn, begun = [], []
    right = np.arange(200) % 3
    build = mixture._mixture

    class Fixed:
        """What the worst of those that are improved turns into."""

        def predict(self, rows):
            return np.tile(right, len(rows) // 200)

    def built(rows, labels, *args):
        if labels is right:
            return Fixed()
        drawn.append(build(rows, labels, *args))
        return drawn[-1]

    def exchanged(found, *args):
        begun.append(found.mixture)
        return [right] if len(begun) == 2 else []

    monkeypatch.setattr(mixture, "_mixture", built)
    monkeypatch.setattr(mixture, "_exchanged", exchanged)
    # It is asked whether the second draw is improved, and whether it is the better one.
    answers = iter([True, not is_chance])
    monkeypatch.setattr(mixture, "beyond_chance", lambda gain: next(answers))
    found = mixture_start(x, views, 3, random_state())
    assert_array_equal(found, begun[0].predict(x) if is_chance else right)

    def shared(mixtures):
        return [mutual_info_score(m.predict(x), m.predict(views[0])) for m in mixtures]

    expected = sorted(shared(drawn), reverse=True)[:: mixture.EVERY]
    assert shared(begun) == pytest.approx(expected)
    assert len(expected) == 2


def test_of_many_samples_some_are_looked_at_and_all_are_labelled(monkeypatch):
    x, views, y = groups(shift=0.1)
    monkeypatch.setattr(mixture, "MAX_SAMPLES", 100)
    monkeypatch.setattr(mixture, "A_CLUSTER", 10)
    sizes = set()
    build = mixture._mixture
    monkeypatch.setattr(
        mixture,
        "_mixture",
        lambda rows, *args: sizes.add(len(rows)) or build(rows, *args),
    )
    assert adjusted_rand_score(y, mixture_start(x, views, 4, random_state())) > 0.95
    assert sizes == {100}


def test_a_mixture_begins_at_the_partition(monkeypatch):
    x, y = unlike()
    x = x * [1, 10]  # of variances that are no mean of each other
    given = {}

    def seen(n_clusters, **settings):
        given.update(settings)
        return real(n_clusters, **settings)

    real = mixture.GaussianMixture
    monkeypatch.setattr(mixture, "GaussianMixture", seen)
    mixture._mixture(x, y, 3, 0)
    counts = np.bincount(y)
    assert_allclose(given["weights_init"], counts / counts.sum())
    assert_allclose(given["means_init"], [x[y == k].mean(0) for k in range(3)])
    variance = np.mean([np.var(column) for column in x.T])
    assert given["reg_covar"] == pytest.approx(0.1 * variance)
    floor = 0.1 * variance * np.eye(2)
    within = [np.cov(x[y == k].T, bias=True) + floor for k in range(3)]
    assert_allclose(given["precisions_init"], np.linalg.inv(within), rtol=1e-4)


def test_without_covariances_variances_are_those_of_the_partition(monkeypatch):
    x = np.random.default_rng(0).normal(size=(40, 16))
    y = np.arange(40) % 4
    given = {}
    real = mixture.GaussianMixture
    monkeypatch.setattr(
        mixture,
        "GaussianMixture",
        lambda *args, **kw: given.update(kw) or real(*args, **kw),
    )
    mixture._mixture(x, y, 4, 0)
    within = [x[y == k].var(0) + given["reg_covar"] for k in range(4)]
    assert_allclose(given["precisions_init"], 1 / np.array(within), rtol=1e-5)


def test_few_samples_in_many_dimensions_have_no_full_covariance(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 16)).astype(np.float32)
    kinds = []
    real = mixture.GaussianMixture
    monkeypatch.setattr(
        mixture,
        "GaussianMixture",
        lambda *args, **kw: kinds.append(kw["covariance_type"]) or real(*args, **kw),
    )
    labels = mixture_start(x, [x], 4, random_state())
    assert labels.shape == (40,)
    assert set(kinds) == {"diag"}
    # Two samples a cluster for each dimension are enough.
    for n, kind in ((16, "full"), (15, "diag")):
        few = x[:n, :2]
        mixture_start(few, [few], 4, random_state())
        assert kinds[-1] == kind


def test_the_same_seed_gives_the_same_labels():
    x, _ = unlike()
    first, second = (mixture_start(x, [x], 3, random_state()) for _ in range(2))
    assert_array_equal(first, second)
    assert first.dtype == np.int64


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_samples_that_are_all_equal():
    x = np.zeros((20, 3), np.float32)
    labels = mixture_start(x, [x], 2, random_state())
    assert labels.shape == (20,)
