"""What cameras, scanners and drawing programs store: colours for print, many frames."""

import struct
import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from deepcluster_sk.datasets import load_pictures
from tests.data.picture_files import names

RED, BLUE = (255, 0, 0), (0, 0, 255)


def level(found):
    """Colour of pictures that have one."""
    return found.X[:, 4, 4].tolist()


@pytest.mark.parametrize("ending", ["gif", "apng", "webp", "tif", "png", "mpo"])
def test_of_many_frames_the_first(tmp_path, ending):
    frames = [Image.new("RGB", (9, 9), colour) for colour in (RED, BLUE, BLUE)]
    options = {"webp": {"lossless": True}, "mpo": {"quality": 100}}.get(ending, {})
    formats = {"apng": "PNG", "tif": "TIFF"}
    frames[0].save(
        tmp_path / f"a.{ending}",
        formats.get(ending, ending.upper()),
        save_all=True,
        append_images=frames[1:],
        **options,
    )
    with Image.open(tmp_path / f"a.{ending}") as picture:
        assert picture.n_frames > 1
    found = load_pictures(tmp_path, size=8)
    np.testing.assert_allclose(level(found), [RED], atol=2)


def test_colours_for_print(tmp_path):
    picture = Image.new("RGB", (9, 9), (200, 100, 40)).convert("CMYK")
    picture.save(tmp_path / "a.jpg", quality=100)
    picture.save(tmp_path / "b.tif")
    found = load_pictures(tmp_path, size=8)
    np.testing.assert_allclose(level(found), [(200, 100, 40)] * 2, atol=2)


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bits_grey_in_either_order_of_bytes(tmp_path, order):
    pixels = np.full((9, 9), 300, f"{order}u2")
    (tmp_path / "a.tif").write_bytes(tiff(pixels, order))
    found = load_pictures(tmp_path, size=8)
    assert found.X.dtype == np.float32
    assert_array_equal(found.X, 300)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_of_colours_are_8(tmp_path, ending):
    # Pillow holds no more of colours.
    pixels = np.full((9, 9, 3), (0x1234, 0x8000, 0xFFFF), "<u2")
    content = tiff(pixels, "<") if ending == "tif" else png(pixels)
    (tmp_path / f"a.{ending}").write_bytes(content)
    found = load_pictures(tmp_path, size=8)
    assert found.X.dtype == np.uint8
    np.testing.assert_allclose(level(found), [(0x12, 0x80, 0xFF)], atol=1)


def test_floating_point_colours_are_named(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(np.zeros((9, 9, 3), "<f4"), "<"))
    Image.new("L", (9, 9)).save(tmp_path / "b.png")
    found = load_pictures(tmp_path, size=8)
    assert names(found.unreadable).keys() == {"a.tif"}


def tiff(pixels, order):
    """An uncompressed TIFF of grey levels or colours of any type."""
    height, width, n_channels = np.atleast_3d(pixels).shape
    bits = struct.pack(f"{order}{n_channels}H", *[8 * pixels.itemsize] * n_channels)
    start = 8 + 2 + 11 * 12 + 4
    inline = int.from_bytes(bits, "little" if order == "<" else "big")
    entries = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, n_channels, inline if n_channels == 1 else start),
        (259, 3, 1, 1),
        (262, 3, 1, 1 if n_channels == 1 else 2),
        (273, 4, 1, start + len(bits)),
        (277, 3, 1, n_channels),
        (278, 3, 1, height),
        (279, 4, 1, pixels.nbytes),
        (284, 3, 1, 1),
        (339, 3, 1, 3 if pixels.dtype.kind == "f" else 1),
    ]
    content = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, 11)
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        field = struct.pack(f"{order}{'H2x' if short else 'I'}", value)
        content += struct.pack(f"{order}HHI", tag, kind, count) + field
    return content + bytes(4) + bits + pixels.tobytes()


def png(pixels):
    """A PNG of 16 bits a channel, which Pillow reads but does not write."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + check.to_bytes(4)

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
