"""Cross-entropy between assignments."""

import torch

from deepcluster_sk.losses.precision import at_least_float32


def cross_entropy_loss(
    target: torch.Tensor, log_assignment: torch.Tensor
) -> torch.Tensor:
    r"""Cross-entropy of the target against an assignment.

    .. math:: L_c = -\frac{1}{n} \sum_i \sum_k q_{ik} \log p_{ik}

    Parameters
    ----------
    target : Tensor of shape (n, n_clusters)
        q. A row that sums to less than 1 counts for as much less.
    log_assignment : Tensor of shape (n, n_clusters)
        log p.

    Returns
    -------
    Tensor, scalar
    """
    return -(target * at_least_float32(log_assignment)).sum(1).mean()
