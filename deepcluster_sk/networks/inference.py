"""Streaming whole data sets through a network, without gradients."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.networks.clustering import Embedding
from deepcluster_sk.runtime.device import by_device

#: Rows in one chunk, multiples of ROW_MULTIPLE: few enough for a processor's cache, or
#: enough to keep a GPU busy.
CHUNK_ROWS, DEVICE_CHUNK_ROWS = 1024, 4096
#: float32 results depend on the batch size; chunks filled up to a multiple of this many
#: rows give a row the same result whatever came with it.
ROW_MULTIPLE = 32


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Switch to evaluation without gradients, and back to the mode before.

    A module that is in evaluation already is not written to: several threads may read
    it at once.
    """
    was_training = module.training
    if any(part.training for part in module.modules()):
        module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        if was_training:
            module.train()


def stream(
    function: Callable[[torch.Tensor], Any],
    dataset: RowDataset,
    reader: SampleReader,
    device: torch.device,
) -> Iterator[tuple[Any, int]]:
    """Apply `function` to chunks of a data set.

    Yields
    ------
    result, n_rows
        What `function` returned for a chunk, and how many of its rows are real: the
        rest fill the chunk up and are to be cut off.
    """
    n_chunk = by_device(device, CHUNK_ROWS, DEVICE_CHUNK_ROWS)
    for start in range(0, len(dataset), n_chunk):
        rows = dataset.slice(start, min(start + n_chunk, len(dataset)))
        n_rows = len(rows)
        missing = -n_rows % ROW_MULTIPLE
        if missing:
            # By index: autocast to bf16, where it is on, has no cat of float16.
            filled = torch.arange(n_rows + missing, device=rows.device)
            rows = rows[filled.clamp_max(n_rows - 1)]
        yield function(reader.read(rows, device)), n_rows


def collect(
    function: Callable[[torch.Tensor], torch.Tensor],
    dataset: RowDataset,
    reader: SampleReader,
    device: torch.device,
) -> torch.Tensor:
    """Apply `function` to every row of a data set; all results, on the device."""
    return torch.cat(
        [part[:n_rows] for part, n_rows in stream(function, dataset, reader, device)]
    )


def embed(
    module: Any,
    dataset: RowDataset,
    reader: SampleReader,
    device: torch.device,
    precision: torch.dtype = torch.float32,
) -> Embedding:
    """Latent vectors and assignments of a whole data set, on the device.

    Parameters
    ----------
    module : nn.Module
        With ``embed(x) -> Embedding``.
    dataset : RowDataset
    reader : SampleReader
    device : torch.device
    precision : torch.dtype, default=torch.float32
        Type the network computes in: what is given to a user is always computed in
        float32, what only steers training may be cheaper.

    Returns
    -------
    Embedding
        float32.
    """
    parts = []
    with evaluating(module), autocast(device, precision):
        for result, n_rows in stream(module.embed, dataset, reader, device):
            parts.append([part[:n_rows].float() for part in result])
    return Embedding(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Mixed precision in `precision`; float32 switches it off."""
    return torch.autocast(
        device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16
    )
