"""The precision the terms are computed in."""

import torch
from torch.nn import functional as F

#: What is summed over is filled up to a multiple of this many entries.
_SUMMED_MULTIPLE = 4


def at_least_float32(tensor: torch.Tensor) -> torch.Tensor:
    """Widen a half-precision tensor to float32; leave wider ones as they are.

    Differences of near vectors and sums over clusters need more digits than bf16 has.
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def row_products(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """``rows @ others.T``, of which a row is the same wherever in the batch it stands.

    On processors without AVX-512 it may else differ in the last digit.

    Parameters
    ----------
    rows : Tensor of shape (n, d)
        Of any n; the promise is kept where it is a multiple of 32.
    others : Tensor of shape (m, d)

    Returns
    -------
    Tensor of shape (n, m)
    """
    missing = -rows.shape[1] % _SUMMED_MULTIPLE
    if missing:
        rows, others = F.pad(rows, (0, missing)), F.pad(others, (0, missing))
    return rows @ others.T
