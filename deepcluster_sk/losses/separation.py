"""Inter-class separation term, Eq. 5."""

import torch

from deepcluster_sk.losses.precision import at_least_float32


def separation_loss(
    anchor: torch.Tensor,
    positive: torch.Tensor,
    negative: torch.Tensor,
    margin: float,
) -> torch.Tensor:
    r"""Triplet hinge (Eq. 5).

    .. math:: L_t = \frac{1}{n} \sum_i \max(0, \lVert a_i - p_i \rVert^2
              - \lVert a_i - g_i \rVert^2 + \text{margin})

    Parameters
    ----------
    anchor, positive, negative : Tensor of shape (n, d)
        Embeddings of an image, of an augmented view of it, and of another image. On
        the unit sphere squared distances lie in [0, 4], which gives the margin its
        scale.
    margin : float
        In units of squared distance.

    Returns
    -------
    Tensor, scalar
        Never negative; 0, and differentiable, where there is no triplet.

    References
    ----------
    arXiv:1901.06474, Eq. 5.
    """
    anchor, positive, negative = map(at_least_float32, (anchor, positive, negative))
    if not len(anchor):
        return anchor.sum()
    near = (anchor - positive).square().sum(1)
    far = (anchor - negative).square().sum(1)
    return torch.relu(near - far + margin).mean()
