"""Reconstruction term, Eq. 1."""

import torch

from deepcluster_sk.losses.precision import at_least_float32


def reconstruction_loss(
    reconstruction: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    r"""Mean squared error of a reconstruction (Eq. 1).

    .. math:: L_r = \frac{1}{n d} \sum_i \lVert G(F(x_i)) - x_i \rVert^2

    The paper sums over the d pixels of an image; the mean used here makes the weight of
    the term independent of the image size.

    Parameters
    ----------
    reconstruction, target : Tensor of shape (n, ...)
        In standardised units.

    Returns
    -------
    Tensor, scalar

    References
    ----------
    arXiv:1901.06474, Eq. 1.
    """
    return torch.nn.functional.mse_loss(
        at_least_float32(reconstruction), at_least_float32(target)
    )
