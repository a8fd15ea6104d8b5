"""Images as pictures, and pictures in rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.data.images import layout_from_array, layout_from_image_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from deepcluster_sk.plotting.pyplot import axes_or_new, import_pyplot

#: Pixels between two pictures.
_GAP = 1


def as_pictures(
    images: NDArray[Any],
    image_shape: tuple[int, ...] | None,
    channel_axis: int | None,
) -> NDArray[np.float64]:
    """Return images as (n, H, W) or (n, H, W, 3 or 4), with values in [0, 1].

    uint8 is read as 0-255, values in [0, 1] as they are; others are stretched from the
    smallest to the largest.

    Raises
    ------
    ValueError
        If they cannot be read as images.
    """
    if images.ndim == 2:
        if image_shape is None:
            raise ValueError(
                f"X of shape {images.shape} holds flat rows: pass image_shape, such "
                "as (H, W)."
            )
        layout = layout_from_image_shape(image_shape)
        if layout.n_features != images.shape[1]:
            raise ValueError(
                f"X has {images.shape[1]} features a row, image_shape={image_shape} "
                f"has {layout.n_features} pixels."
            )
    else:
        layout = layout_from_array(images.shape, channel_axis)
    flat = torch.from_numpy(images.reshape(len(images), -1).astype(np.float64))
    pictures = layout.arrange(flat).permute(0, 2, 3, 1).numpy()
    if layout.n_channels not in (1, 3, 4):
        raise ValueError(
            f"Images of {layout.n_channels} channels cannot be drawn: 1, 3 or 4 can."
        )
    low, high = float(pictures.min()), float(pictures.max())
    if images.dtype == np.uint8:
        low, high = 0.0, 255.0
    elif low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    pictures = (pictures - low) / ((high - low) or 1.0)
    return pictures[..., 0] if layout.n_channels == 1 else pictures


def draw_rows(
    rows: Sequence[NDArray[np.float64]],
    names: Sequence[str],
    *,
    cmap: str,
    ax: "Axes | None",
) -> "Axes":
    """Draw rows of pictures, each with its name at the left.

    Parameters
    ----------
    rows : sequence of ndarray of shape (n_row, H, W) or (n_row, H, W, 3 or 4)
        As :func:`as_pictures` returns them; rows may be of unequal length.
    names : sequence of str
    cmap : str
        Colour map of grey pictures.
    ax : matplotlib Axes or None
        None makes a figure whose size fits.

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
    ax.set_yticks(middles, list(names))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
