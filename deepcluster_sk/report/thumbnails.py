"""Thumbnails of many images, packed into a few pictures that browsers decode fast."""

import base64
import io
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.data.axes import flatten_samples
from deepcluster_sk.data.pictures import pillow
from deepcluster_sk.data.showing import as_pictures


@dataclass(frozen=True)
class ThumbnailSettings:
    """How large thumbnails are, and how they are stored."""

    max_side: int = 192
    """Pixels of a side, at most: one picture is looked at in 300. Smaller images keep
    their size."""
    max_pixels: int = 5_000 * 64 * 64
    """Of all thumbnails together: 5,000 photographs are stored at 64x64 pixels, 2,000
    at 101x101."""
    max_bytes: int = 10_000_000
    """Of all sheets together: a page of 5,000 pictures has less than 15 MB then, since
    what else it tells of them takes 1 MB, and bytes are a third longer as text."""
    lossless_side: int = 32
    """Up to this side nothing is lost, and nothing runs into the neighbours; above,
    lossy compression takes a fifth of the bytes."""
    qualities: tuple[int, ...] = (80, 60, 40, 20)
    """Of lossy compression, of 100: the first that keeps to the number of bytes."""
    sheet_side: int = 2_048
    """Pixels of a side of a sheet, at most: phones refuse pictures that are larger."""


THUMBNAILS = ThumbnailSettings()


@dataclass(frozen=True)
class Sheets:
    """Thumbnails on sheets: as many rows as there are columns on each.

    Attributes
    ----------
    side : int
        Pixels of a thumbnail, which is a square.
    columns : int
        Thumbnails in a row and, but for the last sheet, in a column.
    pictures : list of bytes
        The sheets, as picture files.
    kind : {"webp", "png"}
    """

    side: int
    columns: int
    pictures: list[bytes]
    kind: str

    @property
    def links(self) -> list[str]:
        """The sheets as addresses that hold them, for a page."""
        return [
            f"data:image/{self.kind};base64,{base64.b64encode(picture).decode()}"
            for picture in self.pictures
        ]


def pictures_of(
    X: Any, image_shape: tuple[int, ...] | None, channel_axis: int | None
) -> NDArray[np.uint8]:
    """Bring images of any kind that an estimator takes to pictures.

    Parameters
    ----------
    X : array-like
        Images, or rows of a known shape.
    image_shape : tuple of int or None
        Of the rows.
    channel_axis : {1, -1} or None

    Returns
    -------
    ndarray of shape (n, H, W) or (n, H, W, 3)

    Raises
    ------
    ValueError
        If they cannot be read as images.
    """
    if _are_pictures(X, channel_axis):
        return X  # without copies of eight times the size
    rows, shape = flatten_samples(X)
    images = np.asarray(rows)
    if shape is not None:
        images = images.reshape(shape)
    shares = as_pictures(images, image_shape, channel_axis)
    if shares.ndim == 4:
        shares = shares[..., :3]  # transparency is not shown
    return np.rint(255 * shares).astype(np.uint8)


def _are_pictures(X: Any, channel_axis: int | None) -> TypeGuard[NDArray[np.uint8]]:
    """Whether images are what is wanted as they are."""
    if not isinstance(X, np.ndarray) or X.dtype != np.uint8:
        return False
    if X.ndim != 4:
        return X.ndim == 3
    is_last = channel_axis == -1 or (
        channel_axis is None and X.shape[1] not in (1, 3, 4)
    )
    return is_last and X.shape[-1] == 3


def thumbnail_side(n: int, shape: tuple[int, ...]) -> int:
    """Pixels of a side of each of `n` thumbnails of images ``(H, W, ...)``."""
    budget = int((THUMBNAILS.max_pixels / max(n, 1)) ** 0.5)
    return max(1, min(THUMBNAILS.max_side, max(shape[:2]), budget))


def thumbnails(pictures: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Scale pictures to squares; what is not square gets white borders.

    Parameters
    ----------
    pictures : ndarray of shape (n, H, W) or (n, H, W, 3)
    side : int

    Returns
    -------
    ndarray of shape (n, side, side) or (n, side, side, 3)
    """
    height, width = pictures.shape[1:3]
    if (height, width) == (side, side):
        return pictures
    image = pillow()
    scale = side / max(height, width)
    small = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (side - small[0]) // 2, (side - small[1]) // 2
    shape = (len(pictures), side, side, *pictures.shape[3:])
    found = np.full(shape, 255, np.uint8)
    for target, picture in zip(found, pictures, strict=True):
        scaled = image.fromarray(picture).resize(small, image.Resampling.LANCZOS)
        target[top : top + small[1], left : left + small[0]] = np.asarray(scaled)
    return found


def pack(
    squares: NDArray[np.uint8], settings: ThumbnailSettings = THUMBNAILS
) -> Sheets:
    """Put thumbnails ``(n, side, side)`` or ``(n, side, side, 3)`` on sheets."""
    side = squares.shape[1]
    columns = max(1, min(settings.sheet_side // side, _root(len(squares))))
    per_sheet = columns * columns
    grids = []
    for start in range(0, len(squares), per_sheet):
        part = squares[start : start + per_sheet]
        rows = -(-len(part) // columns)
        sheet = np.zeros((rows * columns, *squares.shape[1:]), np.uint8)
        sheet[: len(part)] = part
        grid = sheet.reshape(rows, columns, *squares.shape[1:]).swapaxes(1, 2)
        grids.append(grid.reshape(rows * side, columns * side, *squares.shape[3:]))
    kind = "png"
    attempts: list[dict[str, Any]] = [{"optimize": True}]
    if _knows_webp():
        kind = "webp"
        attempts = [{"quality": quality} for quality in settings.qualities]
        if side <= settings.lossless_side:
            attempts.insert(0, {"lossless": True})
    for options in attempts:
        pictures = [_encode(grid, kind, options) for grid in grids]
        if sum(map(len, pictures)) <= settings.max_bytes:
            break
    return Sheets(side, columns, pictures, kind)


def _encode(pixels: NDArray[np.uint8], kind: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pillow().fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def _root(n: int) -> int:
    """Side of the smallest square of so many fields."""
    return int(np.ceil(np.sqrt(n)))


def _knows_webp() -> bool:
    """Whether this Pillow was built with WebP."""
    from PIL import features

    return bool(features.check("webp"))
