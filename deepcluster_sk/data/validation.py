"""What an estimator is given, checked and brought to rows, in ``fit`` and after it."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from deepcluster_sk.data.axes import (
    flatten_samples,
    layout_from_array,
    layout_from_image_shape,
)
from deepcluster_sk.data.flat_images import image_shape_of
from deepcluster_sk.data.images import Order, RowLayout
from deepcluster_sk.data.resizing import shrunk
from deepcluster_sk.data.samples import plain_of_white
from deepcluster_sk.runtime.warning import warn


class InputMixin:
    """Validation of ``X``: n-D images or flat rows in, checked rows out.

    Rows are the caller's own memory wherever NumPy can view it so; nothing is cast but
    numbers of more than 64 bits.
    """

    image_shape: Any
    channel_axis: int | None
    #: Layout of the rows that were fitted, in the size they came.
    _layout: RowLayout
    #: What stands for white in them, where their type tells.
    _white: float | None = None
    #: Canonical shape of a sample after large images were averaged down.
    _small_shape: tuple[int, ...]

    def _first_rows(
        self, X: ArrayLike, n_least: int = 2
    ) -> tuple[NDArray[Any], RowLayout]:
        """Rows and layout of the data ``fit`` was given, `n_least` samples or more."""
        X, self._white = plain_of_white(X)
        X, shape = flatten_samples(X)
        layout = None
        if self.image_shape is not None:
            layout = layout_from_image_shape(self.image_shape, self.channel_axis)
        if shape is not None:
            found = layout_from_array(shape, self.channel_axis)
            if layout is not None and layout.shape != found.shape:
                raise ValueError(
                    f"X of shape {shape} holds images of (C, H, W) = {found.shape}, "
                    f"but image_shape={self.image_shape!r} means {layout.shape}."
                )
            layout = found
        rows = self._checked(X, reset=True, ensure_min_samples=n_least)
        if layout is None:
            layout = RowLayout("vector", (rows.shape[1],))
            shape = image_shape_of(rows)
            if shape is not None:
                warn(
                    f"The {rows.shape[1]} columns of X look like images, and are taken "
                    f"for vectors, of which less is known. Pass image_shape={shape}.",
                )
        elif layout.n_features != rows.shape[1]:
            raise ValueError(
                f"image_shape={self.image_shape!r} needs {layout.n_features} features "
                f"a row, but X has shape {rows.shape}."
            )
        return rows, layout

    def _rows(self, X: ArrayLike) -> tuple[NDArray[Any], RowLayout]:
        """Rows and layout of data given to a fitted estimator, sized for its net."""
        return shrunk(*self._more_rows(X), self._small_shape)

    def _more_rows(
        self, X: ArrayLike, **settings: Any
    ) -> tuple[NDArray[Any], RowLayout]:
        """Rows and layout of data given to a fitted estimator, in the size they came.

        `settings` are those of scikit-learn's ``validate_data``.
        """
        check_is_fitted(self)
        layout = self._layout
        n_channels = layout.n_channels if layout.is_image else None
        X, _ = plain_of_white(X, n_channels, self._white)
        X, shape = flatten_samples(X)
        if shape is not None:
            layout = _layout_like(layout, shape)
        return self._checked(X, reset=False, **settings), layout

    def _checked(self, X: Any, **settings: Any) -> NDArray[Any]:
        names = getattr(X, "columns", None)
        if names is not None and len(set(names)) < len(names):
            twice = sorted({str(name) for name in names if list(names).count(name) > 1})
            raise ValueError(f"X has several columns of the same name: {twice}.")
        try:
            rows = validate_data(
                self, X, dtype="numeric", accept_sparse=False, **settings
            )
        except OverflowError as error:
            raise ValueError(
                f"X holds numbers beyond those of float64: {error}"
            ) from error
        if rows.dtype.kind not in "biuf":
            raise ValueError(f"X must hold real numbers, got dtype {rows.dtype}.")
        if rows.dtype.kind == "f" and rows.dtype.itemsize > 8:
            # Such numbers are padded with any bytes: copies could not be told by them.
            rows = rows.astype(np.float64)
        return rows


def _layout_like(fitted: RowLayout, shape: tuple[int, ...]) -> RowLayout:
    """Layout of an n-D array whose images must have the fitted shape."""
    if fitted.is_image and math.prod(shape[1:]) == fitted.n_features:
        # Where both would do, as with images of 3x3 pixels, it is the one of fit.
        orders: tuple[Order, ...] = (fitted.order, "HW", "CHW", "HWC")
        for layout in (replace(fitted, order=order) for order in orders):
            if layout.given_shape == shape[1:]:
                return layout
    expected = (
        f"images of (C, H, W) = {fitted.shape}"
        if fitted.is_image
        else f"flat rows of {fitted.n_features} features"
    )
    raise ValueError(
        f"X has shape {shape}, but the estimator was fitted on {expected}."
    )
