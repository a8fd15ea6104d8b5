"""Large images averaged down to a size that trains in minutes, and back."""

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.data.images import RowLayout, chunks

#: Smallest image side a convolutional network takes, in pixels.
MIN_SIDE = 8
#: Pixels that an image has at most, by default: those of 32x32.
MAX_PIXELS = 1024


def small_shape(shape: tuple[int, ...], max_pixels: int | None) -> tuple[int, ...]:
    """Shape of a sample ``(C, H, W)`` or ``(d,)`` within so many pixels.

    Sides keep their ratio as far as whole pixels allow, and neither falls below the 8
    that networks need.
    """
    if len(shape) == 1 or max_pixels is None or shape[1] * shape[2] <= max_pixels:
        return shape
    factor = (max_pixels / (shape[1] * shape[2])) ** 0.5
    sides = (min(side, max(MIN_SIDE, round(side * factor))) for side in shape[1:])
    return shape[0], *sides


def shrunk(
    rows: NDArray[np.generic], layout: RowLayout, shape: tuple[int, ...]
) -> tuple[NDArray[np.generic], RowLayout]:
    """Average images down.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
    layout : RowLayout
        Of these rows.
    shape : tuple of int
        Canonical shape that is wanted; the layout's own returns the rows as they are.

    Returns
    -------
    rows : ndarray of shape (n, C * H * W), float32
    layout : RowLayout
    """
    if layout.shape == shape:
        return rows, layout
    small = RowLayout("CHW", shape)
    found = np.empty((len(rows), small.n_features), np.float32)
    start = 0
    for chunk in chunks(rows, layout):
        averaged = _resampled(torch.from_numpy(chunk), shape[1:])
        found[start : start + len(chunk)] = small.flatten(averaged).numpy()
        start += len(chunk)
    return found, small


def enlarged(
    rows: NDArray[np.float32], small: RowLayout, layout: RowLayout
) -> NDArray[np.float32]:
    """Give shrunk images ``(n, n_features)`` their size and layout again."""
    if small.shape == layout.shape:
        return rows
    images = _resampled(small.arrange(torch.from_numpy(rows)), layout.shape[1:])
    return layout.flatten(images).numpy()


def _resampled(images: torch.Tensor, sides: tuple[int, ...]) -> torch.Tensor:
    """Means of ``(n, C, H, W)`` over the area of each new pixel."""
    rows, columns = (
        overlaps(size, cells).to(images)
        for size, cells in zip(images.shape[2:], sides, strict=True)
    )
    return rows @ images @ columns.T


def overlaps(size: int, cells: int) -> torch.Tensor:
    """Share of each cell's length that each pixel takes up, ``(cells, size)``."""
    edges = np.linspace(0, size, cells + 1)
    pixels = np.arange(size)
    upper = np.minimum(edges[1:, np.newaxis], pixels + 1)
    lower = np.maximum(edges[:-1, np.newaxis], pixels)
    return torch.from_numpy((upper - lower).clip(0) * (cells / size))
