"""Flat rows that look like images: told by which of their columns are alike."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Fewer pixels on a side show no shape to speak of.
_MIN_SIDE = 6
#: Rows that are looked at, at most: time.
_N_ROWS = 1_000
#: Neighbouring pixels differ by no more than this share of what any two of an image do,
#: squared: by .07 to .3, of 8x8 images by .31 and .63. Columns of vectors come in no
#: such order, and differ by as much as any two.
_ALIKE = 3 / 4


def image_shape_of(rows: NDArray[Any]) -> tuple[int, ...] | None:
    """Find the shape of square images in flat rows, if that is what they look like.

    Each pixel is to be like the one to its right and the one below, and the latter more
    so than the one half a row on: that is where curves, such as spectra, fail.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)

    Returns
    -------
    shape : tuple of int or None
        ``(side, side)``, ``(side, side, 3)`` or ``(3, side, side)``.
    """
    some = rows[:_N_ROWS].astype(np.float64)
    any_two = 2 * some.var(axis=1).mean()

    def gap(lag: int) -> float:
        return float(((some[:, lag:] - some[:, :-lag]) ** 2).mean())

    found = []
    for channels, shape, step in _candidates(rows.shape[1]):
        side = math.isqrt(rows.shape[1] // channels)
        right, below, half = (gap(step * lag) for lag in (1, side, side // 2))
        if max(right, below) < _ALIKE * any_two and below < half:
            found.append((right + below, shape))
    return min(found)[1] if found else None


def _candidates(n_features: int) -> list[tuple[int, tuple[int, ...], int]]:
    """Channels, shapes, and numbers from one pixel to the next."""
    grey, color = (math.isqrt(n_features // channels) for channels in (1, 3))
    found: list[tuple[int, tuple[int, ...], int]] = []
    if grey**2 == n_features and grey >= _MIN_SIDE:
        found.append((1, (grey, grey), 1))
    if 3 * color**2 == n_features and color >= _MIN_SIDE:
        found += [(3, (color, color, 3), 3), (3, (3, color, color), 1)]
    return found
