"""Saved models: the same predictions anywhere, and a clear word on any damage."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors.torch import load_file, save_file
from torch import nn

import deepcluster_sk
from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    PseudoLabels,
    Reconstruction,
    TEMIClusterer,
    load,
)
from deepcluster_sk.persistence.files import ModelFileError, read, write
from tests.clusterers import CLUSTERERS
from tests.made import quick

# Images are given as flat vectors here, which is warned of.
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.* columns of X look like images:UserWarning",
)
N_CORRUPTIONS = 300


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.safetensors"
    fitted.save(path)
    return path


@pytest.mark.usefixtures("decoding")
def test_a_loaded_decoder_is_the_saved_one(fitted, saved):
    loaded = load(saved)
    decoded = loaded.inverse_transform(loaded.cluster_centers_)
    assert_array_equal(decoded, fitted.inverse_transform(fitted.cluster_centers_))


def test_a_loaded_model_is_the_saved_one(fitted, saved, images):
    loaded = load(saved)
    assert type(loaded) is type(fitted)
    assert_array_equal(loaded.predict_proba(images), fitted.predict_proba(images))
    assert_array_equal(loaded.transform(images), fitted.transform(images))
    for name in ("labels_", "initial_labels_", "cluster_centers_"):
        assert_array_equal(getattr(loaded, name), getattr(fitted, name))
        assert getattr(loaded, name).dtype == getattr(fitted, name).dtype
    assert loaded.score(images) == fitted.score(images)
    assert loaded.history_ == fitted.history_
    assert loaded.summary() == fitted.summary()
    assert repr(loaded) == repr(fitted)
    names = loaded.get_feature_names_out()
    assert_array_equal(names, fitted.get_feature_names_out())


def test_what_is_loaded_can_be_saved_and_fitted_again(saved, images, tmp_path):
    loaded = load(saved)
    loaded.save(tmp_path / "again.safetensors")
    again = load(tmp_path / "again.safetensors")
    assert_array_equal(again.labels_, loaded.labels_)
    assert_array_equal(again.fit(images).labels_, loaded.labels_)


def test_a_loaded_model_is_trained_further_where_it_was_loaded(
    fitted, images, tmp_path
):
    elsewhere = copy.copy(fitted).set_params(device="cuda:99")  # of another machine
    elsewhere.save(tmp_path / "model")
    loaded = load(tmp_path / "model", device="cpu")
    assert loaded.partial_fit(images).device_ == loaded.device == "cpu"


def test_large_images_vectors_and_names_of_columns(make, images, tmp_path):
    flat = pd.DataFrame(images.reshape(len(images), -1)).add_prefix("pixel")
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    for X, params in ((flat, {}), (large, {"max_pixels": 64})):
        given = {"module__channels": (8,)} if X is flat else {}
        estimator = make(**params, **given).fit(X)
        estimator.save(tmp_path / "model.safetensors")
        loaded = load(tmp_path / "model.safetensors")
        assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))
        assert loaded.image_shape_ == estimator.image_shape_
    make(module__channels=(8,)).fit(flat).save(tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(flat.add_prefix("other"))


def test_parameters_come_back(images, tmp_path):
    params = {
        "targets": PseudoLabels(duration=0.5, n_updates=1),
        "augmentation": {"rotation": 5.0},
        "init": images.reshape(len(images), -1)[:3, :4].astype(np.float32),
        "module__radius": None,
        "optimizer__betas": (0.8, 0.99),
        "image_shape": (8, 8),
        "random_state": np.int64(3),
    }
    estimator = DeepTripletClusterer(
        3, latent_dim=4, pretraining=Reconstruction(1), max_epochs=1, **params
    ).fit(images)
    estimator.save(tmp_path / "model")
    loaded = load(tmp_path / "model").get_params()
    for name, value in estimator.get_params().items():
        if isinstance(value, np.ndarray):
            assert_array_equal(loaded[name], value)
        elif not hasattr(value, "get_params"):
            assert loaded[name] == value, name
    assert loaded["targets__duration"] == 0.5


class Tiny(nn.Module):
    def __init__(self, sample_shape=(1, 8, 8), latent_dim=4, width=8):
        super().__init__()
        n = int(np.prod(sample_shape))
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(n, width), nn.ReLU(), nn.Linear(width, latent_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, n), nn.Unflatten(1, sample_shape)
        )

    def encode(self, x):
        return self.encoder(x)

    def decode(self, latent):
        return self.decoder(latent)


def test_a_network_of_ones_own_is_given_again(images, tmp_path):
    path = tmp_path / "model"
    estimator = DeepTripletClusterer(
        3,
        architecture=Tiny,
        latent_dim=4,
        pretraining=Reconstruction(1),
        max_epochs=1,
        random_state=0,
    ).fit(images)
    estimator.save(path)
    with pytest.raises(ValueError, match=r"load\(path, architecture=...\)"):
        load(path)
    for given in (Tiny, Tiny()):
        loaded = load(path, architecture=given)
        assert_array_equal(
            loaded.predict_proba(images), estimator.predict_proba(images)
        )
    with pytest.raises(ValueError, match="does not fit the saved weights"):
        load(path, architecture=Tiny(width=9))
    with pytest.raises(ValueError, match="has no parameters"):
        load(path, architectur=Tiny)


def test_what_was_left_out_is_named(images, tmp_path):
    path = tmp_path / "model"
    DeepTripletClusterer(
        3,
        augmentation=lambda x: x,
        latent_dim=4,
        pretraining=Reconstruction(1),
        max_epochs=1,
        random_state=np.random.RandomState(0),
    ).fit(images).save(path)
    message = r"\['augmentation', 'random_state'\]. That matters to further training"
    with pytest.warns(UserWarning, match=message):
        loaded = load(path)
    assert loaded.augmentation == "auto"


def test_random_corruptions_are_clear_errors(saved, tmp_path):
    content = saved.read_bytes()
    random = np.random.default_rng(0)
    path = tmp_path / "damaged"
    for i in range(N_CORRUPTIONS):
        damaged = bytearray(content)
        kind = i % 3
        place = int(random.integers(len(content)))
        if kind == 0:
            damaged = damaged[:place]
        elif kind == 1:
            damaged[place] ^= 1 << int(random.integers(8))
        else:
            stop = place + int(random.integers(1, 200))
            damaged[place:stop] = random.bytes(stop - place)
        if damaged == content:
            continue
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match="damaged"):
            load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a saved model"), (b"\x80\x04N.", "not a saved model")],
)
def test_foreign_files(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        load(path)
    with pytest.raises(FileNotFoundError, match="no file"):
        load(tmp_path / "missing")
    with pytest.raises(IsADirectoryError, match="is a folder; name a file"):
        load(tmp_path)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ModelFileError, match="no model of deepcluster_sk"):
        load(path)


def test_a_later_format_and_tampered_contents(saved, tmp_path):
    description, arrays = read(saved)
    path = tmp_path / "changed"
    tensors = load_file(saved)
    for metadata, message in (
        ({"format": "deepcluster_sk", "format_version": "999"}, "format '999'"),
        ({"format": "deepcluster_sk", "format_version": "1"}, "checksum"),
    ):
        save_file(tensors, path, metadata=metadata)
        with pytest.raises(ModelFileError, match=message):
            load(path)
    # With a checksum of its own: only classes of this package are made.
    for name in ("os.system", "clustering_accuracy_score", "Pipeline"):
        write(path, {**description, "class": name}, arrays)
        with pytest.raises(ModelFileError, match="which deepcluster_sk has not"):
            load(path)
    facts = {k: v for k, v in description.items() if k != "facts"}
    write(path, facts, arrays)
    with pytest.raises(ModelFileError, match="lacks what a saved model has"):
        load(path)


def test_in_another_process_and_nothing_runs(images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    fitted = {cls.__name__: quick(cls).fit(images) for cls in CLUSTERERS}
    for name, estimator in fitted.items():
        estimator.save(tmp_path / name)
    # The second time, when all that is needed has been imported.
    code = (
        "import sys, numpy as np\n"
        "from deepcluster_sk import load\n"
        "runs = ('pickle.find_class', 'os.system', 'subprocess.Popen', 'exec',\n"
        "        'compile', 'os.exec', 'socket.connect')\n"
        "seen = []\n"
        "for name in sys.argv[1:]:\n"
        "    load(name)\n"
        "sys.addaudithook(lambda e, _: seen.append(e) if e in runs else None)\n"
        "loaded = [load(name) for name in sys.argv[1:]]\n"
        "print(seen)\n"
        "X = np.load('images.npy')\n"
        "np.savez('found.npz', *(one.predict_proba(X) for one in loaded))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *fitted],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(deepcluster_sk.__file__).parents[1])},
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "[]"
    with np.load(tmp_path / "found.npz") as found:
        for one, estimator in zip(found.values(), fitted.values(), strict=True):
            assert_array_equal(one, estimator.predict_proba(images))


def test_the_old_file_stays_until_the_new_one_is_complete(
    fitted, tmp_path, monkeypatch
):
    path = tmp_path / "model"
    fitted.save(path)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deepcluster_sk.persistence.files.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        fitted.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_who_may_read_other_files_may_read_the_saved(fitted, tmp_path):
    (tmp_path / "other").touch()
    fitted.save(tmp_path / "model")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_where_nothing_can_be_saved(fitted, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        fitted.save(tmp_path / "missing" / "model")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        fitted.save(tmp_path)
    with pytest.raises(Exception, match="not fitted"):
        type(fitted)().save(tmp_path / "model")


def test_the_file_says_what_wrote_it(saved):
    description, _ = read(saved)
    assert {"torch", "python", "scikit-learn"} < set(description["versions"])
    assert json.dumps(description)  # nothing but JSON


@pytest.mark.parametrize(
    "asked", [{"module__channels": (3, 5)}, {"module__temperature": 5.0}]
)
def test_the_network_is_that_of_the_fit_whatever_is_asked_for_since(asked, tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 4))
    model = TEMIClusterer(3, max_epochs=1, random_state=0).fit(X).set_params(**asked)
    model.save(tmp_path / "model.safetensors")
    found = load(tmp_path / "model.safetensors")
    assert found.get_params().items() >= asked.items()
    assert_array_equal(found.predict_proba(X), model.predict_proba(X))


@pytest.mark.filterwarnings("ignore:Parameters that no file can hold")
def test_parameters_changed_since_the_fit_are_not_those_of_its_network(
    images, tmp_path
):
    # With augmentation its network is another.
    model = quick(DECClusterer, augmentation=lambda x: x).fit(images)
    model.save(tmp_path / "by_a_function.safetensors")
    read = load(tmp_path / "by_a_function.safetensors")
    assert_array_equal(read.predict_proba(images), model.predict_proba(images))
    model.set_params(augmentation=None, architecture="mlp", module__channels=(5,))
    model.save(tmp_path / "changed.safetensors")
    read = load(tmp_path / "changed.safetensors")
    assert_array_equal(read.predict_proba(images), model.predict_proba(images))
    assert read.architecture == "mlp"
