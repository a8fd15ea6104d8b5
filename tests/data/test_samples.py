"""What clusterers take that is no array: data sets, and arrays on a disk."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal
from PIL import Image
from scipy.sparse import csr_matrix, dok_matrix
from sklearn.utils import Bunch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from deepcluster_sk import DeepTripletClusterer, NeighborGraphClusterer, load
from deepcluster_sk.data.axes import flatten_samples
from deepcluster_sk.data.samples import is_data_set, plain
from deepcluster_sk.datasets import load_pictures
from tests.made import make_images, quick

X = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)
FLAT = X.reshape(6, -1)
PICTURES = [Image.fromarray(image) for image in X]
TENSORS = torch.from_numpy(X)


def objects(samples):
    column = np.empty(len(samples), dtype=object)
    column[:] = samples
    return column


class Samples(Dataset):
    """A data set of any samples."""

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, number):
        return self.samples[number]


class OnDisk:
    """An array that can be sliced, and that NumPy does not know."""

    def __init__(self, values):
        self.values = values
        self.shape = values.shape
        self.dtype = values.dtype

    def __len__(self):
        return len(self.values)

    def __getitem__(self, where):
        return self.values[where]


class Protocol(OnDisk):
    """One that NumPy knows."""

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


@pytest.mark.parametrize(
    "given",
    [
        Samples(list(X)),
        Samples([(image, 1) for image in X]),
        Samples([Image.fromarray(image) for image in X]),
        Samples([(Image.fromarray(image), 1) for image in X]),
        Samples([{"label": 1, "image": Image.fromarray(image)} for image in X]),
        Samples([{"label": 1, "pixels": image.tolist()} for image in X]),
        TensorDataset(torch.from_numpy(X), torch.zeros(6)),
        torch.utils.data.Subset(TensorDataset(torch.from_numpy(X)), range(6)),
        torch.from_numpy(X),
        OnDisk(X),
        Protocol(X),
        TENSORS.bfloat16(),
        TensorDataset(TENSORS.bfloat16()),
        list(TENSORS),
        list(TENSORS.float().requires_grad_()),
        list(TensorDataset(TENSORS.bfloat16())),
        list(TensorDataset(TENSORS, torch.zeros(6))),
        list(zip(PICTURES, range(6), strict=True)),
        tuple([picture, "a name"] for picture in PICTURES),
        list(zip(X, range(6), strict=True)),
        [{"label": 1, "image": picture} for picture in PICTURES],
        objects(list(X)),
        objects(list(X))[:, None],
        objects(PICTURES),
        pd.Series(list(X), index=np.arange(6) / 2),
        pd.Series(list(TENSORS)),
        pd.Series(PICTURES),
        pd.Series(X.tolist()),
        pd.DataFrame({"image": list(X)}, index=list("abcdef")),
        pd.DataFrame({"image": PICTURES}),
        pl.Series(X),
        pl.DataFrame({"image": X}),
        pl.DataFrame({"image": X.tolist()}),
        pl.DataFrame({"image": pl.Series(PICTURES, dtype=pl.Object)}),
        np.lib.stride_tricks.as_strided(X),
    ],
    ids=lambda given: type(given).__name__,
)
def test_samples_of_any_source_are_the_same_array(given):
    rows, shape = flatten_samples(given)
    assert shape == X.shape
    assert_array_equal(rows, X.reshape(6, -1))


@pytest.mark.parametrize(
    "given",
    [
        list(zip(FLAT, range(6), strict=True)),
        list(torch.from_numpy(FLAT)),
        pd.Series(list(FLAT)),
        pd.DataFrame({"vector": FLAT.tolist()}),
        pl.DataFrame({"vector": list(FLAT)}),
        pl.DataFrame({"vector": FLAT.tolist()}),
    ],
    ids=lambda given: type(given).__name__,
)
def test_vectors_one_by_one(given):
    rows, shape = flatten_samples(given)
    assert shape is None
    assert_array_equal(rows, FLAT)


@pytest.mark.parametrize("kind", [tuple, list])
def test_nested_lists_are_no_pairs(kind):
    views = [kind(pair) for pair in zip(X, X[::-1], strict=True)]
    assert flatten_samples(views)[1] == (6, 2, 5, 4, 3)


def test_arrays_of_other_libraries(tmp_path):
    h5py = pytest.importorskip("h5py")
    zarr = pytest.importorskip("zarr")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("X", data=X)
        assert_array_equal(flatten_samples(stored)[0], X.reshape(6, -1))
        vectors = file.create_dataset("Z", data=X.reshape(6, -1))
        assert_array_equal(np.asarray(plain(vectors)), X.reshape(6, -1))
    stored = zarr.array(X, store=str(tmp_path / "a.zarr"))
    assert_array_equal(flatten_samples(stored)[0], X.reshape(6, -1))


def test_mapped_files_are_not_copied(tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(flatten_samples(mapped)[0], mapped)


@pytest.mark.parametrize(
    "given",
    [
        *([1], (1,), "ab", b"ab", {"a": 1}, {}, X, memoryview(X), None, 3),
        *(csr_matrix(np.eye(3)), dok_matrix(np.eye(3))),  # the latter is a dict
        *(pd.DataFrame(FLAT), pd.DataFrame({"a": ["x", "y"]}), pd.Series(["x", "y"])),
        *(pd.DataFrame({"a": [1, None]}, dtype="Int64"), np.array([1, 2], object)),
    ],
)
def test_no_data_sets(given):
    assert not is_data_set(given)
    assert plain(given) is given


class Endless(IterableDataset):
    def __iter__(self):
        return iter(X)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Endless(), "X is a Endless, which has no length"),
        (DataLoader(Samples(list(X))), r"X is a DataLoader: pass its data set"),
        ({"train": Samples([])}, r"a dict of data sets: pass .* X\['train'\]"),
        (Samples([{"a": 1}]), r"Sample 0 of X has no image in \['a'\]"),
        ([{"a": 1}], r'no image.* or of a list \[sample\["image"\] for sample in X\]'),
        (pd.Series([X[0], X[1, 1:]]), r"Sample 1 of X has shape \(4, 4, 3\)"),
        (pl.LazyFrame({"a": [1]}), r"X is a LazyFrame: collect it first, X\.collect"),
        (
            Samples([{"a": Image.new("L", (1, 1)), "b": Image.new("L", (1, 1))}]),
            r"Sample 0 of X has images in \['a', 'b'\]: pass the column",
        ),
        (
            Samples([np.zeros((3, 4)), np.zeros((3, 5))]),
            r"Sample 1 of X has shape \(3, 5\), the first has \(3, 4\)",
        ),
        (
            Samples([Image.new("L", (3, 4)), Image.new("L", (3, 5))]),
            r"Picture 1 of X has .*load_pictures do so",
        ),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        plain(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (load_pictures(PICTURES, size=8), r"X is a Pictures, .*: pass X\.X\."),
        (
            Bunch(data=FLAT, target=[1] * 6),
            r"X is a Bunch .* them, X\['data'\]\.",
        ),
        ({"a": [1], "b": X, "c": FLAT}, r"X is a dict .*, X\['b'\] or X\['c'\]\."),
        ({"a": [1, 2], "b": 3}, r"X is a dict of arrays: pass one of them, X\['a'\]\."),
    ],
)
def test_what_only_holds_an_array(given, message):
    with pytest.raises(TypeError, match=message):
        flatten_samples(given)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", [Samples, OnDisk])
def test_a_fit_is_the_same(kind):
    images, _ = make_images()
    wanted = quick(DeepTripletClusterer).fit(images)
    model = quick(DeepTripletClusterer).fit(kind(images))
    assert_array_equal(model.labels_, wanted.labels_)
    assert model.image_shape_ == wanted.image_shape_
    assert_array_equal(model.predict(kind(images)), wanted.labels_)
    assert_array_equal(model.transform(kind(images)), wanted.transform(images))
    graph = NeighborGraphClusterer(3, random_state=0)
    labels = graph.fit(images).labels_
    assert_array_equal(graph.fit(kind(images)).labels_, labels)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_pictures_of_other_depths_are_on_the_scale_of_the_fit(tmp_path):
    images = (255 * make_images()[0]).clip(0, 255).astype(np.uint8)
    shallow = [Image.fromarray(image) for image in images]
    deep = [Image.fromarray(image.astype(np.uint16) * 257) for image in images]
    mixed = shallow[:20] + deep[20:]
    for fitted_on in (images, images.astype(np.uint16) * 257, shallow, deep, mixed):
        model = quick(DeepTripletClusterer).fit(fitted_on)
        expected = model.predict_proba(fitted_on)
        model.save(tmp_path / "model")
        for one in (model, load(tmp_path / "model")):
            for same in (shallow, deep, mixed):
                assert_array_equal(one.predict_proba(same), expected)


@pytest.mark.parametrize("name", ["a.png", Path("a.png")])
def test_names_of_files_are_no_samples(name):
    with pytest.raises(ValueError, match=r"names, such as 'a\.png'.*load_pictures"):
        plain([name, name])
