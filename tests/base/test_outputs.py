"""Labels, outputs and fitted attributes of every clusterer."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from deepcluster_sk.metrics import clustering_accuracy_score
from tests.clusterers import OF_EMBEDDINGS, phases_of
from tests.made import LATENT_DIM, make_images, make_vectors, pretraining

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_labels_are_what_predict_says(make, images):
    estimator = make()
    labels = estimator.fit_predict(images)
    assert_array_equal(estimator.labels_, labels)
    assert_array_equal(estimator.predict(images), labels)
    assert_array_equal(estimator.predict_proba(images).argmax(1), labels)
    assert labels.dtype.kind == "i"
    assert set(labels) <= set(range(3))


def test_fit_transform_is_transform(make, images):
    estimator = make()
    assert_array_equal(estimator.fit_transform(images), estimator.transform(images))


def test_outputs_are_float32_of_the_right_shapes(fitted, images):
    n, k, d = len(images), 3, LATENT_DIM
    shapes = {
        "predict_proba": (n, k),
        "transform": (n, d),
    }
    for X in (images, images.astype("float32"), (255 * images).astype("uint8")):
        for method, shape in shapes.items():
            output = getattr(fitted, method)(X)
            assert output.shape == shape
            assert output.dtype == np.float32
            assert np.isfinite(output).all()
    np.testing.assert_allclose(fitted.predict_proba(images).sum(1), 1, rtol=1e-5)
    assert fitted.cluster_centers_.shape == (k, d)
    assert fitted.cluster_centers_.dtype == np.float32


@pytest.mark.usefixtures("decoding")
def test_decoded_rows_are_float32_of_the_right_shape(fitted):
    decoded = fitted.inverse_transform(fitted.cluster_centers_)
    assert decoded.shape == (3, 64)
    assert decoded.dtype == np.float32


def test_predict_proba_is_student_t_around_the_centers(fitted, images):
    if not hasattr(fitted.net_.module_, "clustering"):
        return  # assignments are a network's own output
    latent = fitted.transform(images).astype(float)
    gap = latent[:, None] - fitted.cluster_centers_[None].astype(float)
    kernel = 1 / (1 + (gap**2).sum(-1))
    np.testing.assert_allclose(
        fitted.predict_proba(images),
        kernel / kernel.sum(1, keepdims=True),
        rtol=1e-4,
        atol=1e-5,
    )


def test_fitted_attributes(fitted, images):
    assert fitted.n_features_in_ == 64
    assert fitted.image_shape_ == (8, 8)
    assert torch.device(fitted.device_).type in ("cpu", "cuda", "mps")
    assert fitted.n_iter_ == 2
    assert fitted.initial_labels_.shape == fitted.labels_.shape == (len(images),)
    assert set(fitted.initial_labels_) == {0, 1, 2}
    assert not hasattr(fitted, "feature_names_in_")
    names = fitted.get_feature_names_out()
    assert list(names) == [
        f"{type(fitted).__name__.lower()}{i}" for i in range(LATENT_DIM)
    ]


def test_history_names_phase_and_every_term(cls, fitted):
    phases = [phase for phase in phases_of(cls) for _ in range(2)]
    assert [row["phase"] for row in fitted.history_] == phases
    assert [row["epoch"] for row in fitted.history_] == [*range(1, len(phases) + 1)]
    for row in fitted.history_:
        assert np.isfinite(row["train_loss"])
        assert row["dur"] >= 0
        assert "batches" not in row
    assert 0 <= fitted.history_[-1]["label_change"] <= 1
    table = pd.DataFrame(fitted.history_)
    assert len(table) == len(phases)


def test_score_is_the_same_on_every_call_and_reads_no_y(fitted, images):
    score = fitted.score(images)
    assert 0 <= score <= 1
    assert fitted.score(images) == score
    assert fitted.score(images, y=object()) == score


def test_clusters_and_pixels_come_back(cls, make):
    """With a few more epochs the clusters are found and the images reconstructed."""
    X, y = make_images(60)
    X = 40 + 100 * X
    params = {"max_epochs": 40, "batch_size": 20, "lr": 5e-3}
    estimator = make(pretraining=pretraining(cls, 60), **params).fit(X)
    assert clustering_accuracy_score(y, estimator.labels_) > 0.9
    if cls in OF_EMBEDDINGS:
        return
    decoded = estimator.inverse_transform(estimator.transform(X))
    assert decoded.shape == (60, 64)
    error = np.square(decoded - X.reshape(60, -1)).mean()
    assert error < 0.6 * X.var()


def test_vectors(cls, make):
    X, _ = make_vectors()
    estimator = make(module__channels=(16,)).fit(X)
    assert estimator.image_shape_ is None
    assert_array_equal(estimator.labels_, estimator.predict(X))
    if cls not in OF_EMBEDDINGS:
        assert estimator.inverse_transform(estimator.transform(X)).shape == X.shape


def test_one_cluster(make, images):
    estimator = make(1).fit(images)
    assert set(estimator.labels_) == {0}
    assert_array_equal(estimator.predict_proba(images), 1)
    assert estimator.cluster_centers_.shape[0] == 1


def test_as_many_clusters_as_samples(make, images):
    assert make(6).fit(images[:6]).labels_.shape == (6,)


def test_two_samples(make, images):
    assert make(2).fit(images[:2]).labels_.shape == (2,)


@pytest.mark.parametrize("n", [3, 5, 7, 17, 33])
def test_no_number_of_samples_leaves_a_batch_of_one(make, images, n):
    assert len(make(2, batch_size=2).fit(images[:n]).labels_) == n
