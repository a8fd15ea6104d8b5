"""Batches too large for the memory of a GPU, trained in parts."""

from collections.abc import Iterator

import torch

from deepcluster_sk.runtime.warning import warn

#: Rows of the smallest part: a triplet needs another image.
MIN_ROWS = 2

Batch = tuple[dict[str, torch.Tensor], torch.Tensor]


def parts_of(batch: Batch, n_parts: int) -> Iterator[Batch]:
    """Parts of a batch, whose sizes differ by one row at most."""
    if n_parts == 1:
        yield batch
        return
    rows, indices = batch
    split = [tensor.tensor_split(n_parts) for tensor in (*rows.values(), indices)]
    for *held, part in zip(*split, strict=True):
        yield dict(zip(rows, held, strict=True)), part


def more_parts(batch: Batch, n_parts: int, error: RuntimeError) -> int:
    """Twice as many parts; it is said the first time.

    Raises
    ------
    torch.cuda.OutOfMemoryError
        If the parts would be too small.
    """
    n_rows = len(batch[1])
    if n_rows // (2 * n_parts) < MIN_ROWS:
        raise type(error)(
            f"Out of memory on the GPU with parts of {n_rows // n_parts} samples, of "
            f"batches of {n_rows}. Use smaller images (max_pixels), a smaller network "
            f"or another device. {error}"
        ) from error
    if n_parts == 1:
        warn(
            f"Out of memory on the GPU with batches of {n_rows}: from now on each is "
            "trained in halves, or smaller parts if need be, which changes the result "
            "a little. With a smaller batch_size nothing is tried in vain.",
        )
    return 2 * n_parts


def free_memory(device: torch.device) -> None:
    """Give back what torch keeps of a GPU's memory without using it."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
