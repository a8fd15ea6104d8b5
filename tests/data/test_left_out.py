"""Files that cannot be read, or are not tried: each is named with the reason."""

import logging
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepcluster_sk.data import picture_loading
from deepcluster_sk.data.pictures import MADE_HERE
from deepcluster_sk.datasets import LeftOut, load_pictures
from tests.data.picture_files import LINKS_AND_PIPES, grey, names, save


@LINKS_AND_PIPES
def test_damaged_files_are_named_with_the_reason(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    save(tmp_path / "good.png", noise)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    found = load_pictures(tmp_path, size=8)
    assert [path.name for path in found.paths] == ["good.png"]
    assert [path.name for path, _ in found.unreadable] == ["bad.png", "cut.png"]
    assert "damaged" in found.unreadable[0].reason
    assert "truncated" in found.unreadable[1].reason
    assert found.skipped == [LeftOut(tmp_path / "gone.png", "a link to nothing")]


@pytest.mark.parametrize(
    "error",
    [
        OSError(5, "Input/output error"),
        SyntaxError("broken header"),
        ValueError("wrong"),
        TypeError("wrong"),
        AttributeError("wrong"),
        KeyError("wrong"),
        IndexError("wrong"),
        OverflowError("wrong"),
        ZeroDivisionError("wrong"),
        MemoryError(),
        RecursionError("wrong"),
        EOFError(),
        AssertionError(),
        Image.DecompressionBombError("too many pixels"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_one_file_does_ends_nothing(tmp_path, monkeypatch, error):
    for number in range(3):
        save(tmp_path / f"{number}.png", grey(number))
    original = picture_loading.read_pixels

    def read(picture, **settings):
        if picture.filename.endswith("1.png"):
            raise error
        return original(picture, **settings)

    monkeypatch.setattr(picture_loading, "read_pixels", read)
    found = load_pictures(tmp_path, size=8)
    assert [path.name for path in found.paths] == ["0.png", "2.png"]
    ((path, reason),) = found.unreadable
    assert path.name == "1.png"
    assert reason


def test_ctrl_c_is_not_a_damaged_file(tmp_path, monkeypatch):
    save(tmp_path / "a.png", grey(0))

    def interrupt(*args, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(picture_loading, "read_pixels", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_pictures(tmp_path)


def test_warnings_of_decoders_do_not_end_a_strict_run(tmp_path, monkeypatch):
    save(tmp_path / "large.png", grey(0, side=40))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_pictures(tmp_path).X) == 1
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="decompression bomb"):
        load_pictures(tmp_path)


def test_what_decoders_log_is_kept_back(tmp_path, monkeypatch, caplog):
    save(tmp_path / "a.png", grey(0))
    original = picture_loading.read_pixels

    def log(*args, **settings):
        logging.getLogger("PIL.TiffImagePlugin").error("More samples than expected")
        return original(*args, **settings)

    monkeypatch.setattr(picture_loading, "read_pixels", log)
    load_pictures(tmp_path)
    assert not caplog.records
    log(Image.new("L", (9, 9)), (0, 0, 0), 8)  # and only meanwhile
    assert len(caplog.records) == 1


@LINKS_AND_PIPES
def test_what_is_skipped_is_named(tmp_path):
    root = tmp_path / "root"
    save(root / "a.png", grey(0))
    save(root / ".hidden.png", grey(0))
    save(root / ".cache" / "b.png", grey(0))
    save(root / "mine.png", grey(0), pnginfo=png_text("Software", f"{MADE_HERE} 1"))
    save(root / "other.png", grey(0), pnginfo=png_text("Software", "Other"))
    save(tmp_path / "elsewhere" / "c.png", grey(0))
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "circle").symlink_to(root)
    (root / "phone.CR2").write_bytes(b"")
    (root / "notes.txt").write_text("not a picture")
    (root / "README").write_text("not a picture")
    os.mkfifo(root / "pipe.png")
    found = load_pictures(root, size=8)
    assert [path.name for path in found.paths] == ["a.png", "other.png"]
    assert found.unreadable == []
    assert found.skipped == sorted(found.skipped)
    assert names(found.skipped) == {
        ".hidden.png": "hidden",
        ".cache": "hidden",
        "mine.png": "drawn by deepcluster_sk itself",
        "link": "a link to a folder: it is not followed",
        "circle": "a link to a folder: it is not followed",
        "phone.CR2": ".cr2 is not read: save it as PNG or JPEG",
        "notes.txt": "no picture by its ending (.txt)",
        "README": "no picture by its ending (it has none)",
        "pipe.png": "no regular file",
    }


def png_text(key, text):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(key, text)
    return info


def test_a_folder_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    save(tmp_path / "a.png", grey(0))
    save(tmp_path / "closed" / "b.png", grey(0))
    original = os.scandir

    def scandir(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = load_pictures(tmp_path)
    assert names(found.skipped) == {"closed": "a folder not opened: Permission denied"}
