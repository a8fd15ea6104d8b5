"""Pixels of pictures, put on one scale: grey or colour, of one depth."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Share of red, green and blue in the brightness of a colour (ITU-R 601, as Pillow's).
LUMA = (0.299, 0.587, 0.114)


class Pixels(NamedTuple):
    """Pixels of one picture.

    Attributes
    ----------
    values : ndarray of shape (H, W) or (H, W, 3)
        uint8 where the picture has 8 bits or fewer, else float32.
    top : float or None
        Largest value of the type that was stored, such as 255 or 65,535. None for
        floating-point numbers, whose type sets none.
    """

    values: NDArray[Any]
    top: float | None


def is_grey(values: NDArray[Any]) -> bool:
    """Whether pixels ``(H, W)`` or ``(H, W, 3)`` show no colour."""
    return values.ndim == 2 or bool((values == values[..., :1]).all())


def greyed(pixels: Pixels) -> Pixels:
    """Brightness of pixels; grey ones stay what they are."""
    values = pixels.values
    if is_grey(values):
        return pixels
    brightness = values @ np.array(LUMA)
    if values.dtype == np.uint8:
        brightness = np.rint(brightness)
    return Pixels(brightness.astype(values.dtype), pixels.top)


def stacked(pictures: Sequence[Pixels], colour: bool) -> NDArray[Any]:
    """Put pictures of one size on one scale, in one array.

    Integers of several types are scaled by what their types can hold: 8-bit white
    becomes 16-bit white. Floating-point numbers beside integers are taken as shares of
    white, 0 to 1.

    Parameters
    ----------
    pictures : sequence of Pixels
    colour : bool
        Whether the array has three channels. If not, colours must be grey.

    Returns
    -------
    X : ndarray of shape (n, H, W) or (n, H, W, 3)
        uint8 if all pictures have 8 bits, else float32: the pictures' own values where
        they are of one type, else in the range of the largest type, or in [0, 1] where
        some are floating-point numbers.
    """
    tops = {picture.top for picture in pictures}
    # One type: the files' own values.
    top = 1.0 if None in tops else max(top for top in tops if top is not None)
    dtype = np.uint8 if tops == {255.0} else np.float32
    shape = pictures[0].values.shape[:2] + ((3,) if colour else ())
    X = np.empty((len(pictures), *shape), dtype)
    for target, (values, own) in zip(X, pictures, strict=True):
        if colour and values.ndim == 2:
            values = values[..., np.newaxis]
        elif not colour and values.ndim == 3:
            values = values[..., 0]
        target[...] = values if own in (None, top) else values * np.float32(top / own)
    return X


def is_share(pixels: Pixels) -> bool:
    """Whether pixels can lie beside integers: they are, or are shares from 0 to 1."""
    if pixels.top is not None:
        return True
    return bool(pixels.values.min() >= 0 and pixels.values.max() <= 1)
