"""Clusterers between the steps of scikit-learn."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from deepcluster_sk import DeepTripletClusterer, PseudoLabels
from deepcluster_sk.metrics import clustering_accuracy_score
from tests import made
from tests.made import make_images

# A few epochs on few images need not settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def data():
    return make_images(n=60)


def quick(**params):
    return made.quick(DeepTripletClusterer, **{"max_epochs": 8, **params})


@pytest.mark.parametrize(
    ("before", "params", "flat"),
    [
        (FunctionTransformer(np.sqrt), {}, False),
        (FunctionTransformer(), {"image_shape": (8, 8)}, True),
        (MinMaxScaler(), {"image_shape": (8, 8)}, True),
        (PCA(8, random_state=0), {"module__channels": (16,)}, True),
        (
            ColumnTransformer([("some", StandardScaler(), slice(0, 32))]),
            {"module__channels": (16,)},
            True,
        ),
    ],
    ids=["images", "flat", "scaled", "components", "columns"],
)
def test_after_other_steps(data, before, params, flat):
    X, y = data
    X = X.reshape(len(X), -1) if flat else X
    pipeline = Pipeline([("before", before), ("clusterer", quick(**params))])
    labels = pipeline.fit_predict(X)
    assert_array_equal(pipeline.predict(X), labels)
    assert_array_equal(pipeline[-1].predict(pipeline[:-1].transform(X)), labels)
    assert clustering_accuracy_score(y, labels) > 0.6
    assert pipeline.transform(X).shape == (len(X), 4)


def test_before_a_classifier_and_a_map(data):
    X, y = data
    pipeline = make_pipeline(quick(), LogisticRegression()).fit(X, y)
    assert pipeline.score(X, y) > 0.9
    places = make_pipeline(quick(), TSNE(perplexity=10, max_iter=250)).fit_transform(X)
    assert places.shape == (len(X), 2)


@pytest.mark.parametrize(("container", "frame"), [("pandas", pd), ("polars", pl)])
def test_frames_come_out_with_names(data, container, frame):
    X, _ = data
    pipeline = make_pipeline(MinMaxScaler(), quick(image_shape=(8, 8)))
    pipeline.set_output(transform=container)
    latent = pipeline.fit_transform(X.reshape(len(X), -1))
    assert isinstance(latent, frame.DataFrame)
    names = [f"deeptripletclusterer{i}" for i in range(4)]
    assert list(latent.columns) == names == list(pipeline[-1].get_feature_names_out())


def test_beside_other_features(data):
    X, _ = data
    flat = X.reshape(len(X), -1)
    union = FeatureUnion(
        [("pca", PCA(2)), ("deep", quick(image_shape=(8, 8)))]
    ).set_output(transform="pandas")
    features = union.fit_transform(flat)
    assert features.shape == (len(X), 6)
    assert list(features.columns[-1:]) == ["deep__deeptripletclusterer3"]
    alone = quick(image_shape=(8, 8)).fit_transform(flat)
    assert_allclose(features.iloc[:, 2:], alone)


def test_a_pipeline_caches_the_clusterer(data, tmp_path):
    """As a step before the last it is fitted once."""
    X, y = data
    steps = [("deep", quick()), ("classifier", LogisticRegression())]
    first = Pipeline(steps, memory=str(tmp_path)).fit(X, y)
    again = Pipeline(steps, memory=str(tmp_path)).fit(X, y)
    # Epochs of the second would have taken other times.
    assert again[0].history_ == first[0].history_
    assert_array_equal(first.predict(X), again.predict(X))


@pytest.mark.parametrize("n_features", [512, 768])
def test_embeddings(n_features):
    """Directions around class means, as pretrained networks give them."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(400) % 8)
    means = rng.normal(size=(8, n_features))
    # Spread along few directions: noise in all of them would wash itself out.
    spread = rng.normal(size=(400, 32)) @ rng.normal(size=(32, n_features)) / 8
    X = means[y] + spread + 0.5 * rng.normal(size=(400, n_features))
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    params = {"max_epochs": 3, "targets": PseudoLabels(n_updates=0)}
    model = DeepTripletClusterer(8, random_state=0, **params).fit(X)
    assert model.image_shape_ is None
    assert clustering_accuracy_score(y, model.labels_) > 0.95
    assert model.score(X) > 0.6
