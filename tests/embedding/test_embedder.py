"""Vectors of images: what the transformer promises, whatever the network."""

import copy
import pickle
import subprocess
import sys
import threading
import time

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn

from deepcluster_sk import ImageEmbedder, NeighborGraphClusterer
from deepcluster_sk.embedding import embedder as module
from deepcluster_sk.embedding.preparation import Preparation
from tests.embedding.networks import Grid, photographs, squares

X = photographs()


def by_hand(images, network, side=224):
    """Vectors of pictures, step by step."""
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    rows = []
    for picture in images:
        scaled = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
        values = (np.asarray(scaled) / 255 - mean) / std
        with torch.no_grad():
            values = torch.from_numpy(np.moveaxis(values, -1, 0)[None]).float()
            rows.append(network(values).numpy()[0])
    return np.array(rows)


def test_against_vectors_made_by_hand():
    found = ImageEmbedder(Grid(), normalize=False).fit(X).transform(X)
    assert found.dtype == np.float32
    assert_allclose(found, by_hand(X, Grid()), atol=1e-3)
    unit = ImageEmbedder(Grid()).fit_transform(X)
    assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-6)
    assert_allclose(unit * np.linalg.norm(found, axis=1, keepdims=True), found, 1e-4)


def test_what_is_fitted():
    embedder = ImageEmbedder(Grid(), size=(12, 16)).fit(X)
    assert embedder.size_ == (12, 16)
    assert embedder.white_ == 255
    assert embedder.image_shape_ == (20, 20, 3)
    assert embedder.n_features_in_ == 1200
    assert list(embedder.get_feature_names_out()[:2]) == [
        "imageembedder0",
        "imageembedder1",
    ]
    assert len(embedder.get_feature_names_out()) == 20


def test_one_result_for_every_layout_and_batch():
    wanted = ImageEmbedder(Grid(), size=30).fit_transform(X)
    first = np.moveaxis(X, -1, 1)
    flat = {"image_shape": (20, 20, 3)}
    for images, settings in (
        (first, {}),
        (X.reshape(6, -1), flat),
        ([Image.fromarray(picture) for picture in X], {}),
        (torch.from_numpy(X), {}),
        (X.astype(np.uint16) * 257, {}),
        (X / 255, {}),
        (X.astype(np.int64), {}),
        (X, {"batch_size": 4}),
        (X, {"batch_size": 1}),
    ):
        found = ImageEmbedder(Grid(), size=30, **settings).fit_transform(images)
        assert_allclose(found, wanted, atol=0.02)
    embedder = ImageEmbedder(Grid(), size=30).fit(X)
    assert_allclose(embedder.transform(first), wanted, atol=1e-6)


def test_grey_images_and_networks_of_grey_images():
    digits = load_digits().images[:9]
    with pytest.raises(ValueError, match=r"from 0 to 16, of type float64.*white="):
        ImageEmbedder(Grid()).fit(digits)
    colour = ImageEmbedder(Grid(), size=16, white=16).fit_transform(digits)
    as_colour = np.repeat(digits[..., np.newaxis], 3, axis=-1)
    again = ImageEmbedder(Grid(), size=16, white=16).fit_transform(as_colour)
    assert_array_equal(colour, again)
    grey = ImageEmbedder(Grid(1), size=16, white=16)
    assert grey.fit_transform(digits).shape == (9, 20)


def test_vectors_reach_functions_as_they_are():
    rows = np.random.default_rng(0).normal(0, 1e3, (5, 7))
    embedder = ImageEmbedder(squares, normalize=False).fit(rows)
    assert_allclose(embedder.transform(rows), squares(rows), rtol=1e-6)
    assert embedder.white_ is None
    assert embedder.size_ is None


def test_a_network_that_is_all_zero_gives_no_nan():
    found = ImageEmbedder(lambda batch: torch.zeros(len(batch), 3)).fit_transform(X)
    assert_array_equal(found, 0)


class Counted:
    """A function that counts its calls, and those who call at a time."""

    def __init__(self):
        self.sizes = []

    def __call__(self, batch):
        self.sizes.append(len(batch))
        return squares(batch)


