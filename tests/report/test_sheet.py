"""Names on the sheet of the surest pictures."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from deepcluster_sk.report import contact_sheet


def column(names, labels=(0, 0, 2, -1)):
    """Where the clusters are told, dark where there is text."""
    pictures = np.zeros((4, 8, 8), np.uint8)
    png = contact_sheet(pictures, np.array(labels), np.ones(4), names=names)
    return 255 - np.asarray(Image.open(io.BytesIO(png)).convert("L"))[:, :110]


@pytest.fixture(params=[True, False])
def has_freetype(request, monkeypatch):
    """Whether Pillow draws text by FreeType; some are built without."""
    if not request.param:
        if not hasattr(ImageFont, "load_default_imagefont"):
            pytest.skip("this Pillow has no other font")
        monkeypatch.setattr(
            ImageDraw.ImageDraw,
            "getfont",
            lambda self: ImageFont.load_default_imagefont(),
        )


@pytest.mark.usefixtures("has_freetype")
def test_names_stand_below_the_numbers_of_their_clusters():
    plain = column(None)
    assert np.array_equal(column([None, "of none", ""]), plain)
    named = column(["cats", None, "猫"])
    # Rows of -1, 0 and 2.
    assert np.array_equal(named[:72], plain[:72])
    for row in (1, 2):
        top = 4 + 68 * row
        assert np.array_equal(named[top : top + 38], plain[top : top + 38])
        assert named[top + 38 : top + 64].max() > 100


@pytest.mark.usefixtures("has_freetype")
def test_long_names_are_cut_and_stand_in_one_line():
    found = column(["wide\nname " * 9, None, None])
    assert found[:, 108:].max() == 0
    # Behind the number's line and the name's there is no third.
    assert found[4 + 68 + 54 : 4 + 68 + 64].max() == 0
    assert np.flatnonzero(found[4 + 68 + 38 : 4 + 68 + 54].max(axis=0)).max() > 90


def test_pictures_of_every_kind_are_the_same_sheet():
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8)
    labels, confidence = [0, 0, 1, 1], [0.1, 0.2, 0.4, 0.3]
    expected = contact_sheet(pictures, labels, confidence)
    for same in (pictures / 255, list(pictures), pictures[:, None]):
        assert contact_sheet(same, labels, confidence) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pictures": np.zeros((4, 64))}, "flat rows"),
        ({"pictures": np.full((4, 8, 8), np.nan)}, "hold NaN"),
        ({"pictures": np.zeros((3, 8, 8))}, r"\[3, 4, 4\]"),
        ({"labels": [0, 1]}, r"\[4, 2, 4\]"),
        ({"labels": [0, 0, 3, 3], "names": "abc"}, r"from -1 to 2 .* 3 names, got \[0"),
        ({"confidence": [1.0, np.nan, 1.0, 1.0]}, "confidence contains NaN"),
        ({"confidence": [1.0]}, r"\[4, 4, 1\]"),
        ({"pictures": np.zeros((0, 8, 8)), "labels": []}, "no images"),
    ],
)
def test_what_makes_no_sheet(given, message):
    sound = {
        "pictures": np.zeros((4, 8, 8)),
        "labels": [0, 0, 1, 1],
        "confidence": [1.0] * 4,
    }
    with pytest.raises(ValueError, match=message):
        contact_sheet(**{**sound, **given})
