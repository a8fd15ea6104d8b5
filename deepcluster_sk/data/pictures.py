"""One picture in, pixels out: upright, grey or colour, nothing transparent.

Whatever a file or a Pillow image holds (palettes, transparency, 1 to 32 bits, floats,
a camera's note of how it was turned) becomes an array ``(H, W)`` or ``(H, W, 3)`` and
the largest value its type can have, so that pictures of several types can be put on
one scale. Pillow is imported when a picture is there to be read, not before.
"""

import io
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.data.pixels import LUMA, Pixels

#: File name endings that are read, in lower case.
PICTURE_SUFFIXES = (
    *(".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".j2c"),
    *(".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo"),
    *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
)
#: What a file may hold, whatever its name says. Pillow knows more formats; some start
#: other programs (EPS runs Ghostscript), and a folder may come from anywhere.
_FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF"),
    "WEBP",
)
#: The format of many phones, which Pillow reads by the help of another package.
_HEIF = "HEIF"
HEIF_MISSING = (
    "HEIC is read by pillow-heif, which is not installed: "
    'pip install "deepcluster-sk[heif]"'
)
#: Kinds of HEIF (bytes 8 to 12) that hold what Pillow alone does not read.
_HEIF_KINDS = (
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1"),
)
#: How JPEG files, and the EXIF entries in them, begin.
_JPEG, _EXIF = b"\xff\xd8", b"Exif\0\0"
#: Begins the entry "Software" of every PNG that this package writes.
MADE_HERE = "deepcluster_sk"

#: How to turn a picture upright, by the value of its EXIF tag of that name.
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_TIFF_BITS, _TIFF_SAMPLE_FORMAT, _TIFF_SIGNED = 258, 339, 2

Colour = tuple[int, int, int]


def pillow() -> Any:
    """Import :mod:`PIL.Image`, or say how to install it.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading pictures needs Pillow, which is not installed: "
            'pip install "deepcluster-sk[images]"'
        ) from error
    return Image


def learn_formats() -> None:
    """Let Pillow know all formats that it can read here, HEIC too.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    """
    image = pillow()
    image.init()
    if _HEIF not in image.OPEN:
        with suppress(ImportError):
            from pillow_heif import register_heif_opener

            register_heif_opener()


def open_picture(path: Path, file: IO[bytes] | None = None) -> Any:
    """Open a picture file, whose pixels are read later.

    The content decides on the format, not the name; but TGA, which no content is known
    by, is tried only where the name says so.

    Parameters
    ----------
    path : Path
    file : binary file, default=None
        Where the content is, if not at the path.

    Raises
    ------
    OSError
        If the file cannot be opened or holds no picture of a format that is read.
    ImportError
        If it is HEIC, and pillow-heif is not installed.
    """
    learn_formats()
    image = pillow()
    wanted = ("TGA",) if path.suffix.lower() == ".tga" else (*_FORMATS, _HEIF)
    # Some are not compiled into every Pillow.
    formats = [name for name in wanted if name in image.OPEN]
    try:
        return image.open(path if file is None else file, formats=formats)
    except Exception:
        content = _start_of(path, file)
        is_heif = content[4:8] == b"ftyp" and content[8:12] in _HEIF_KINDS
        if is_heif and _HEIF not in formats:
            raise ImportError(HEIF_MISSING) from None
        start = content.find(_EXIF)
        if start < 0 or not content.startswith(_JPEG):
            raise
        # Pillow looks for a resolution among the EXIF entries of a JPEG, and gives the
        # picture up where it is none. It is shown the entries later.
        hidden = content.replace(_EXIF, b"Hidden", 1)
        picture = image.open(io.BytesIO(hidden), formats=formats)
        end = start - 2 + int.from_bytes(content[start - 2 : start], "big")
        picture.info["exif"] = content[start:end]
        return picture


def _start_of(path: Path, file: IO[bytes] | None) -> bytes:
    """First bytes of a file; all of it, if it is a JPEG."""
    if file is None:
        with path.open("rb") as opened:
            return _start_of(path, opened)
    file.seek(0)
    start = file.read(12)
    return start + (file.read() if start.startswith(_JPEG) else b"")


def made_here(picture: Any) -> bool:
    """Whether an open picture was drawn by this package."""
    return str(picture.info.get("Software", "")).startswith(MADE_HERE)


def parse_background(background: Any) -> Colour:
    """Return the red, green and blue (0-255) of what transparent pictures lie on.

    Parameters
    ----------
    background : str, int or sequence of 3 ints
        A name ("white") or number ("#ffcc00") of CSS, a grey level or the three
        levels, 0-255.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    pillow()
    from PIL import ImageColor

    levels: Any = background
    if isinstance(background, str):
        levels = ()
        with suppress(ValueError):
            levels = ImageColor.getrgb(background)
    elif np.ndim(background) == 0:
        levels = (background,) * 3
    values = np.asarray(levels)
    if (
        values.shape != (3,)
        or values.dtype.kind not in "iu"
        or not ((values >= 0) & (values <= 255)).all()
    ):
        raise ValueError(
            f"background={background!r} is no opaque colour: use a name such as "
            "'white', '#rrggbb', a grey level from 0 to 255, or three of these."
        )
    red, green, blue = values.tolist()
    return red, green, blue