def test_batches_and_the_one_sample_of_fit():
    network = Counted()
    embedder = ImageEmbedder(network, batch_size=4).fit(X)
    assert network.sizes == [1]
    embedder.transform(X)
    assert network.sizes == [1, 4, 2]


def test_nothing_is_loaded_before_it_is_needed(tmp_path):
    # Neither package nor file has to be there; scikit-learn's own checks do the rest.
    for name in ("timm:any", "open_clip:any/tag", str(tmp_path / "no.onnx")):
        embedder = clone(ImageEmbedder(name))
        assert pickle.loads(pickle.dumps(embedder)).model == name
    code = (
        "import sys; from deepcluster_sk import ImageEmbedder; ImageEmbedder('timm:x');"
        " print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    absent = {"timm", "open_clip", "onnx", "onnxruntime", "huggingface_hub", "PIL"}
    assert not absent.intersection(done.stdout.split())


def saved(network, path):
    torch.export.save(
        torch.export.export(
            network,
            (torch.zeros(2, 3, 8, 8),),
            dynamic_shapes=({0: torch.export.Dim("n")},),
        ),
        path,
    )
    return path


class Large(nn.Module):
    def __init__(self):
        super().__init__()
        self.map = nn.Linear(192, 2000)

    def forward(self, images):
        return self.map(images.flatten(1))


def test_pickles_and_copies_hold_no_weights_of_files(tmp_path):
    embedder = ImageEmbedder(saved(Large(), tmp_path / "large.pt2")).fit(X)
    wanted = embedder.transform(X)
    content = pickle.dumps(embedder)
    assert len(content) < 5_000
    for twin in (pickle.loads(content), copy.deepcopy(embedder), copy.copy(embedder)):
        assert_array_equal(twin.transform(X), wanted)
    assert joblib.hash(pickle.loads(content)) == joblib.hash(embedder)


class Uncopied(Grid):
    def __deepcopy__(self, memo):
        raise AssertionError("weights were copied")


def test_a_module_is_shared_by_clones_and_pickled_whole():
    network = Uncopied()
    embedder = ImageEmbedder(network, size=9).fit(X).set_output(transform="pandas")
    twin = clone(embedder)
    assert twin.model is network
    assert not hasattr(twin, "size_")
    assert type(twin.fit_transform(X)).__name__ == "DataFrame"
    again = pickle.loads(pickle.dumps(embedder))
    assert_array_equal(again.transform(X), embedder.transform(X))


def test_a_module_in_training_stays_what_it_was():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
    before = copy.deepcopy(network.state_dict())
    embedder = ImageEmbedder(network.train(), size=8).fit(X)
    embedder.transform(X)
    assert all(part.training for part in network.modules())
    for name, values in network.state_dict().items():
        assert torch.equal(values, before[name])
    network[0].weight.data.zero_()
    moved = embedder.fit(X).transform(X)
    assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-6)


def test_modules_of_half_precision():
    wide = ImageEmbedder(Grid(), size=8).fit_transform(X)
    half = ImageEmbedder(Grid().bfloat16(), size=8).fit_transform(X)
    assert half.dtype == np.float32
    assert_allclose(half, wide, atol=0.02)


