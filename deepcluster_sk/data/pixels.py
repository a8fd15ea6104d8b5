"""Pixels of pictures, put on one scale: grey or colour, of one depth."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Share of red, green and blue in the brightness of a colour (ITU-R 601, as Pillow's).
LUMA = (0.299, 0.587, 0.114)
#: White of pictures of 8 bits.
_WHITE_OF_8_BITS = 255.0


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


def white_of(pictures: Sequence[Pixels]) -> float | None:
    """Tell what is to stand for white where pictures lie in one array.

    255 where any has 8 bits, so that whatever lies beside it, later pictures of 8 bits
    fit. Else 1 where some are floating-point numbers, and the largest value of the
    types of integers where none are. None if all are floating-point numbers.
    """
    tops = {picture.top for picture in pictures}
    if _WHITE_OF_8_BITS in tops:
        return _WHITE_OF_8_BITS
    integers = [top for top in tops if top is not None]
    if not integers:
        return None
    return 1.0 if None in tops else max(integers)


def checked_white(white: Any) -> float | None:
    """Return the white that is asked for as a float.

    Raises
    ------
    ValueError
        If it is neither None nor a positive number.
    """
    if white is None:
        return None
    is_number = isinstance(white, Real) and not isinstance(white, bool)
    if not is_number or not 0 < white < math.inf:
        raise ValueError(
            f"white={white!r} must be None or a positive number, such as 255 for "
            "pictures of 8 bits, or 65535 for 16."
        )
    return float(white)


def stacked(
    pictures: Sequence[Pixels], colour: bool, white: float | None = None
) -> NDArray[Any]:
    """Put pictures of one size on one scale, in one array.

    Integers are scaled by what their types can hold: white of any type becomes white
    of the array. Floating-point numbers are taken as shares of white, 0 to 1.

    Parameters
    ----------
    pictures : sequence of Pixels
    colour : bool
        Whether the array has three channels. If not, colours must be grey.
    white : float, default=None
        What stands for white in the array. None takes what :func:`white_of` tells, and
        leaves floating-point numbers as they are where all are.

    Returns
    -------
    X : ndarray of shape (n, H, W) or (n, H, W, 3)
        uint8 if all pictures have 8 bits, and white is 255; else float32.
    """
    if white is None:
        white = white_of(pictures)
    tops = {picture.top for picture in pictures}
    dtype = np.uint8 if tops == {white} == {_WHITE_OF_8_BITS} else np.float32
    shape = pictures[0].values.shape[:2] + ((3,) if colour else ())
    X = np.empty((len(pictures), *shape), dtype)
    for target, (values, top) in zip(X, pictures, strict=True):
        if colour and values.ndim == 2:
            values = values[..., np.newaxis]
        elif not colour and values.ndim == 3:
            values = values[..., 0]
        own = 1.0 if top is None else top
        if white is not None and white != own:
            values = values.astype(np.float32) * np.float32(white) / np.float32(own)
        target[...] = values
    return X


def reasons_of_scale(
    pictures: Sequence[Pixels], white: float | None
) -> list[str | None]:
    """Why pictures have no common scale with the others, None where they have.

    The fewer have none; but where a white is asked for, all floating-point numbers that
    are no shares of white, from 0 to 1.
    """
    is_float = [picture.top is None for picture in pictures]
    n_floats = sum(is_float)
    is_alone = white is None and n_floats in (0, len(pictures))
    if is_alone or all(map(is_share, pictures)):
        return [None] * len(pictures)
    if white is None and 2 * n_floats > len(pictures):
        why = "integers, the other files hold floating-point numbers beyond [0, 1]"
        return [None if one else why for one in is_float]
    why = "floating-point numbers beyond [0, 1], which are no shares of white"
    return [None if is_share(picture) else why for picture in pictures]


def is_share(pixels: Pixels) -> bool:
    """Whether pixels can lie beside integers: they are, or are shares from 0 to 1."""
    if pixels.top is not None:
        return True
    return bool(pixels.values.min() >= 0 and pixels.values.max() <= 1)
