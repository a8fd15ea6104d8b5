"""Rows of a known layout: their axes as networks want them, and their scale.

Whatever layout the caller used, everything behind this module sees one form: float32
batches ``(b, C, H, W)`` for images, ``(b, d)`` for feature vectors. The caller's array
is never cast, copied or written to as a whole, but for large images, of which a small
copy is made; rows are laid out and scaled batch by batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

#: Rows, and bytes as float64, read at a time when a whole data set is looked at.
CHUNK_ROWS = 4096
CHUNK_BYTES = 96 << 20

Order = Literal["vector", "HW", "CHW", "HWC"]


@dataclass(frozen=True)
class RowLayout:
    """How one flat row of ``n_features`` numbers is laid out.

    Attributes
    ----------
    order : {"vector", "HW", "CHW", "HWC"}
        Axis order of the flat row; ``"vector"`` for feature vectors.
    shape : tuple of int
        Canonical shape of one sample: ``(C, H, W)``, or ``(d,)`` for vectors.
    """

    order: Order
    shape: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether rows are images."""
        return self.order != "vector"

    @property
    def n_channels(self) -> int:
        """Number of colour channels; for vectors, the number of features."""
        return self.shape[0]

    @property
    def n_features(self) -> int:
        """Length of one flat row."""
        return int(np.prod(self.shape))

    @property
    def given_shape(self) -> tuple[int, ...] | None:
        """Shape of an image in the order of the axes it came in; None of a vector."""
        channels, *sides = self.shape
        shapes = {"HW": tuple(sides), "CHW": self.shape, "HWC": (*sides, channels)}
        return shapes.get(self.order)

    def arrange(self, rows: torch.Tensor) -> torch.Tensor:
        """Give flat rows ``(b, n_features)`` their canonical shape ``(b, *shape)``."""
        if not self.is_image:
            return rows
        channels, height, width = self.shape
        if self.order == "HWC":
            return rows.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
        return rows.reshape(-1, channels, height, width)

    def flatten(self, batch: torch.Tensor) -> torch.Tensor:
        """Undo :meth:`arrange`: ``(b, *shape)`` back to flat rows."""
        if self.order == "HWC":
            batch = batch.permute(0, 2, 3, 1)
        return batch.reshape(batch.shape[0], -1)


@dataclass(frozen=True)
class PixelScaler:
    """Affine scaling ``(x - offset) * scale``, one pair per channel or per feature.

    Attributes
    ----------
    offset, scale : ndarray of shape (n_channels,), float64
        Channels of images, features of vectors.
    is_constant : bool
        Whether nothing varied in the data the scaler was made from.
    """

    offset: NDArray[np.float64]
    scale: NDArray[np.float64]
    is_constant: bool
    #: Offset and scale by device, type and axes: a copy to a GPU makes the host wait.
    _placed: dict[Any, tuple[torch.Tensor, torch.Tensor]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is on devices, which another machine may not have."""
        return {**vars(self), "_placed": {}}

    @classmethod
    def standardize(cls, rows: NDArray[Any], layout: RowLayout) -> "PixelScaler":
        """Zero mean and unit variance over the data set.

        Images get one mean and standard deviation per channel over all pixels; vectors
        one per feature. What is constant becomes 0.
        """
        axes = (0, 2, 3) if layout.is_image else (0,)
        count = len(rows) * (layout.n_features // layout.n_channels)
        shape = (-1, 1, 1) if layout.is_image else (-1,)
        with np.errstate(over="ignore", invalid="ignore"):
            total = sum(chunk.sum(axes) for chunk in chunks(rows, layout))
            mean = total / count
            squares = sum(
                np.square(chunk - mean.reshape(shape)).sum(axes)
                for chunk in chunks(rows, layout)
            )
            deviation = np.sqrt(squares / count)
        _refuse_overflow(deviation)
        # A constant feature leaves a deviation of rounding errors only.
        varies = deviation > 10 * np.finfo(np.float64).eps * np.abs(mean)
        inverse = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varies)
        return cls(mean, inverse, not varies.any())

    @classmethod
    def to_range(
        cls, rows: NDArray[Any], layout: RowLayout, low: float, high: float
    ) -> "PixelScaler":
        """Map the range of the data onto ``[low, high]``.

        One range per feature for vectors, one for all channels and pixels of images.
        What is constant becomes `low`.
        """
        axes = (0, 1, 2, 3) if layout.is_image else (0,)
        minima = np.min([chunk.min(axes) for chunk in chunks(rows, layout)], axis=0)
        maxima = np.max([chunk.max(axes) for chunk in chunks(rows, layout)], axis=0)
        minima = np.broadcast_to(minima, layout.n_channels).astype(np.float64)
        with np.errstate(over="ignore"):
            span = np.broadcast_to(maxima, layout.n_channels) - minima
            # What `standardize` would refuse is refused here as well.
            _refuse_overflow(np.square(span))
            _refuse_overflow(rows.size * np.maximum(np.abs(minima), np.abs(maxima)))
        # What is so small that its inverse is infinite counts as constant.
        varies = span > (high - low) / np.finfo(np.float64).max
        scale = np.divide(high - low, span, out=np.ones_like(span), where=varies)
        return cls(minima - low / scale, scale, not varies.any())

    def apply(self, batch: torch.Tensor) -> torch.Tensor:
        """Scale a canonical batch on its device; float32 out."""
        # In double: a large offset must not eat the digits, and the same pixels are to
        # give the same result whatever their type. Apple's devices have no double.
        dtype = torch.float32 if batch.device.type == "mps" else torch.float64
        offset, scale = self._parameters(batch, dtype)
        return ((batch - offset) * scale).float()

    def invert(self, batch: torch.Tensor) -> torch.Tensor:
        """Undo :meth:`apply`; what was constant returns to its constant."""
        offset, scale = self._parameters(batch, torch.float32)
        varies = scale != 0
        return batch * varies / torch.where(varies, scale, 1.0) + offset

    def _parameters(
        self, batch: torch.Tensor, dtype: torch.dtype
    ) -> tuple[torch.Tensor, torch.Tensor]:
        key = (batch.device, dtype, batch.ndim)
        if key not in self._placed:
            shape = (-1, *[1] * (batch.ndim - 2))
            # Whatever mode the first batch comes in, later ones may come in another.
            with torch.inference_mode(False):
                offset, scale = (
                    # A copy: arrays of a mapped file cannot be written to.
                    torch.tensor(values.reshape(shape), dtype=dtype).to(batch.device)
                    for values in (self.offset, self.scale)
                )
            self._placed[key] = offset, scale
        return self._placed[key]


def _refuse_overflow(spread: NDArray[np.float64]) -> None:
    if not np.isfinite(spread).all():
        raise ValueError(
            "X holds values too large to be scaled; divide it by its largest first."
        )


def chunks(rows: NDArray[Any], layout: RowLayout) -> Iterator[NDArray[np.float64]]:
    """Read data bit by bit, as canonical float64.

    In double and in one memory order, so that the same pixels give the same result
    whatever their type and layout.
    """
    n_chunk = max(1, min(CHUNK_ROWS, CHUNK_BYTES // (8 * layout.n_features)))
    for start in range(0, len(rows), n_chunk):
        chunk = torch.from_numpy(rows[start : start + n_chunk].astype(np.float64))
        yield np.ascontiguousarray(layout.arrange(chunk).numpy())
