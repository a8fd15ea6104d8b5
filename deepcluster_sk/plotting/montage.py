"""Pictures in rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.plotting.pyplot import axes_or_new, import_pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Pixels between two pictures.
_GAP = 1
#: Pictures in a row, where rows mean nothing.
_N_COLUMNS = 10


def numbered_rows(
    pictures: NDArray[np.float64], first: int
) -> tuple[list[NDArray[np.float64]], list[str]]:
    """Break pictures into rows of ten, and name each by its first and last.

    Parameters
    ----------
    pictures : ndarray of shape (n, H, W) or (n, H, W, 3 or 4)
    first : int
        Number of the first picture.

    Returns
    -------
    rows : list of ndarray
    names : list of str
        Such as "0-9".
    """
    starts = range(0, len(pictures), _N_COLUMNS)
    rows = [pictures[start : start + _N_COLUMNS] for start in starts]
    ranges = [
        (first + start, first + start + len(row) - 1)
        for start, row in zip(starts, rows, strict=True)
    ]
    return rows, [f"{a}-{b}" if b > a else str(a) for a, b in ranges]


def draw_rows(
    rows: Sequence[NDArray[np.float64]],
    names: Sequence[str],
    *,
    cmap: str,
    ax: "Axes | None",
    captions: Sequence[str] | None = None,
) -> "Axes":
    """Draw rows of pictures, each with its name at the left.

    Parameters
    ----------
    rows : sequence of ndarray of shape (n_row, H, W) or (n_row, H, W, 3 or 4)
        In [0, 1]; rows may be of unequal length.
    names : sequence of str
    cmap : str
        Colour map of grey pictures.
    ax : matplotlib Axes or None
        None makes a figure whose size fits.
    captions : sequence of str, default=None
        A word on each picture, row by row.

    Returns
    -------
    ax : matplotlib Axes
    """
    import_pyplot()
    from matplotlib import colormaps

    height, width = rows[0].shape[1:3]
    longest = max(len(row) for row in rows)
    step_y, step_x = height + _GAP, width + _GAP
    # RGBA, transparent where there is no picture.
    canvas = np.zeros((len(rows) * step_y - _GAP, longest * step_x - _GAP, 4))
    for i, row in enumerate(rows):
        coloured = colormaps[cmap](row) if row.ndim == 3 else row
        for j, picture in enumerate(coloured):
            cell = canvas[i * step_y :, j * step_x :][:height, :width]
            cell[..., 3] = 1.0
            cell[..., : picture.shape[-1]] = picture

    side = min(max(0.5 * len(rows), 1.0), 40.0)  # inches
    aspect = canvas.shape[1] / canvas.shape[0]
    ax = axes_or_new(ax, max(side * aspect, 2.0) + 1.0, side)
    ax.imshow(canvas, interpolation="nearest")
    ax.set_xticks([])
    middles = [i * step_y + (height - 1) / 2 for i in range(len(rows))]
    ax.set_yticks(middles, list(names), parse_math=False)
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    for (i, j), caption in zip(places, captions or (), strict=False):
        ax.text(
            j * step_x - 0.3,
            i * step_y - 0.3,
            caption,
            ha="left",
            va="top",
            fontsize="small",
            parse_math=False,
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"},
        )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