def read_pixels(picture: Any, background: Colour, side: int | None = None) -> Pixels:
    """Read the first frame of a picture.

    Parameters
    ----------
    picture : PIL.Image.Image
    background : tuple of 3 ints
        Colour that shows where the picture is transparent.
    side : int, default=None
        Cut to the central square and scale to this side; None keeps every pixel.

    Raises
    ------
    ValueError
        If a value is not finite.
    Exception
        Whatever the decoder raises: with damaged files, nearly anything.
    """
    if side is not None:
        # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, ten times as fast. Twice
        # the side is left for the better filter below.
        picture.draft(None, (2 * side, 2 * side))
    picture.load()  # before the EXIF entries are asked for: a PNG may have them last
    if picture.mode.startswith(("I", "F")):
        values, top = _deep_values(picture, background)
        picture = _upright(picture, pillow().fromarray(values))
    else:
        top = 255.0
        picture = _upright(picture, _flat(picture, background))
    if side is not None:
        picture = _square(picture, side)
    found = np.asarray(picture)
    if top != 255.0:
        # Sharp edges overshoot when scaled; 8-bit pictures are clipped by their type.
        found = found.clip(values.min(), values.max())
    return Pixels(found, top)


def reason(error: Exception) -> str:
    """Return what an error says, in one line and without the path it happened at."""
    damage = isinstance(error, (zipfile.BadZipFile, zlib.error))
    if damage or type(error).__name__ == "UnidentifiedImageError":
        return "its content is damaged, or of a format that is not read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())
    named = isinstance(error, (ImportError, OSError, ValueError)) and text
    return text if named else f"{type(error).__name__} {text}".strip()


def _deep_values(
    picture: Any, background: Colour
) -> tuple[NDArray[np.float32], float | None]:
    """Values of a grey picture of more than 8 bits, and its type's largest."""
    top, values = None, np.asarray(picture)
    if picture.mode != "F":
        # Where nothing tells, as in PNG and PGM, more than 8 bits are 16.
        tags = getattr(picture, "tag_v2", {})
        bits = int(tags.get(_TIFF_BITS, (16,))[0])
        signed = tags.get(_TIFF_SAMPLE_FORMAT, (1,))[0] == _TIFF_SIGNED
        if bits == 32 and not signed:
            values = values.astype(np.uint32)  # Pillow's own type has a sign
        top = float(2 ** (bits - signed) - 1)
    transparent = np.zeros(values.shape, bool)
    if isinstance(picture.info.get("transparency"), int):
        transparent = values == picture.info["transparency"]
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    n_bad = values.size - np.count_nonzero(np.isfinite(values))
    if n_bad:
        raise ValueError(f"{n_bad} of its {values.size} values are NaN or infinite")
    brightness = np.dot(LUMA, background) / 255
    values[transparent] = brightness * (1.0 if top is None else top)
    return values, top


def _flat(picture: Any, background: Colour) -> Any:
    """Make a picture of 8 bits or fewer grey or RGB, without transparency."""
    if picture.has_transparency_data:
        # Pillow knows no direct way from premultiplied grey.
        picture = picture.convert("LA") if picture.mode == "La" else picture
        ground = pillow().new("RGBA", picture.size, (*background, 255))
        ground.alpha_composite(picture.convert("RGBA"))
        return ground.convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def _upright(picture: Any, pixels: Any) -> Any:
    """Turn the pixels of a picture as its camera noted.

    By that entry alone: others are often damaged, and none is written back.
    """
    try:
        orientation = picture.getexif().get(_ORIENTATION)
    except Exception:  # a note nobody can read turns nothing
        return pixels
    if not isinstance(orientation, int) or orientation not in _UPRIGHT:
        return pixels
    return pixels.transpose(pillow().Transpose[_UPRIGHT[orientation]])


def _square(picture: Any, side: int) -> Any:
    """Cut to the central square and scale to a side."""
    width, height = picture.size
    edge = min(width, height)
    left, top = (width - edge) / 2, (height - edge) / 2
    return picture.resize(
        (side, side),
        pillow().Resampling.LANCZOS,
        box=(left, top, left + edge, top + edge),
        reducing_gap=3.0,
    )
