"""Pictures of a folder: what is read, at what size, of how many channels."""

import builtins
import logging
import os
import threading
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from deepcluster_sk.data import picture_files, picture_loading
from deepcluster_sk.data.pictures import PICTURE_SUFFIXES
from deepcluster_sk.datasets import load_pictures
from deepcluster_sk.runtime.progress import Progress
from tests.data.picture_files import LINKS_AND_PIPES, grey, names, save


def test_grey(tmp_path):
    save(tmp_path / "b" / "2.png", np.full((20, 40), 200, np.uint8))
    save(tmp_path / "a.JPG", grey(100))
    X, paths, unreadable, skipped = load_pictures(tmp_path, size=8)
    assert paths == [tmp_path / "a.JPG", tmp_path / "b" / "2.png"]
    assert unreadable == skipped == []
    assert X.shape == (2, 8, 8)
    assert X.dtype == np.uint8
    assert_array_equal(X[1], 200)


def test_grey_and_colour_are_all_colour(tmp_path):
    save(tmp_path / "1.png", grey(50))
    save(tmp_path / "2.png", np.full((9, 9, 3), (10, 20, 30), np.uint8))
    save(tmp_path / "3.png", np.full((9, 9, 4), (10, 20, 30, 255), np.uint8))
    X = load_pictures(tmp_path, size=8).X
    assert X.shape == (3, 8, 8, 3)
    assert X[:, 0, 0].tolist() == [[50, 50, 50], [10, 20, 30], [10, 20, 30]]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
def test_pictures_without_colour_are_grey_however_they_are_stored(tmp_path, mode):
    ending = "tif" if mode == "CMYK" else "png"
    pixels = np.tile(np.array([0, 255], np.uint8), (8, 4))
    Image.fromarray(pixels).convert(mode).save(tmp_path / f"a.{ending}")
    if mode in ("P", "L", "1", "RGB"):
        Image.fromarray(pixels).convert(mode).save(tmp_path / "b.gif")
    X = load_pictures(tmp_path, size=8).X
    assert X.ndim == 3
    assert_array_equal(X[0], pixels)
    assert_array_equal(X[-1], pixels)


def test_16_bits_keep_their_values(tmp_path):
    save(tmp_path / "1.png", np.full((9, 9), 4000, np.uint16))
    X = load_pictures(tmp_path, size=8).X
    assert X.dtype == np.float32
    assert_allclose(X, 4000, rtol=1e-6)


def test_8_bits_beside_16_are_as_bright(tmp_path):
    save(tmp_path / "1.png", grey(255))
    save(tmp_path / "2.png", np.full((9, 9), 65535, np.uint16))
    save(tmp_path / "3.png", np.full((9, 9, 3), (255, 0, 0), np.uint8))
    X = load_pictures(tmp_path, size=8).X
    assert X.dtype == np.float32
    assert_array_equal(X[0], 255)
    assert_array_equal(X[1], 255)
    assert_array_equal(X[2, 0, 0], [255, 0, 0])


