"""Exported models say what ``predict`` says, in programs without this package."""

import builtins
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from deepcluster_sk import DeepTripletClusterer
from tests.made import make_images, make_vectors, quick

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Of packages that read and write ONNX, and of torch, of their own code.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
#: Samples of every kind, as they are given to ``fit``.
SAMPLES = {
    "grey": (make_images(40)[0], {}),
    "channels last": (np.moveaxis(make_images(40, n_channels=3)[0], 1, -1), {}),
    "large": (make_images(40, side=20)[0] * 255, {"max_pixels": 100}),
    "vectors": (1e6 + make_vectors(40)[0], {"module__channels": (8,)}),
}


def run_torch(path, samples):
    program = torch.export.load(path).module()
    with torch.no_grad():
        return [found.numpy() for found in program(torch.from_numpy(samples))]


def run_onnx(path, samples):
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    return session.run(["probabilities", "latent"], {"samples": samples})


def check(estimator, samples, path, kind):
    if kind == "onnx":
        pytest.importorskip("onnxscript")
    estimator.export(path, kind)
    samples = samples.astype(np.float32)
    run = run_onnx if kind == "onnx" else run_torch
    for some in (samples, samples[:1], np.concatenate([samples] * 25)):
        probabilities, latent = run(path, some)
        assert_allclose(probabilities, estimator.predict_proba(some), atol=1e-4)
        assert_allclose(latent, estimator.transform(some), atol=1e-3)
        assert (probabilities.argmax(1) == estimator.predict(some)).all()


@pytest.mark.parametrize("name", list(SAMPLES)[1:])
def test_every_kind_of_sample(name, tmp_path):
    samples, params = SAMPLES[name]
    estimator = quick(DeepTripletClusterer, **params).fit(samples)
    check(estimator, samples, tmp_path / "model.pt2", "torch")


@pytest.mark.parametrize("kind", ["torch", "onnx"])
def test_every_clusterer(cls, kind, tmp_path):
    samples, _ = SAMPLES["grey"]
    estimator = quick(cls, module__contrast="local").fit(samples)
    check(estimator, samples, tmp_path / "model", kind)


@pytest.mark.parametrize("kind", ["torch", "onnx"])
@pytest.mark.parametrize("contrast", ["level", "figure", "edges"])
def test_contrasts_that_change_images_first(contrast, kind, tmp_path):
    samples, _ = SAMPLES["channels last"]
    estimator = quick(DeepTripletClusterer, module__contrast=contrast).fit(samples)
    check(estimator, samples, tmp_path / "model", kind)


@pytest.mark.parametrize("name", ["large", "vectors"])
def test_onnx_of_what_is_scaled_in_double(name, tmp_path):
    samples, params = SAMPLES[name]
    estimator = quick(DeepTripletClusterer, **params).fit(samples)
    check(estimator, samples, tmp_path / "model.onnx", "onnx")
    assert list(tmp_path.iterdir()) == [tmp_path / "model.onnx"]


def test_what_cannot_be_exported(tmp_path, monkeypatch):
    samples, _ = SAMPLES["grey"]
    estimator = quick(DeepTripletClusterer).fit(samples)
    with pytest.raises(ValueError, match="'onnx' or 'torch', got 'torchscript'"):
        estimator.export(tmp_path / "model", "torchscript")
    with pytest.raises(FileNotFoundError, match="no folder"):
        estimator.export(tmp_path / "missing" / "model", "torch")
    with pytest.raises(IsADirectoryError, match="is a folder; name a file"):
        estimator.export(tmp_path)
    with pytest.raises(Exception, match="not fitted"):
        DeepTripletClusterer().export(tmp_path / "model")
    bring = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "onnx":
            raise ImportError(name)
        return bring(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"deepcluster-sk\[onnx\]"):
        estimator.export(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["torch", "onnx"])
def test_the_old_file_stays_until_the_new_one_is_complete(kind, tmp_path, monkeypatch):
    if kind == "onnx":
        pytest.importorskip("onnxscript")
    samples, _ = SAMPLES["grey"]
    estimator = quick(DeepTripletClusterer).fit(samples)
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deepcluster_sk.runtime.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        estimator.export(path, kind)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_warning_reaches_the_user(tmp_path):
    samples, _ = SAMPLES["grey"]
    estimator = quick(DeepTripletClusterer).fit(samples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator.export(tmp_path / "model", "torch")
