import builtins

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from deepcluster_sk import datasets
from deepcluster_sk.datasets import load_dataset, load_pictures


@pytest.fixture
def npz_folder(tmp_path):
    X = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    np.savez(tmp_path / "tiny.npz", X=X, y=np.array([1, 0], dtype=np.uint8))
    np.savez(tmp_path / "unlabelled.npz", X=X)
    return tmp_path


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


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


def test_unknown_name():
    with pytest.raises(ValueError, match=r"'nope'.*'mnist'"):
        load_dataset("nope")


def test_pictures_grey(tmp_path):
    save(tmp_path / "b" / "2.png", np.full((20, 40), 200, np.uint8))
    save(tmp_path / "a.JPG", np.full((9, 9), 100, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    save(tmp_path / ".cache" / "hidden.png", np.zeros((9, 9), np.uint8))
    X, paths, unreadable = load_pictures(tmp_path, size=8)
    assert paths == [tmp_path / "a.JPG", tmp_path / "b" / "2.png"]
    assert unreadable == []
    assert X.shape == (2, 8, 8)
    assert X.dtype == np.uint8
    assert_array_equal(X[1], 200)


def test_pictures_of_grey_and_colour_are_all_colour(tmp_path):
    save(tmp_path / "1.png", np.full((9, 9), 50, np.uint8))
    save(tmp_path / "2.png", np.full((9, 9, 3), (10, 20, 30), np.uint8))
    save(tmp_path / "3.png", np.full((9, 9, 4), (10, 20, 30, 255), np.uint8))
    X = load_pictures(tmp_path, size=8).X
    assert X.shape == (3, 8, 8, 3)
    assert X[:, 0, 0].tolist() == [[50, 50, 50], [10, 20, 30], [10, 20, 30]]


def test_pictures_of_16_bits_keep_their_values(tmp_path):
    save(tmp_path / "1.png", np.full((9, 9), 4000, np.uint16))
    X = load_pictures(tmp_path, size=8).X
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, 4000, rtol=1e-6)


def test_pictures_are_cut_to_the_central_square(tmp_path):
    pixels = np.zeros((16, 48), np.uint8)
    pixels[:, 16:32] = 255
    save(tmp_path / "wide.png", pixels)
    assert_array_equal(load_pictures(tmp_path, size=16).X, 255)


def test_damaged_pictures_are_reported(tmp_path):
    save(tmp_path / "good.png", np.zeros((9, 9), np.uint8))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    pictures = load_pictures(tmp_path, size=8)
    assert [path.name for path in pictures.paths] == ["good.png"]
    assert [path.name for path in pictures.unreadable] == ["bad.png", "cut.png"]


def test_pictures_errors(tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere"):
        load_pictures(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no readable picture"):
        load_pictures(tmp_path)
    with pytest.raises(ValueError, match="size=7"):
        load_pictures(tmp_path, size=7)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="1 could not be read"):
        load_pictures(tmp_path)


def test_without_pillow(monkeypatch, tmp_path):
    original = builtins.__import__

    def no_pillow(name, *args, **kwargs):
        if name == "PIL":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pillow)
    with pytest.raises(ImportError, match=r"deepcluster-sk\[images\]"):
        load_pictures(tmp_path)
