"""Images of another size: averaged down, enlarged, cut to what a network takes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from deepcluster_sk.data.images import RowLayout, chunks

#: Smallest image side a convolutional network takes, in pixels.
MIN_SIDE = 8
#: Pixels that an image has at most, by default: those of 32x32.
MAX_PIXELS = 1024
#: Largest value of a picture of 8 bits.
EIGHT_BITS = 255


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


def cut_and_scaled(
    images: torch.Tensor, sides: tuple[int, int], white: float
) -> torch.Tensor:
    """Cut images ``(n, C, H, W)`` to the middle, and scale them to sides.

    What is cut off is what the ratio of the sides leaves no room for. Bicubic, averaged
    where the image is made smaller, and of 8 bits where it was: as Pillow does it, and
    thus as most networks were trained.

    Parameters
    ----------
    images : torch.Tensor
        Of 0 to `white`, float32.
    sides : (int, int)
        Height and width that are wanted.
    white : float
        255 is taken for 8 bits.
    """
    height, width = images.shape[2:]
    if (height, width) == sides:
        return images
    factor = min(height / sides[0], width / sides[1])
    kept = [max(1, round(side * factor)) for side in sides]
    top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
    images = images[..., top : top + kept[0], left : left + kept[1]]
    for size in ((kept[0], sides[1]), sides):  # rows first, then columns
        images = functional.interpolate(
            images, size=size, mode="bicubic", antialias=True
        ).clamp(0, white)  # sharp edges overshoot
        images = images.round() if white == EIGHT_BITS else images
    return images


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
