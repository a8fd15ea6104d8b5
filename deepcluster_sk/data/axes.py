"""Arrays in: which axis is which, and the layout of their rows."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.data.samples import plain

#: Sizes that mark an axis as the channel axis of a 4-D array.
CHANNEL_COUNTS = (1, 3, 4)


def layout_from_image_shape(
    image_shape: Any, channel_axis: int | None = None
) -> RowLayout:
    """Layout of flat rows, from the ``image_shape`` the caller states.

    Parameters
    ----------
    image_shape : tuple of 2 or 3 ints
        ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)``; the channel axis of three is the
        one of size 1, 3 or 4.
    channel_axis : {1, -1}, default=None
        Where the channels are instead, as :func:`layout_from_array` takes it.

    Raises
    ------
    ValueError
        If it is no such tuple, or if either end could be the channel axis.
    """
    try:
        shape = tuple(int(side) for side in image_shape)
        whole = all(
            side == given for side, given in zip(shape, image_shape, strict=True)
        )
    except (TypeError, ValueError, OverflowError):
        shape, whole = (), False
    if not whole or len(shape) not in (2, 3) or min(shape) < 1:
        raise ValueError(
            f"image_shape={image_shape!r} must be (H, W), (C, H, W) or (H, W, C) with "
            "positive whole numbers."
        )
    return _layout_of(shape, "image_shape", channel_axis)


def layout_from_array(shape: tuple[int, ...], channel_axis: int | None) -> RowLayout:
    """Layout of the rows of an image array.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array: ``(n, H, W)``, ``(n, C, H, W)`` or ``(n, H, W, C)``.
    channel_axis : {1, -1} or None
        Where the channels are in a 4-D array; None finds the axis of size 1, 3 or 4.

    Raises
    ------
    ValueError
        If the number of axes is not 3 or 4, or the channel axis cannot be told.
    """
    if len(shape) not in (3, 4):
        raise ValueError(
            f"Found array with dim {len(shape)} of shape {shape}: images are (n, H, W)"
            ", (n, C, H, W) or (n, H, W, C), flat rows are (n, n_features)."
        )
    return _layout_of(shape[1:], "X", channel_axis)


def _layout_of(shape: tuple[int, ...], name: str, stated: int | None) -> RowLayout:
    """Layout of an image of two or three axes; of three, `stated` may say which."""
    if len(shape) == 2:
        return RowLayout("HW", (1, *shape))
    first, last = shape[0] in CHANNEL_COUNTS, shape[-1] in CHANNEL_COUNTS
    if stated is not None:
        # 1, not 0: the user counts the sample axis of the whole array.
        first = stated == 1
    elif first == last:
        which = (
            "both the first and the last" if first else "neither the first nor the last"
        )
        raise ValueError(
            f"Cannot tell the channel axis of {name} with image shape {shape}: {which} "
            f"axis has one of the sizes {CHANNEL_COUNTS}. Pass channel_axis=1 for "
            "(n, C, H, W) or channel_axis=-1 for (n, H, W, C)."
        )
    if first:
        return RowLayout("CHW", shape)
    return RowLayout("HWC", (shape[2], shape[0], shape[1]))


def flatten_samples(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Turn an n-D array into rows without copying; leave everything else alone.

    Parameters
    ----------
    X : array-like
        Anything a scikit-learn estimator may be given, and what :func:`plain` takes.

    Returns
    -------
    X : array-like
        ``(n, n_features)`` where `X` had three or more axes, else `X` itself.
    shape : tuple of int or None
        Shape of the n-D array, None where `X` is not one.
    """
    X = plain(X)
    # Data frames and sparse matrices have a shape of their own, of two axes.
    array = X if hasattr(X, "shape") else _as_array(X)
    shape: tuple[int, ...] = getattr(array, "shape", ())
    if len(shape) < 3 or issparse(array):
        return X, None
    array = np.asarray(array)
    # Not -1, which NumPy cannot make out of an empty array.
    return array.reshape(shape[0], math.prod(shape[1:])), tuple(shape)


def _as_array(X: ArrayLike) -> Any:
    try:
        return np.asarray(X)
    except ValueError:  # ragged nested lists: scikit-learn's validation says so
        return X
