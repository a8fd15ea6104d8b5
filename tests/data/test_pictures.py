"""One picture: turned, made opaque, grey or colour, and on which scale."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.data.axes import flatten_samples
from deepcluster_sk.data.pictures import (
    open_picture,
    parse_background,
    read_pixels,
    reason,
)
from deepcluster_sk.data.pixels import Pixels, is_grey, stacked
from deepcluster_sk.data.samples import plain, plain_of_white
from tests.made import quick

WHITE = (255, 255, 255)
#: Pictures of two pixels by three, all pixels different.
GREY = np.arange(10, 250, 40, np.uint8).reshape(2, 3)
TURNED = {
    1: GREY,
    2: GREY[:, ::-1],
    3: GREY[::-1, ::-1],
    4: GREY[::-1],
    5: GREY.T,
    6: np.rot90(GREY, -1),
    7: GREY[::-1, ::-1].T,
    8: np.rot90(GREY),
}


def saved(picture, ending, **options):
    """What is read of a picture that was saved in a format."""
    file = io.BytesIO()
    picture.save(file, ending, **options)
    file.seek(0)
    return Image.open(file)


def values(picture, background=WHITE, **options):
    return read_pixels(picture, background, **options).values


@pytest.mark.parametrize("ending", ["png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", TURNED)
def test_turned_upright_once(ending, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if ending == "webp" else {}
    picture = saved(Image.fromarray(GREY), ending, exif=exif, **options)
    found = values(picture)
    assert_array_equal(found[..., 0] if found.ndim == 3 else found, TURNED[orientation])


def jpeg_with_exif(size, entries):
    """Content of a JPEG whose EXIF holds any entries: (tag, type, count, value)."""
    ifd = len(entries).to_bytes(2, "little")
    for tag, kind, count, value in entries:
        ifd += tag.to_bytes(2, "little") + kind.to_bytes(2, "little")
        ifd += count.to_bytes(4, "little") + value.ljust(4, b"\0")
    block = b"Exif\0\0II*\0\x08\0\0\0" + ifd + bytes(4)
    file = io.BytesIO()
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2] = 255  # the left half is white
    Image.fromarray(pixels).save(file, "jpeg", quality=95, exif=block)
    return file.getvalue()


@pytest.mark.parametrize(
    "other",
    [
        (0x011A, 1, 1, b"\x1b"),  # XResolution as a byte, for which no JPEG is opened
        (0x0128, 2, 3, b"ab\0"),  # ResolutionUnit as text
        (0x011A, 2, 3, b"ab\0"),  # XResolution as text
        (0x9286, 3, 1, b"\1\0"),  # UserComment as a number
        (0x8769, 2, 3, b"ab\0"),  # the pointer to more entries as text
        (0x0110, 7, 4, b"\xff\xfe\xfd\xfc"),
    ],
)
def test_other_exif_entries_do_not_matter(tmp_path, other):
    entries = [(0x0112, 3, 1, b"\6\0"), other]
    if other[0] != 0x0128:
        entries.append((0x0128, 3, 1, b"\2\0"))
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg_with_exif((40, 48), entries))
    with open_picture(path) as picture:
        found = values(picture)
    assert found.shape == (40, 48, 3)  # turned by a quarter
    assert found[:10].mean() > 240  # left became top
    assert found[-10:].mean() < 15


@pytest.mark.parametrize(
    "note", [(2, 2, b"6\0"), (3, 1, b"\x09\0"), (3, 1, b"\0\0"), (3, 2, b"\6\0\6\0")]
)
def test_orientations_that_mean_nothing_turn_nothing(note):
    content = jpeg_with_exif((40, 48), [(0x0112, *note)])
    assert values(Image.open(io.BytesIO(content))).shape == (48, 40, 3)


def test_unreadable_exif_turns_nothing(monkeypatch):
    def broken(self):
        raise SyntaxError("not a TIFF file")

    picture = Image.fromarray(GREY)
    monkeypatch.setattr(Image.Image, "getexif", broken)
    assert_array_equal(values(picture), GREY)


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBA", "RGBa"])
def test_alpha_channels_are_laid_on_the_background(mode):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (0, 0, 0, 255)  # one black pixel on black, but transparent, ground
    steps = {"La": ("LA", "La"), "RGBa": ("RGBa",), "PA": ("RGB", "PA")}
    picture = Image.fromarray(pixels)
    alpha = picture.getchannel("A")
    for step in steps.get(mode, (mode,)):
        picture = picture.convert(step)
    if mode == "PA":
        picture.putalpha(alpha)
    assert picture.mode == mode
    assert_array_equal(values(picture)[..., 0], [[0, 255], [255, 255]])
    found = values(picture, background=(255, 200, 0))
    assert found[1, 1].tolist() == [255, 200, 0]
    assert found[0, 0].tolist() == [0, 0, 0]


def test_half_transparent_pixels_are_mixed():
    picture = Image.new("RGBA", (1, 1), (0, 0, 0, 51))
    assert values(picture)[0, 0].tolist() == [204, 204, 204]


@pytest.mark.parametrize(
    ("mode", "ending"),
    [(mode, "png") for mode in ("1", "L", "RGB", "P")]
    + [(mode, "gif") for mode in ("1", "L", "P")],
)
def test_transparent_levels_and_colours_and_palette_entries(mode, ending):
    picture = Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode)
    black = {"RGB": (0, 0, 0), "P": picture.getpixel((0, 0))}.get(mode, 0)
    picture = saved(picture, ending, transparency=black)
    found = values(picture, background=(10, 20, 30))
    assert found.tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_transparent_level_of_16_bits():
    picture = Image.fromarray(np.array([[1000, 2000]], np.uint16))
    picture.info["transparency"] = 1000  # as from a PNG; not every Pillow writes it
    assert_allclose(values(picture), [[65535, 2000]])
    assert_allclose(values(picture, background=(0, 0, 0)), [[0, 2000]])


@pytest.mark.parametrize(
    ("kind", "top"),
    [
        (np.uint8, 255),
        (np.uint16, 65535),
        (np.int16, 32767),
        (np.int32, 2**31 - 1),
        (np.uint32, 2**32 - 1),
        (np.float32, None),
    ],
)
def test_range_of_the_type_of_a_tiff(kind, top):
    high = 1.0 if top is None else top
    pixels = np.array([[0, high]]).astype(kind)
    if kind in (np.int16, np.uint32):  # which Pillow reads but does not write
        picture = tiff(pixels)
    else:
        picture = saved(Image.fromarray(pixels), "tiff")
    found = read_pixels(picture, WHITE)
    assert found.top == top
    assert_allclose(found.values, [[0, high]], rtol=1e-6)


def tiff(pixels):
    """A grey TIFF of any integer type, written by hand."""
    kind = 2 if pixels.dtype.kind == "i" else 1
    height, width = pixels.shape
    entries = [
        (256, 3, width),
        (257, 3, height),
        (258, 3, 8 * pixels.itemsize),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8 + 2 + 9 * 12 + 4),
        (278, 3, height),
        (279, 4, pixels.nbytes),
        (339, 3, kind),
    ]
    content = b"II*\0\x08\0\0\0" + len(entries).to_bytes(2, "little")
    for tag, field, value in entries:
        content += tag.to_bytes(2, "little") + field.to_bytes(2, "little")
        content += (1).to_bytes(4, "little") + value.to_bytes(4, "little")
    content += bytes(4) + pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("ending", ["png", "pgm"])
def test_16_bits_of_png_and_pgm_have_a_range_of_65535(ending):
    pixels = np.array([[0, 65535]], np.uint16)
    if ending == "pgm":
        file = io.BytesIO(b"P5 2 1 65535\n" + pixels.astype(">u2").tobytes())
        picture = Image.open(file)
    else:
        picture = saved(Image.fromarray(pixels), "png")
    found = read_pixels(picture, WHITE)
    assert found.top == 65535
    assert_allclose(found.values, pixels)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    picture = Image.fromarray(np.array([[0, 1, bad]], np.float32))
    with pytest.raises(ValueError, match="1 of its 3 values are NaN or infinite"):
        read_pixels(picture, WHITE)


def test_types_are_put_on_one_scale_that_of_8_bits_where_they_are_among_them():
    eight = Pixels(np.array([[0, 255]], np.uint8), 255.0)
    sixteen = Pixels(np.array([[100, 65535]], np.float32), 65535.0)
    real = Pixels(np.array([[0.5, 1]], np.float32), None)
    assert stacked([eight, eight], colour=False).dtype == np.uint8
    assert_allclose(stacked([sixteen], colour=False), [[[100, 65535]]])
    mixed = stacked([eight, sixteen], colour=False)
    assert_allclose(mixed, [[[0, 255]], [[100 / 257, 255]]], rtol=1e-6)
    assert_allclose(stacked([eight, real], colour=False), [[[0, 255]], [[127.5, 255]]])
    assert_allclose(stacked([sixteen, real], colour=False)[1], [[0.5, 1]])
    assert_allclose(stacked([real], colour=False), [[[0.5, 1]]])


def test_scaled_edges_stay_within_the_picture():
    pixels = np.zeros((40, 40), np.uint16)
    pixels[:, 20:] = 60000
    found = values(Image.fromarray(pixels), side=9)
    assert found.min() >= 0
    assert found.max() <= 60000


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        ("white", (255, 255, 255)),
        ("#0a141e", (10, 20, 30)),
        (7, (7, 7, 7)),
        (np.uint8(7), (7, 7, 7)),
        ((1, 2, 3), (1, 2, 3)),
        ([1, 2, 3], (1, 2, 3)),
    ],
)
def test_backgrounds(given, levels):
    assert parse_background(given) == levels


@pytest.mark.parametrize(
    "given",
    ["nocolour", "", "#ffffff80", 256, -1, 0.5, True, None, (1, 2), (1, 2, 256), "1"],
)
def test_no_backgrounds(given):
    with pytest.raises(ValueError, match="no opaque colour"):
        parse_background(given)


def test_formats_that_start_other_programs_are_not_opened(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    def ghostscript(*args, **kwargs):
        raise AssertionError("Ghostscript was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", ghostscript)
    path = tmp_path / "innocent.png"
    Image.new("RGB", (9, 9)).save(path, "eps")
    with Image.open(path) as picture:  # Pillow alone takes it for what it is
        assert picture.format == "EPS"
    with pytest.raises(OSError, match="cannot identify"):
        open_picture(path)


def test_content_decides_not_the_name(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "really_png.jpg", "png")
    with open_picture(tmp_path / "really_png.jpg") as picture:
        assert_array_equal(values(picture), GREY)


def test_tga_is_tried_where_the_name_says_so_only(tmp_path):
    for name in ("a.tga", "a.png"):
        Image.fromarray(GREY).save(tmp_path / name, "tga")
    with open_picture(tmp_path / "a.tga") as picture:
        assert_array_equal(values(picture), GREY)
    with pytest.raises(OSError, match="cannot identify"):
        open_picture(tmp_path / "a.png")


def test_large_jpegs_are_not_decoded_in_full():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (8, 12, 3), np.uint8)
    full = Image.fromarray(coarse).resize((1200, 800), Image.Resampling.BICUBIC)
    picture = saved(full, "jpeg", quality=95)
    found = values(picture, side=16)
    assert picture.size == (150, 100)
    # And it shows the same: the centre, scaled.
    reference = values(full, side=16)
    assert np.abs(found.astype(float) - reference).mean() < 3


def test_grey_is_what_shows_no_colour():
    assert is_grey(GREY)
    assert is_grey(np.repeat(GREY[..., np.newaxis], 3, axis=2))
    coloured = np.repeat(GREY[..., np.newaxis], 3, axis=2)
    coloured[0, 0, 2] += 1
    assert not is_grey(coloured)


def test_lists_of_palette_pictures_are_looked_up():
    rng = np.random.default_rng(0)
    colours = [
        Image.fromarray(rng.integers(0, 255, (4, 5, 3), np.uint8)) for _ in range(3)
    ]
    pictures = [picture.quantize(256) for picture in colours]
    X = plain(pictures)
    assert X.shape == (3, 4, 5, 3)
    assert_array_equal(X, [np.asarray(picture.convert("RGB")) for picture in pictures])
    rows, shape = flatten_samples(pictures)
    assert shape == X.shape
    assert_array_equal(rows, X.reshape(3, -1))


def test_lists_of_grey_palettes_are_grey():
    # A palette of its own order: the indices are not the levels.
    picture = Image.new("P", (2, 1))
    picture.putpalette([200, 200, 200, 10, 10, 10])
    picture.putdata([0, 1])
    assert plain([picture]).tolist() == [[[200, 10]]]
    # Beside a colour, or for a model of colours, they are colours.
    assert plain([picture, Image.new("RGB", (2, 1))]).shape == (2, 1, 2, 3)
    assert plain_of_white([picture], n_channels=3)[0].shape == (1, 1, 2, 3)


def test_lists_of_colour_pictures_keep_their_channels():
    # Whether a batch happens to show grey only must not change its shape.
    assert plain([Image.new("RGB", (2, 1))]).shape == (1, 1, 2, 3)
    assert plain([Image.new("RGBA", (2, 1))]).tolist() == [[[[255] * 3] * 2]]


def test_lists_of_16_bits():
    pictures = [Image.fromarray(np.array([[value]], np.uint16)) for value in (5, 60000)]
    X = plain(pictures)
    assert X.dtype == np.float32
    assert X.ravel().tolist() == [5, 60000]
    X = plain([*pictures, Image.new("L", (1, 1), 255)])
    assert_allclose(X.ravel(), [5 / 257, 60000 / 257, 255], rtol=1e-6)


def test_lists_of_pictures_that_do_not_fit_together():
    picture = Image.new("L", (5, 4))
    with pytest.raises(ValueError, match=r"Entry 1 of X is a list"):
        plain([picture, [1, 2]])
    with pytest.raises(ValueError, match=r"Picture 1 .* \(4, 6\).* \(4, 5\)"):
        plain([picture, Image.new("L", (6, 4))])
    broken = Image.fromarray(np.array([[np.nan]], np.float32))
    with pytest.raises(ValueError, match="Picture 0 of X: 1 of its 1 values"):
        plain([broken])
    large = Image.new("F", (5, 4), 3.0)
    with pytest.raises(ValueError, match=r"Picture 1 .* no common scale"):
        plain([picture, large])
    assert_allclose(plain([picture, Image.new("F", (5, 4), 1.0)])[1], 255)


def test_what_errors_say():
    assert reason(FileNotFoundError(2, "No such file", "/a/b")) == "No such file"
    assert reason(ValueError("two\nlines")) == "two lines"
    assert reason(KeyError("x")) == "KeyError 'x'"
    assert reason(ValueError()) == "ValueError"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_clusterers_take_lists_of_pictures():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (30, 8, 8, 3), np.uint8)
    pictures = [Image.fromarray(image).quantize(8) for image in pixels]
    model = quick(DeepTripletClusterer).fit(pictures)
    assert model.image_shape_ in ((3, 8, 8), (8, 8, 3))
    X = np.array([picture.convert("RGB") for picture in pictures])
    assert_array_equal(model.labels_, quick(DeepTripletClusterer).fit(X).labels_)
    assert_array_equal(model.predict(pictures), model.labels_)
    # Grey pictures are colour pictures to a model of colours.
    grey = [Image.fromarray(image[..., 0]) for image in pixels]
    repeated = np.repeat(pixels[..., :1], 3, axis=3)
    assert_array_equal(model.predict(grey), model.predict(repeated))
