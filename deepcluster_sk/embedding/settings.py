"""What users say of pixels and networks, checked; the rest is told, or measured."""

import operator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.embedding.backbone import Backbone
from deepcluster_sk.embedding.preparation import Preparation

#: What white may be in numbers whose type does not tell.
_WHITES = (1.0, 255.0, 65535.0)


def preparation_of(
    embedder: Any, backbone: Backbone, layout: RowLayout
) -> Preparation | None:
    """Tell what images are prepared by; None of vectors, which are taken as they are.

    The parameters' word comes first, then the network's.

    Raises
    ------
    ValueError
        If the network takes no such samples, or a parameter has no such meaning.
    """
    if not layout.is_image:
        if backbone.only_pictures:
            raise ValueError(
                f"X holds rows of {layout.n_features} numbers, but the network takes "
                "images: pass image_shape=(H, W) or (H, W, C) if rows are flat images."
            )
        return None
    if layout.n_channels not in (1, 3):
        raise ValueError(
            f"X holds images of {layout.n_channels} channels; networks take grey (1) "
            "or colour (3). Transparent pictures are laid on a ground by "
            "deepcluster_sk.datasets.load_pictures."
        )
    told = backbone.preparation
    size = embedder.size
    found = replace(
        told,
        mean=_scales(embedder, "mean", told),
        std=_scales(embedder, "std", told),
        white=float(embedder.network_white),
        bgr=embedder.channel_order == "bgr",
        size=told.size if isinstance(size, str) else _sides(size),
        layout=told.layout if embedder.layout == "auto" else embedder.layout,
    )
    if min(found.std) <= 0:
        raise ValueError(f"std={embedder.std!r} must be above 0 in every channel.")
    return found


def white_in(rows: NDArray[Any], white: Any) -> float:
    """Value of white in pixels, if they are pixels of 0 to white.

    Raises
    ------
    ValueError
        If they are not, or white cannot be told.
    """
    kind, whole = rows.dtype.kind, rows.dtype.itemsize <= 2
    if kind == "b":
        return 1.0 if isinstance(white, str) else float(white)
    low, high = float(rows.min()), float(rows.max())
    if isinstance(white, str):
        if kind == "u" and whole:
            return float(np.iinfo(rows.dtype).max)
        white = next((top for top in _WHITES if high <= top), np.inf)
        if white > 1 and 2 * high < white:
            raise ValueError(
                f"X has values from {low:g} to {high:g}, of type {rows.dtype}, which "
                "does not tell what white is: pass white=, its value."
            )
    if low < 0 or high > white:
        raise ValueError(
            f"X has values from {low:g} to {high:g}; pixels are wanted, from 0 "
            f"(black) to {white:g} (white), as they come from files: mean and std are "
            "taken off inside. White is what the parameter white says."
        )
    return float(white)


def _scales(embedder: Any, name: str, told: Preparation) -> tuple[float, ...]:
    """Mean or standard deviation: one value, or one for each channel."""
    given = getattr(embedder, name)
    if isinstance(given, str):
        # What is told is of red, green, blue; what is given, as the network takes it.
        order = -1 if embedder.channel_order == "bgr" else 1
        return tuple(embedder.network_white * v for v in getattr(told, name)[::order])
    values = np.asarray(given)
    if (
        values.dtype.kind not in "biuf"
        or values.shape not in ((), (1,), (told.n_channels,))
        or not np.isfinite(values).all()
    ):
        raise ValueError(
            f"{name}={given!r} must be a number, or {told.n_channels}: one for each "
            "channel that the network takes."
        )
    return tuple(values.astype(float).reshape(-1).tolist())


def _sides(size: Any) -> tuple[int, int] | None:
    """Height and width that are asked for."""
    if size is None:
        return None
    given = (size, size) if np.ndim(size) == 0 else tuple(size)
    try:
        height, width = (operator.index(side) for side in given)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(
            f"size={size!r} must be whole numbers of pixels: one, or (height, width)."
        )
    return height, width