def test_one_picture_of_16_bits_changes_no_other(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", grey(80 * number))
    plain = load_pictures(tmp_path, size=8).X
    levels = np.arange(1000, 1064, dtype=np.uint16).reshape(8, 8)
    save(tmp_path / "deep.png", levels)
    mixed = load_pictures(tmp_path, size=8).X
    assert_array_equal(mixed[:3], plain)
    assert_allclose(mixed[3], levels / 257, rtol=1e-6)
    assert len(np.unique(mixed[3])) == 64  # every level is kept


def test_white_is_what_a_model_was_fitted_on(tmp_path):
    save(tmp_path / "1.png", grey(51))
    assert_array_equal(load_pictures(tmp_path, size=8, white=65535).X, 51 * 257)
    assert load_pictures(tmp_path, size=8, white=255).X.dtype == np.uint8
    save(tmp_path / "1.png", np.full((9, 9), 51 * 257, np.uint16))
    assert_array_equal(load_pictures(tmp_path, size=8, white=255).X, 51)
    save(tmp_path / "2.tif", np.full((9, 9), 0.2, np.float32))
    save(tmp_path / "3.tif", np.full((9, 9), 1.2, np.float32))
    found = load_pictures(tmp_path, size=8, white=255)
    assert_allclose(found.X, 51, rtol=1e-6)
    assert "no shares of white" in names(found.unreadable)["3.tif"]
    with pytest.raises(ValueError, match=r"no readable picture.*3\.tif"):
        load_pictures([tmp_path / "3.tif"], size=8, white=255)


@pytest.mark.parametrize("white", [0, -1, True, "255", np.inf, np.nan])
def test_white_that_is_none(tmp_path, white):
    save(tmp_path / "1.png", grey(51))
    with pytest.raises(ValueError, match=r"white=.* positive number, such as 255"):
        load_pictures(tmp_path, white=white)


def test_floats_beside_integers(tmp_path):
    save(tmp_path / "1.png", grey(51))
    save(tmp_path / "2.png", grey(255))
    save(tmp_path / "3.tif", np.full((9, 9), 0.5, np.float32))
    X = load_pictures(tmp_path, size=8).X
    assert_allclose(X[:, 0, 0], [51, 255, 127.5], rtol=1e-6)
    # Floats of another scale than 0 to 1 cannot be compared: the fewer are left out.
    save(tmp_path / "4.tif", np.full((9, 9), 300, np.float32))
    found = load_pictures(tmp_path, size=8)
    assert [path.name for path in found.paths] == ["1.png", "2.png", "3.tif"]
    assert "beyond [0, 1]" in names(found.unreadable)["4.tif"]
    for number in range(5, 9):
        save(tmp_path / f"{number}.tif", np.full((9, 9), 300, np.float32))
    found = load_pictures(tmp_path, size=8)
    assert {path.suffix for path in found.paths} == {".tif"}
    assert "integers" in names(found.unreadable)["1.png"]
    assert_allclose(found.X[-1], 300)


def test_nan_in_a_tiff_names_the_file(tmp_path):
    save(tmp_path / "good.png", grey(0))
    pixels = np.zeros((9, 9), np.float32)
    pixels[3, 4] = np.nan
    save(tmp_path / "bad.tif", pixels)
    found = load_pictures(tmp_path, size=8)
    assert names(found.unreadable) == {
        "bad.tif": "1 of its 81 values are NaN or infinite"
    }


def test_transparent_pictures_differ(tmp_path):
    for number in range(3):
        pixels = np.zeros((9, 9, 4), np.uint8)
        pixels[3 * number : 3 * number + 3, :, 3] = 255  # black bars on nothing
        save(tmp_path / f"{number}.png", pixels)
    X = load_pictures(tmp_path, size=9).X
    assert X.shape == (3, 9, 9)
    for number in range(3):
        assert_array_equal(X[number, 3 * number + 1], 0)
        assert_array_equal(X[number, (3 * number + 4) % 9], 255)
    X = load_pictures(tmp_path, size=9, background=(255, 0, 0)).X
    assert X[0, 8, 8].tolist() == [255, 0, 0]
    with pytest.raises(ValueError, match="background='nocolour'"):
        load_pictures(tmp_path, background="nocolour")


def test_cut_to_the_central_square(tmp_path):
    pixels = np.zeros((16, 48), np.uint8)
    pixels[:, 16:32] = 255
    save(tmp_path / "wide.png", pixels)
    assert_array_equal(load_pictures(tmp_path, size=16).X, 255)


def test_turned_by_its_camera(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((80, 80), np.uint8)
    pixels[:, :40] = 255  # the left half, which becomes the upper one
    save(tmp_path / "a.jpg", pixels, exif=exif, quality=95)
    X = load_pictures(tmp_path, size=8).X
    assert X[0, :3].min() > 240
    assert X[0, 5:].max() < 15


@pytest.mark.parametrize(
    ("sides", "size", "expected"),
    [
        ([8, 8, 8], 32, 8),  # small pictures are not enlarged
        ([10, 10, 100], 32, 10),
        ([10, 100, 100], 32, 32),  # nor do a few small ones make all small
        ([64, 64], 32, 32),
        ([3, 3], 32, 8),  # the least that networks take
    ],
)
def test_size_is_what_most_pictures_fill(tmp_path, sides, size, expected):
    for number, side in enumerate(sides):
        save(tmp_path / f"{number}.png", np.zeros((side, side + 3), np.uint8))
    assert load_pictures(tmp_path, size=size).X.shape[1:] == (expected, expected)


def test_pictures_of_the_size_asked_for_are_read_as_they_are(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    save(tmp_path / "a.png", pixels)
    assert_array_equal(load_pictures(tmp_path).X[0], pixels)


def test_other_formats_that_are_read(tmp_path):
    for ending in ("ppm", "pgm", "jfif", "tga", "jp2", "bmp", "gif", "webp", "tiff"):
        formats = {"jfif": "JPEG", "pgm": "PPM"}
        Image.fromarray(grey(100)).save(
            tmp_path / f"a.{ending}", formats.get(ending), quality=95
        )
    found = load_pictures(tmp_path, size=8)
    assert found.skipped == found.unreadable == []
    assert len(found.paths) == 9
    assert np.abs(found.X.astype(int) - 100).max() <= 2


@LINKS_AND_PIPES
def test_a_linked_file_is_read(tmp_path):
    save(tmp_path / "elsewhere" / "a.png", grey(7))
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "b.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    assert_array_equal(load_pictures(tmp_path / "root").X, 7)


def test_files_are_read_side_by_side_and_stay_in_order(tmp_path, monkeypatch):
    for number in range(20):
        save(tmp_path / f"{number:02}.png", grey(number))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    original = picture_loading.read_pixels
    second_is_read = threading.Event()

    def slow_first(picture, **settings):
        # Never, unless two files are read at a time.
        if picture.filename.endswith("00.png") and not second_is_read.wait(timeout=30):
            raise TimeoutError
        pixels = original(picture, **settings)
        if picture.filename.endswith("01.png"):
            second_is_read.set()
        return pixels

    monkeypatch.setattr(picture_loading, "read_pixels", slow_first)
    found = load_pictures(tmp_path)
    assert found.unreadable == []
    assert_array_equal(found.X[:, 0, 0], range(20))
    assert [path.stem for path in found.paths] == [f"{n:02}" for n in range(20)]


def test_warnings_are_as_they_were_after_calls_that_overlap():
    log = logging.getLogger("PIL")
    before = list(warnings.filters), log.level
    first, second = (
        picture_loading._silent_decoders(),
        picture_loading._silent_decoders(),
    )
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with warnings.catch_warnings(record=True) as said:
        warnings.warn("of a decoder", stacklevel=1)
    assert said == []  # the second reads on
    second.__exit__(None, None, None)
    assert (list(warnings.filters), log.level) == before


@pytest.mark.parametrize(
    "size", [7, 99999999, 32.0, "32", None, True, np.float64(32), -32]
)
def test_size_out_of_range(tmp_path, size):
    save(tmp_path / "a.png", grey(0))
    with pytest.raises(
        ValueError, match=r"size=.* at least 8 pixels and at most 4,096"
    ):
        load_pictures(tmp_path, size=size)


def test_size_that_memory_cannot_hold(tmp_path, monkeypatch):
    for number in range(2):
        save(tmp_path / f"{number}.png", grey(0, side=40))
    monkeypatch.setattr(
        picture_loading, "_physical_memory", lambda: 2 * 3 * 40 * 40 - 1
    )
    with pytest.raises(ValueError, match=r"2 pictures of 40x40 .* a smaller size"):
        load_pictures(tmp_path, size=40)
    load_pictures(tmp_path, size=39)


def test_size_may_be_a_numpy_integer(tmp_path):
    save(tmp_path / "a.png", grey(0))
    assert load_pictures(tmp_path, size=np.uint8(9)).X.shape == (1, 9, 9)


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere"):
        load_pictures(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="name is empty"):
        load_pictures("")
    with pytest.raises(ValueError, match="no readable picture"):
        load_pictures(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "a.psd").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"1 could not be read, such as 'bad.png' .* 1 were skipped"
    ):
        load_pictures(tmp_path)


def test_endings():
    assert list(PICTURE_SUFFIXES) == sorted(PICTURE_SUFFIXES)
    assert not picture_files._OTHER_PICTURES.intersection(PICTURE_SUFFIXES)


def test_without_pillow(monkeypatch, tmp_path):
    original = builtins.__import__

    def no_pillow(name, *args, **kwargs):
        if name == "PIL":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pillow)
    with pytest.raises(ImportError, match=r"deepcluster-sk\[images\]"):
        load_pictures(tmp_path)


def test_what_is_read_is_counted_if_anybody_asks(tmp_path, capsys, monkeypatch):
    for number in range(3):
        Image.new("L", (9, 9)).save(tmp_path / f"{number}.png")
    load_pictures(tmp_path)
    assert capsys.readouterr().err == ""
    for name in ("LOG_FIRST", "LOG_SECONDS"):
        monkeypatch.setattr(f"deepcluster_sk.runtime.display.{name}", 0.0)
    note = Progress.note

    def note_and_tell(self, text):
        note(self, text)
        self.tick()

    monkeypatch.setattr(Progress, "note", note_and_tell)
    load_pictures(tmp_path, verbose=1)
    lines = [line.split() for line in capsys.readouterr().err.splitlines()]
    for stage in ("finding", "reading"):
        told = [line[-2:] for line in lines if stage in line and line[-1] == "files"]
        assert [[f"{n}/3", "files"] for n in (1, 2, 3)] == told[:3]