def test_threads_load_one_network_and_agree(monkeypatch):
    loaded = []

    def slow(*args, **settings):
        loaded.append(threading.get_ident())
        time.sleep(0.05)
        return load(*args, **settings)

    load = module.load_backbone
    embedder = pickle.loads(pickle.dumps(ImageEmbedder(Grid(), size=9).fit(X)))
    wanted = ImageEmbedder(Grid(), size=9).fit_transform(X)
    monkeypatch.setattr(module, "load_backbone", slow)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(embedder.transform(X)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 1
    assert len(results) == 8
    for found in results:
        assert_array_equal(found, wanted)


def test_callers_modes_are_left_alone():
    embedder = ImageEmbedder(Grid(), size=9).fit(X)
    wanted = embedder.transform(X)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert_array_equal(embedder.transform(X), wanted)
    assert torch.is_grad_enabled()


def test_vectors_are_kept(tmp_path):
    network = Counted()
    settings = {"memory": str(tmp_path), "size": 9}
    first = ImageEmbedder(Grid(), **settings).fit_transform(X)
    (folder,) = tmp_path.rglob("_stage")
    kept = set(folder.iterdir())
    # What is done to vectors, and how many are made at a time, does not matter.
    again = ImageEmbedder(Grid(), normalize=False, batch_size=2, **settings)
    assert_allclose(
        again.fit_transform(X) / np.linalg.norm(again.transform(X), axis=1)[:, None],
        first,
        rtol=1e-6,
    )
    assert set(folder.iterdir()) == kept
    # Other weights, pictures and sizes do.
    for other in (
        (Grid(seed=1), X, {}),
        (Grid(), X[::-1], {}),
        (Grid(), X, {"size": 10}),
        (Grid(), X, {"channel_order": "bgr"}),
    ):
        changed, images, besides = other
        found = ImageEmbedder(changed, **{**settings, **besides}).fit_transform(images)
        assert not np.allclose(found, first)
    assert len(set(folder.iterdir())) == len(kept) + 4
    with pytest.raises(ValueError, match="lambdas are not"):
        ImageEmbedder(lambda batch: squares(batch), **settings).fit_transform(X)
    ImageEmbedder(squares, **settings).fit_transform(X)
    assert not network.sizes


def test_what_a_network_tells_of_colours_goes_with_their_order():
    # The mean of the colours is nothing to it, in whatever order it takes them.
    means = np.array(Preparation().mean) * 255
    even = np.broadcast_to(means.round().astype(np.uint8), (3, 8, 8, 3))
    for order in ("rgb", "bgr"):
        embedder = ImageEmbedder(squares, channel_order=order, normalize=False)
        assert np.abs(embedder.fit_transform(even)).max() < 0.02
    # What is given is in the network's order.
    given = {"mean": Preparation().mean[::-1], "std": 1.0, "channel_order": "bgr"}
    found = ImageEmbedder(squares, normalize=False, **given).fit_transform(even)
    assert np.abs(found).max() < 0.01


def test_progress_is_told(capsys):
    ImageEmbedder(squares, verbose=1, batch_size=2).fit_transform(X)
    assert "embedded in" in capsys.readouterr().err
    ImageEmbedder(squares).fit_transform(X)
    assert not capsys.readouterr().err


def two_kinds():
    """Pictures of two kinds that a network of means tells apart."""
    rng = np.random.default_rng(0)
    bright = rng.integers(150, 256, (30, 10, 10, 3), np.uint8)
    dark = rng.integers(0, 106, (30, 10, 10, 3), np.uint8)
    return np.concatenate([bright, dark]), np.repeat([0, 1], 30)


@pytest.mark.parametrize(
    "clusterer", [KMeans(2, n_init=1), NeighborGraphClusterer(2, random_state=0)]
)
def test_in_a_pipeline_with_a_clusterer(clusterer):
    images, kinds = two_kinds()
    model = make_pipeline(ImageEmbedder(Grid(), size=8, normalize=False), clusterer)
    labels = model.fit_predict(images)
    assert (labels == kinds).all() or (labels != kinds).all()
    assert_array_equal(model.predict(images[::2]), labels[::2])


def test_in_a_grid(tmp_path):
    images, _ = two_kinds()
    model = make_pipeline(ImageEmbedder(Grid()), KMeans(2, n_init=1))
    sizes = {"imageembedder__size": [4, 8]}
    search = GridSearchCV(model, sizes, cv=2).fit(images)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_failed_fit_leaves_what_was_fitted():
    embedder = ImageEmbedder(Grid(), size=9).fit(X)
    wanted = embedder.transform(X)
    with pytest.raises(ValueError, match="pixels are wanted"):
        embedder.fit(X - 300.0)
    assert_array_equal(embedder.transform(X), wanted)


def test_a_function_without_a_name_has_no_fingerprint():
    embedder = ImageEmbedder(lambda batch: squares(batch)).fit(X)
    with pytest.raises(ValueError, match=r"fingerprint .* lambdas are not"):
        embedder.fingerprint()
    assert ImageEmbedder(squares).fingerprint() == joblib.hash(squares)
    with pytest.raises(TypeError, match="model=None is no network"):
        ImageEmbedder().fingerprint()
