"""Images as a screen shows them, whatever their layout and scale."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.data.axes import layout_from_array, layout_from_image_shape


def as_pictures(
    images: NDArray[Any],
    image_shape: tuple[int, ...] | None,
    channel_axis: int | None,
) -> NDArray[np.float64]:
    """Bring images to what a screen shows.

    Parameters
    ----------
    images : ndarray of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
        uint8 is read as 0-255, values in [0, 1] as they are; others are stretched from
        the smallest to the largest.
    image_shape : tuple of int or None
        Of flat rows.
    channel_axis : {1, -1} or None
        Where the channels of a 4-D array or of `image_shape` are; None finds the axis
        of size 1, 3 or 4.

    Returns
    -------
    ndarray of shape (n, H, W) or (n, H, W, 3 or 4), float64
        In [0, 1].

    Raises
    ------
    ValueError
        If there are none, or they cannot be read as images, have other than 1, 3 or 4
        channels, or hold other than finite real numbers.
    """
    if images.ndim == 2:
        if image_shape is None:
            raise ValueError(
                f"X of shape {images.shape} holds flat rows: pass image_shape, such "
                "as (H, W)."
            )
        layout = layout_from_image_shape(image_shape, channel_axis)
        if layout.n_features != images.shape[1]:
            raise ValueError(
                f"X has {images.shape[1]} features a row, image_shape={image_shape} "
                f"has {layout.n_features} pixels."
            )
    else:
        layout = layout_from_array(images.shape, channel_axis)
    if not len(images):
        raise ValueError("There are no images to be drawn.")
    if images.dtype.kind not in "biufO":
        raise ValueError(f"Images must hold real numbers, got dtype {images.dtype}.")
    flat = torch.from_numpy(images.reshape(len(images), -1).astype(np.float64))
    pictures = layout.arrange(flat).permute(0, 2, 3, 1).numpy()
    if layout.n_channels not in (1, 3, 4):
        raise ValueError(
            f"Images of {layout.n_channels} channels cannot be drawn: 1, 3 or 4 can."
        )
    n_bad = int((~np.isfinite(pictures)).any(axis=(1, 2, 3)).sum())
    if n_bad:
        raise ValueError(
            f"{n_bad} of {len(pictures)} images to be drawn hold NaN or infinite "
            "numbers: fill them, or leave these images out."
        )
    low, high = float(pictures.min()), float(pictures.max())
    if images.dtype == np.uint8:
        low, high = 0.0, 255.0
    elif low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    pictures = (pictures - low) / ((high - low) or 1.0)
    return pictures[..., 0] if layout.n_channels == 1 else pictures
