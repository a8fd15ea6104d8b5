import io

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from deepcluster_sk.data.pictures import made_here
from deepcluster_sk.report import contact_sheet
from deepcluster_sk.report.thumbnails import (
    ThumbnailSettings,
    pack,
    pictures_of,
    thumbnail_side,
    thumbnails,
)


def opened(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("n", [1, 3, 4, 5, 23])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_every_thumbnail_is_in_its_place(n, channels):
    rng = np.random.default_rng(0)
    squares = rng.integers(0, 256, (n, 8, 8, *channels), np.uint8)
    sheets = pack(squares, ThumbnailSettings(sheet_side=24))
    assert sheets.columns <= 3
    for i, square in enumerate(squares):
        sheet, within = divmod(i, sheets.columns**2)
        row, column = divmod(within, sheets.columns)
        pixels = opened(sheets.pictures[sheet])
        tile = pixels[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        wanted = square if channels else np.repeat(square[..., None], 3, 2)
        assert np.array_equal(tile, wanted)
    assert all(link.startswith("data:image/") for link in sheets.links)


def test_without_webp_they_are_png(monkeypatch):
    monkeypatch.setattr("PIL.features.check", lambda name: False)
    sheets = pack(np.zeros((2, 8, 8), np.uint8))
    assert sheets.kind == "png"
    assert opened(sheets.pictures[0]).shape == (8, 16, 3)


def test_the_more_thumbnails_the_smaller():
    assert thumbnail_side(10, (8, 8)) == 8
    assert thumbnail_side(10, (500, 400, 3)) == 192
    assert thumbnail_side(5_000, (500, 400, 3)) == 64
    assert thumbnail_side(10**9, (8, 8)) == 1


@pytest.mark.parametrize("side", [32, 48])
def test_many_bytes_are_spared_by_quality(side):
    noise = np.random.default_rng(0).integers(0, 256, (20, side, side, 3), np.uint8)
    best = pack(noise)
    least = sum(map(len, best.pictures)) * 2 // 3
    small = pack(noise, ThumbnailSettings(max_bytes=least))
    assert sum(map(len, small.pictures)) <= least
    first = opened(best.pictures[0])[:side, :side]
    assert np.array_equal(first, noise[0]) == (side == 32)  # nothing is lost
    # At the worst quality there is, rather than not at all.
    assert pack(noise, ThumbnailSettings(max_bytes=1)).pictures


@pytest.mark.slow
def test_pages_of_thousands_of_pictures_can_be_sent():
    noise = np.random.default_rng(0).normal(0, 25, (5_000, 96, 96, 3))
    slopes = np.linspace(0, 200, 96)[:, None, None]
    photographs = (noise + slopes).clip(0, 255).astype(np.uint8)
    side = thumbnail_side(5_000, photographs.shape[1:])
    for squares in (photographs[:, :32, :32], thumbnails(photographs, side)):
        # What else a page tells of them takes less than 1.5 MB.
        assert sum(map(len, pack(squares).links)) < 13_500_000
    digits = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    assert sum(map(len, pack(digits).links)) < 500_000


def test_oblong_pictures_get_borders():
    found = thumbnails(np.zeros((1, 20, 10, 3), np.uint8), 8)
    assert found.shape == (1, 8, 8, 3)
    assert np.all(found[0, :, :2] == 255)
    assert np.all(found[0, :, 2:6] == 0)
    assert np.all(found[0, :, 6:] == 255)


def test_pictures_of_any_layout():
    grey = np.arange(2 * 4 * 4).reshape(2, 4, 4)
    wanted = np.rint(grey / grey.max() * 255).astype(np.uint8)
    assert np.array_equal(pictures_of(grey, None, None), wanted)
    assert np.array_equal(pictures_of(grey.reshape(2, 16), (4, 4), None), wanted)
    colour = np.zeros((2, 4, 5, 8), np.uint8)
    assert pictures_of(colour, None, 1).shape == (2, 5, 8, 3)  # without transparency
    assert pictures_of(colour[:, :3], None, None).shape == (2, 5, 8, 3)
    ready = np.zeros((2, 5, 8, 3), np.uint8)
    assert pictures_of(ready, None, -1) is ready
    assert pictures_of(ready, None, None) is ready


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3), (200, 100, 3)])
def test_contact_sheet(shape):
    labels = np.array([0, 0, 0, 2])
    levels = np.array([50, 100, 150, 200], np.uint8)
    pictures = np.ones((4, *shape), np.uint8) * levels.reshape(-1, *[1] * len(shape))
    confidence = np.array([0.1, 0.9, 0.5, 1.0])
    png = contact_sheet(pictures, labels, confidence, software="deepcluster_sk 1")
    assert made_here(Image.open(io.BytesIO(png)))
    pixels = opened(png)
    # In the middle of the tiles: the surest first, a row a cluster.
    row = pixels[4 + 32, 110 + 32 :: 68, 0]
    assert row.tolist() == [100, 150, 50]
    assert pixels[4 + 68 + 32, 110 + 32, 0] == 200
