import numpy as np
import pytest
import torch

from deepcluster_sk import DeepTripletClusterer, load
from tests.made import make_images, make_vectors, quick

pytestmark = [
    pytest.mark.of_the_base,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(scope="module")
def images():
    return make_images(n=120)[0]


@pytest.fixture(scope="module")
def model(images):
    return quick(DeepTripletClusterer, max_epochs=8).fit(images)


def test_confidence(cls):
    X, _ = make_images(n=60)
    model = quick(cls).fit(X)
    labels = model.labels_.copy()
    confidence = model.confidence(X)
    assert confidence.dtype == np.float32
    assert confidence.shape == (60,)
    assert np.all((confidence >= 0) & (confidence <= 1))
    assert np.array_equal(model.confidence(X), confidence)
    order = model.doubtful(X)
    assert sorted(order) == list(range(60))
    assert np.all(np.diff(confidence[order]) >= 0)
    assert np.array_equal(model.doubtful(X, n=7), order[:7])
    assert len(model.doubtful(X, n=0)) == 0
    assert np.array_equal(model.labels_, labels)
    with pytest.raises(ValueError, match="n=-1 must be 0 or more"):
        model.doubtful(X, n=-1)


def test_what_lies_between_clusters_is_doubtful(model, images):
    labels = model.labels_
    first, second = (images[labels == k][:6] for k in (0, 1))
    X = np.concatenate([images, (first + second) / 2])
    confidence = model.confidence(X)
    assert confidence[120:].max() < np.percentile(confidence[:120], 20)


def test_it_depends_neither_on_layout_nor_on_torchs_own_stream(model, images):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    confidence = model.confidence(images)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(model.confidence(images[:, None]), confidence)
    assert np.array_equal(model.confidence(images.reshape(120, 64)), confidence)


def test_of_a_few_samples_the_network_is_asked_alone(model, images):
    largest = model.predict_proba(images).max(axis=1)
    wanted = np.clip(largest / np.median(largest), 0, 1)
    np.testing.assert_allclose(model.confidence(images[:29]), wanted[:29], rtol=1e-3)
    assert not np.allclose(model.confidence(images[:30]), wanted[:30], rtol=1e-3)
    # Whatever they come with: there is nobody else to ask.
    one = model.confidence(images[3:4])
    np.testing.assert_allclose(one, wanted[3:4], rtol=1e-3)


def test_one_cluster_is_never_in_doubt(images):
    model = quick(DeepTripletClusterer, n_clusters=1).fit(images[:20])
    assert model.confidence(images).tolist() == [1.0] * 120


def test_vectors():
    X, _ = make_vectors(n=60)
    model = quick(DeepTripletClusterer, module__channels=None).fit(X)
    assert model.confidence(X).shape == (60,)


def test_a_saved_model_doubts_the_same(model, images, tmp_path):
    model.save(tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert np.array_equal(again.confidence(images), model.confidence(images))
    few = images[:3]
    assert np.array_equal(again.confidence(few), model.confidence(few))
