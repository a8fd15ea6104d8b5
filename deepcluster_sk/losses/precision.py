"""The precision the terms are computed in."""

import torch


def at_least_float32(tensor: torch.Tensor) -> torch.Tensor:
    """Widen a half-precision tensor to float32; leave wider ones as they are.

    Differences of near vectors and sums over clusters need more digits than bf16 has.
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
