import numpy as np
import pytest
from numpy.testing import assert_array_equal

from deepcluster_sk import datasets
from deepcluster_sk.datasets import load_dataset


@pytest.fixture
def npz_folder(tmp_path):
    X = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    np.savez(tmp_path / "tiny.npz", X=X, y=np.array([1, 0], dtype=np.uint8))
    np.savez(tmp_path / "unlabelled.npz", X=X)
    return tmp_path


def test_npz_of_a_folder(npz_folder):
    X, y = load_dataset("tiny", folder=npz_folder)
    assert X.shape == (2, 3, 3)
    assert X.dtype == np.uint8
    assert y.dtype == np.int64
    assert_array_equal(y, [1, 0])


def test_npz_errors(npz_folder):
    with pytest.raises(FileNotFoundError, match=r"\['tiny', 'unlabelled'\]"):
        load_dataset("missing", folder=npz_folder)
    with pytest.raises(ValueError, match=r"lacks \['y'\]"):
        load_dataset("unlabelled", folder=npz_folder)


@pytest.mark.parametrize(
    ("name", "number", "side", "low", "high"),
    [
        ("mnist", 554, 28, 0, 255),
        ("fashion_mnist", 40996, 28, 0, 255),
        ("usps_9298", 41082, 16, -1, 1),
    ],
)
def test_fetched_data(monkeypatch, name, number, side, low, high):
    def fetch_openml(*, data_id, return_X_y, as_frame, data_home, parser):
        assert data_id == number
        rows = np.full((3, side * side), float(low))
        rows[1] = high
        return rows, np.array(["1", "10", "2"], dtype=object)

    monkeypatch.setattr(datasets, "fetch_openml", fetch_openml)
    X, y = load_dataset(name)
    assert X.shape == (3, side, side)
    assert X.dtype == np.uint8
    assert_array_equal(X[:, 0, 0], [0, 255, 0])
    assert_array_equal(y, [0, 2, 1])  # numbers in order, not strings in order


@pytest.mark.parametrize("name", ["nope", "", None, ["mnist"]])
def test_unknown_name(name):
    with pytest.raises(ValueError, match=r"Unknown data set .*'mnist'"):
        load_dataset(name)


@pytest.mark.parametrize(
    "name", ["../tiny", "sub/tiny", "..\\tiny", "C:tiny", "", "/tiny", "a\0b"]
)
def test_names_that_are_paths(npz_folder, name):
    folder = npz_folder / "sub"
    folder.mkdir()
    with pytest.raises(ValueError, match="plain name of a file"):
        load_dataset(name, folder=folder)


def test_damaged_npz(npz_folder):
    """Whatever is damaged, it is read as it was or it is an error that names it."""
    path = npz_folder / "tiny.npz"
    X = np.arange(50 * 6 * 6, dtype=np.uint8).reshape(50, 6, 6)
    y = np.arange(50) % 3
    random = np.random.default_rng(0)
    errors = []
    for trial in range(200):
        (np.savez, np.savez_compressed)[trial % 2](path, X=X, y=y)
        content = bytearray(path.read_bytes())
        if trial % 4 < 2:
            content = content[: random.integers(len(content))]
        else:
            for place in random.integers(len(content), size=3):
                content[place] ^= 1 << random.integers(8)
        path.write_bytes(content)
        try:
            found_X, found_y = load_dataset("tiny", folder=npz_folder)
        except ValueError as error:
            errors.append(error)
        else:
            assert_array_equal(found_X, X)
            assert_array_equal(found_y, y)
    assert all(str(path) in str(error) for error in errors)
    causes = {type(error.__cause__).__name__ for error in errors}
    assert {"BadZipFile", "error"} <= causes  # the latter is that of zlib


def test_no_npz_at_all(npz_folder):
    np.save(npz_folder / "array.npy", np.zeros(3))
    (npz_folder / "array.npy").rename(npz_folder / "array.npz")
    (npz_folder / "empty.npz").write_bytes(b"")
    np.savez(npz_folder / "objects.npz", X=np.array([{}], object), y=[0])
    for name in ("array", "empty", "objects"):
        with pytest.raises(ValueError, match=f"{name}.npz' is damaged, or no .npz"):
            load_dataset(name, folder=npz_folder)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, np.nan], r"y\[1\] .* is nan: classes must be whole"),
        ([1.5, 0], r"y\[0\] .* is 1\.5: classes must be whole"),
        ([0, np.inf], r"y\[1\] .* is inf"),
        ([0, 1e300], r"y\[1\] .* is 1e\+300"),
        (np.array([0, 2**63], np.uint64), r"y\[1\] .* int64"),
        (["a", "b"], r"y .* type <U1: it must hold numbers, such as np\.unique"),
        ([0, 1j], r"y .* type complex128"),
        ([[0, 1]], r"y .* shape \(1, 2\): it must have 1 axes"),
        (0, r"y .* shape \(\): it must have 1 axes"),
        ([0, 1, 2], "2 images in X, but 3 classes in y"),
        ([0], "2 images in X, but 1 classes in y"),
    ],
)
def test_classes_that_are_none(tmp_path, y, message):
    np.savez(tmp_path / "a.npz", X=np.zeros((2, 3, 3)), y=y)
    with pytest.raises(ValueError, match=message):
        load_dataset("a", folder=tmp_path)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int32, np.float32, np.uint64])
def test_classes_of_any_type(tmp_path, kind):
    np.savez(tmp_path / "a.npz", X=np.zeros((2, 3, 3)), y=np.array([1, 0], kind))
    y = load_dataset("a", folder=tmp_path)[1]
    assert y.dtype == np.int64
    assert y.tolist() == [1, 0]


@pytest.mark.parametrize(
    "X", [np.zeros(2), 0, [["a"], ["b"]], np.zeros((2, 1, 1, 1, 1))]
)
def test_images_that_are_none(tmp_path, X):
    np.savez(tmp_path / "a.npz", X=X, y=[0, 1])
    with pytest.raises(ValueError, match=r"X in .* must"):
        load_dataset("a", folder=tmp_path)
