import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deepcluster_sk import DeepTripletClusterer, load
from deepcluster_sk.base.calibration import temperature_for, tempered
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.made import make_images, quick

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PROBABILITIES = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 8), st.integers(2, 6)),
    elements=st.floats(0, 1, width=32),
).map(lambda q: (q + np.float32(1e-6)) / (q + np.float32(1e-6)).sum(1, keepdims=True))


@given(PROBABILITIES, st.floats(0.05, 20))
def test_a_temperature_keeps_the_order_of_clusters(q, temperature):
    p = tempered(q, temperature)
    assert p.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(p.argmax(axis=1), q.argmax(axis=1))
    columns = np.argsort(q, axis=1, kind="stable")
    assert np.all(np.diff(np.take_along_axis(p, columns, 1), axis=1) >= 0)


@given(PROBABILITIES)
def test_one_is_no_temperature(q):
    assert tempered(q, 1.0) == pytest.approx(q / q.sum(axis=1, keepdims=True))


@given(PROBABILITIES, st.floats(0.05, 20))
def test_the_temperature_is_found_by_the_mean_it_makes(q, temperature):
    wanted = tempered(q, temperature).max(axis=1).mean()
    found = temperature_for(q, wanted)
    assert 0.05 <= found <= 20
    assert tempered(q, found).max(axis=1).mean() == pytest.approx(wanted, abs=1e-6)


def test_what_no_temperature_reaches_is_come_near_to():
    q = np.array([[0.9, 0.1], [0.4, 0.6]])
    assert temperature_for(q, 1.0) == 0.05
    assert temperature_for(q, 0.5) == 20


@pytest.fixture(scope="module")
def images():
    return make_images(n=150)


@pytest.fixture(scope="module")
def model(images):
    return quick(DeepTripletClusterer, max_epochs=8).fit(images[0])


@pytest.fixture(scope="module")
def temperature(model, images):
    return model.temperature(images[0])


def test_probabilities_are_as_sure_as_they_are_right(model, images, temperature):
    X, y = images
    p = model.calibrated_proba(X)
    assert np.array_equal(p, tempered(model.predict_proba(X), temperature))
    assert np.array_equal(p.argmax(axis=1), model.predict(X))
    accuracy = clustering_accuracy_score(y, model.labels_)
    assert accuracy > 0.95
    assert p.max(axis=1).mean() == pytest.approx(accuracy, abs=0.05)


def test_where_a_third_belongs_to_no_cluster_they_are_less_sure(
    model, images, temperature
):
    X, _ = images
    noise = np.random.default_rng(0).random((45, 8, 8)) * X.max()
    assert model.temperature(np.concatenate([X, noise])) > temperature


def test_a_few_samples_take_the_temperature_of_many(model, images, temperature):
    X, _ = images
    with pytest.raises(ValueError, match=r"29 samples.*at least 30 are needed"):
        model.calibrated_proba(X[:29])
    few = model.calibrated_proba(X[:3], temperature=temperature)
    assert np.array_equal(few, tempered(model.predict_proba(X[:3]), temperature))
    for wrong in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="must be a positive number"):
            model.calibrated_proba(X, temperature=wrong)


def test_one_cluster_is_certain(images):
    model = quick(DeepTripletClusterer, n_clusters=1).fit(images[0][:20])
    assert model.temperature(images[0]) == 1
    assert model.calibrated_proba(images[0][:2]).tolist() == [[1.0], [1.0]]


def test_a_saved_model_has_the_same(model, images, temperature, tmp_path):
    model.save(tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert again.temperature(images[0]) == temperature


def test_all_at_once_is_each_by_itself(model, images, temperature):
    X, _ = images
    found = model.assess(X)
    assert np.array_equal(found.probabilities, model.predict_proba(X))
    assert np.array_equal(found.calibrated, model.calibrated_proba(X))
    assert np.array_equal(found.confidence, model.confidence(X))
    assert found.temperature == temperature
    few = model.assess(X[:5])
    assert few.calibrated is None
    assert few.temperature is None
    assert np.array_equal(few.confidence, model.confidence(X[:5]))
    told = model.assess(X[:5], temperature=temperature)
    assert np.array_equal(told.calibrated, tempered(few.probabilities, temperature))
    with pytest.raises(ValueError, match="must be a positive number"):
        model.assess(X, temperature=0.0)


def test_those_who_know_nothing_of_the_network_are_looked_for_once(
    model, images, monkeypatch
):
    found = []
    look = DeepTripletClusterer._asked
    monkeypatch.setattr(
        DeepTripletClusterer,
        "_asked",
        lambda self, *given: found.append(1) or look(self, *given),
    )
    model.assess(images[0])
    assert found == [1]
