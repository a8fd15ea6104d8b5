"""Rows into batches: fetched whole by index, laid out and scaled on the device."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from deepcluster_sk.data.images import PixelScaler, RowLayout

#: NumPy types torch cannot compute with, and what holds their values.
_WIDER = {
    "bool": np.uint8,
    "uint16": np.int32,
    "uint32": np.int64,
    "uint64": np.float64,
}
_COPIED_ROWS = 65_536


def rows_to_tensor(rows: NDArray[Any]) -> torch.Tensor:
    """Copy rows into a tensor of the same values, whatever their NumPy type."""
    dtype = rows.dtype
    if dtype.kind == "f" and dtype.itemsize > 8:
        return torch.from_numpy(rows.astype(np.float64))
    wanted = _WIDER.get(dtype.name, dtype.newbyteorder("="))
    return torch.from_numpy(np.array(rows, dtype=wanted, order="C"))


def spaced_rows(n: int, most: int) -> NDArray[np.int64]:
    """Rows from all over a data set of n, so many at most, ``(min(n, most),)``."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)


@dataclass(frozen=True)
class SampleReader:
    """Turn raw rows into what the network takes.

    Attributes
    ----------
    layout : RowLayout
    scaler : PixelScaler
    """

    layout: RowLayout
    scaler: PixelScaler

    def read(self, rows: torch.Tensor, device: torch.device) -> torch.Tensor:
        """Raw rows ``(b, n_features)`` to a scaled float32 batch ``(b, *shape)``."""
        if device.type == "mps" and rows.dtype == torch.float64:
            rows = rows.float()
        rows = rows.to(device, non_blocking=True)
        batch = self.scaler.apply(self.layout.arrange(rows))
        if not self.layout.is_image:
            return batch.contiguous()
        # One memory order for every input layout, and the fast one: channels last. Not
        # by contiguous(), which leaves the strides of a single channel as they came,
        # and it is by these that a convolution is computed in one way or the other.
        channels, height, width = self.layout.shape
        rows = batch.permute(0, 2, 3, 1).flatten(1)
        return rows.view(-1, height, width, channels).permute(0, 3, 1, 2)

    def write(self, batch: torch.Tensor) -> torch.Tensor:
        """Undo :meth:`read`: network output to rows in the caller's units."""
        return self.layout.flatten(self.scaler.invert(batch))


class RowDataset(Dataset[Any]):
    """A data set that is asked for whole batches of rows.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        Kept as given; a memory-mapped array stays mapped.
    device : torch.device, default=None
        Where to keep a copy of all rows; None leaves them in the caller's array.
    """

    def __init__(self, rows: NDArray[Any], device: torch.device | None = None) -> None:
        self.rows = rows
        self.resident = None if device is None else _copy_to(device, rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def home(self) -> torch.device:
        """Where rows are fetched from, and indices had best be."""
        return torch.device("cpu") if self.resident is None else self.resident.device

    def fetch(self, indices: torch.Tensor) -> torch.Tensor:
        """Raw rows ``(b, n_features)`` at `indices`."""
        if self.resident is not None:
            return self.resident[indices.to(self.resident.device, non_blocking=True)]
        return rows_to_tensor(self.rows[indices.cpu().numpy()])

    def head(self, n_rows: int) -> "RowDataset":
        """Make a data set of the first rows alone."""
        return RowDataset(self.rows[:n_rows])

    def slice(self, start: int, stop: int) -> torch.Tensor:
        """Raw rows from `start` up to `stop`."""
        if self.resident is not None:
            return self.resident[start:stop]
        return rows_to_tensor(self.rows[start:stop])


class BatchDataset(Dataset[Any]):
    """What a loader reads in training: batches of rows, and of rows beside them.

    Parameters
    ----------
    dataset : RowDataset
    companions : callable
        From the indices of a batch, ``(b,)``, to those of other rows that go with it,
        by name: the negatives of the samples, say.
    """

    def __init__(
        self,
        dataset: RowDataset,
        companions: Callable[[torch.Tensor], Mapping[str, torch.Tensor]],
    ) -> None:
        self.dataset = dataset
        self.companions = companions

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(
        self, indices: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        wanted = {"rows": indices, **self.companions(indices)}
        return {name: self.dataset.fetch(i) for name, i in wanted.items()}, indices


def _copy_to(device: torch.device, rows: NDArray[Any]) -> torch.Tensor:
    """Copy rows to a device, piece by piece: mapped ones need not fit into memory."""
    wide = rows_to_tensor(rows[:0]).dtype
    dtype = torch.float32 if (device.type, wide) == ("mps", torch.float64) else wide
    copy = torch.empty(rows.shape, dtype=dtype, device=device)
    for start in range(0, len(rows), _COPIED_ROWS):
        piece = rows_to_tensor(rows[start : start + _COPIED_ROWS])
        copy[start : start + _COPIED_ROWS] = piece.to(dtype)
    return copy


class BalancedBatches(Sampler[Any]):
    """Shuffled index batches whose sizes differ by one at most.

    Every row comes once an epoch and no batch is a small rest, which batch
    normalisation would suffer from.

    Parameters
    ----------
    n_samples, batch_size : int
    generator : torch.Generator
    device : torch.device, default=None
        Where the batches are wanted; None is the generator's. They go there all at
        once: a copy a batch would make training wait.
    """

    def __init__(
        self,
        n_samples: int,
        batch_size: int,
        generator: torch.Generator,
        device: torch.device | None = None,
    ) -> None:
        self.n_samples = n_samples
        self.generator = generator
        self.device = generator.device if device is None else device
        self.n_batches = n_batches(n_samples, batch_size)

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[torch.Tensor]:
        order = torch.randperm(
            self.n_samples, generator=self.generator, device=self.generator.device
        )
        yield from torch.tensor_split(order.to(self.device), self.n_batches)


def n_batches(n_samples: int, batch_size: int) -> int:
    """How many batches an epoch has."""
    # Two images at least in each: a triplet needs another image.
    return max(1, min(math.ceil(n_samples / batch_size), n_samples // 2))
