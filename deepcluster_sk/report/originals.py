"""Pictures to be shown, from the files that samples were made of."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.data.picture_loading import MIN_SIDE, load_pictures
from deepcluster_sk.report.thumbnails import (
    THUMBNAILS,
    pictures_of,
    thumbnail_side,
    thumbnails,
)


def original_pictures(
    pictures: NDArray[np.uint8] | None,
    source: Any,
    paths: Sequence[Path],
    background: Any = "white",
) -> NDArray[np.uint8] | None:
    """Show samples by their files, where these are larger and can be read.

    Files are cut to their central square, as they are for a model. Samples whose files
    cannot be read are shown as they are, enlarged.

    Parameters
    ----------
    pictures : ndarray of shape (n, H, W) or (n, H, W, 3), or None
        The samples themselves; None where they are no images.
    source : str, Path or list of path
        Where the files are, as :func:`~deepcluster_sk.datasets.load_pictures` takes it.
    paths : sequence of n Paths
        File of each sample, as it is found there.
    background : str, int or sequence of 3 ints, default="white"
        What is seen through transparent files.

    Returns
    -------
    ndarray of shape (n, side, side) or (n, side, side, 3), or None
        `pictures` where the files show no more, or samples are oblong, so that nobody
        knows how their files were cut.
    """
    there = 0
    if pictures is not None:
        there = max(pictures.shape[1:3])
        if pictures.shape[1] != pictures.shape[2]:
            return pictures
    largest = (THUMBNAILS.max_side, THUMBNAILS.max_side)
    side = thumbnail_side(len(paths), largest)
    if side <= max(there, MIN_SIDE):
        return pictures
    try:
        files = load_pictures(source, size=side, background=background)
    except (ImportError, OSError, ValueError):  # gone, or no pictures
        return pictures
    if files.X.shape[1] <= there:
        return pictures
    found = pictures_of(files.X, None, None)
    row_of = {path: row for row, path in enumerate(files.paths)}
    rows = np.array([row_of.get(path, -1) for path in paths])
    if np.all(rows >= 0):
        return found[rows]
    if pictures is None:
        shown = np.full((len(paths), *found.shape[1:]), 255, np.uint8)
    else:
        shown = thumbnails(pictures, found.shape[1])
    if shown.ndim > found.ndim:
        found = _coloured(found)
    elif shown.ndim < found.ndim:
        shown = _coloured(shown)
    shown[rows >= 0] = found[rows[rows >= 0]]
    return shown


def _coloured(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make grey pictures colour pictures, writable."""
    return np.repeat(grey[..., None], 3, axis=-1)
