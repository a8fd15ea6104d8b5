"""Zip files of pictures: read as the folder would be; nothing of them is trusted."""

import io
import stat
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from deepcluster_sk.data import picture_archives
from deepcluster_sk.datasets import load_pictures
from tests.data.picture_files import grey, names, save


def encoded(pixels, ending="png", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, ending, **options)
    return file.getvalue()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pictures.zip"


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_as_the_folder_would_be(tmp_path, path, packing):
    rng = np.random.default_rng(0)
    folder = tmp_path / "pictures"
    for name in ("b/2.jpg", "a.png", "c.tif", "d.webp", "e.gif", "f.bmp", "g.jp2"):
        pixels = rng.integers(0, 256, (40, 60, 3), np.uint8)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        exif = {"exif": turned()} if name.endswith("jpg") else {}
        Image.fromarray(pixels).save(folder / name, **exif)
    (folder / "notes.txt").write_text("no picture")
    with zipfile.ZipFile(path, "w", packing) as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))
    from_folder, from_zip = load_pictures(folder), load_pictures(path)
    assert_array_equal(from_zip.X, from_folder.X)
    below = [file.relative_to(folder) for file in from_folder.paths]
    assert [file.relative_to(path) for file in from_zip.paths] == below
    assert from_zip.unreadable == []
    assert names(from_zip.skipped) == names(from_folder.skipped)


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_what_is_not_tried_is_named(path):
    good = encoded(grey(9))
    link, locked = zipfile.ZipInfo("link.png"), zipfile.ZipInfo("locked.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("folder.png")
        archive.writestr("folder.png/good.png", good)
        archive.writestr("__MACOSX/._good.png", b"")
        archive.writestr(".git/a.png", good)
        archive.writestr("notes.txt", b"")
        archive.writestr("raw.cr2", b"")
        archive.writestr(link, "/etc/passwd")
        archive.writestr(locked, good)
        archive.writestr("../../outside.png", good)
        archive.writestr("/root.png", good)
    content = path.read_bytes()
    start = content.rindex(b"PK\1\2", 0, content.rindex(b"locked.png"))
    path.write_bytes(content[: start + 8] + b"\1" + content[start + 9 :])
    found = load_pictures(path, size=8)
    # Whatever a name says, a file is below its archive.
    assert [str(file.relative_to(path)) for file in found.paths] == [
        "folder.png/good.png",
        "outside.png",
        "root.png",
    ]
    assert found.unreadable == []
    assert found.skipped == sorted(found.skipped)
    assert names(found.skipped) == {
        "._good.png": "hidden",
        "a.png": "hidden",
        "notes.txt": "no picture by its ending (.txt)",
        "raw.cr2": ".cr2 is not read: save it as PNG or JPEG",
        "link.png": "a link",
        "locked.png": "encrypted",
    }


def test_no_two_pictures_have_one_name(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.png", encoded(grey(7)))
        for name in ("../x.png", "a/../x.png", "a//x.png", "/x.png"):
            archive.writestr(name, encoded(grey(9)))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("x.png", encoded(grey(9)))
    found = load_pictures(path, size=8)
    assert found.paths == [path / "a" / "x.png", path / "x.png"]
    assert_array_equal(found.X[1], 7)
    assert [file.path for file in found.skipped] == [
        path / "a" / "x.png",
        *[path / "x.png"] * 3,
    ]
    assert {file.reason for file in found.skipped} == {
        "another file of the archive has this name"
    }


def test_damage_inside_ends_nothing(path):
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bad.bmp", encoded(noise, "bmp"))
        archive.writestr("cut.png", encoded(noise)[:2000])
        archive.writestr("good.png", encoded(grey(7)))
        archive.writestr("none.png", b"no picture")
        start = archive.getinfo("bad.bmp").header_offset
    content = bytearray(path.read_bytes())
    for place in range(start + 5000, start + 9000):
        content[place] ^= 0xFF
    path.write_bytes(content)
    found = load_pictures(path, size=8)
    assert [file.name for file in found.paths] == ["good.png"]
    reasons = names(found.unreadable)
    assert reasons["bad.bmp"] == reasons["none.png"]
    assert "damaged" in reasons["none.png"]
    assert "truncated" in reasons["cut.png"]


def test_what_unpacks_to_too_much_is_not_unpacked(path, monkeypatch):
    monkeypatch.setattr(picture_archives, "_MOST_BYTES", 100_000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.webp", b"RIFF\0\0\1\0WEBP" + bytes(200_000))
        archive.writestr("good.png", encoded(grey(7)))
    found = load_pictures(path)
    assert "when it is unpacked" in names(found.skipped)["bomb.webp"]
    assert len(found.X) == 1


def test_no_zip_file(tmp_path, path):
    path.write_bytes(b"PK\3\4 no zip file")
    with pytest.raises(ValueError, match=r"is no zip file, or is damaged"):
        load_pictures(path)
    save(tmp_path / "a.png", grey(7))
    with pytest.raises(ValueError, match=r"a\.png' is no zip file"):
        load_pictures(tmp_path / "a.png")
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(ValueError, match=r"zip file .* holds no readable picture"):
        load_pictures(path)
