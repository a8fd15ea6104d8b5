"""Assignments, targets and the clustering term, Eqs. 2-4."""

import torch

from deepcluster_sk.losses.precision import at_least_float32, row_products


def squared_distances(latent: torch.Tensor, centers: torch.Tensor) -> torch.Tensor:
    """Squared Euclidean distances.

    Parameters
    ----------
    latent : Tensor of shape (n, d)
    centers : Tensor of shape (n_clusters, d)

    Returns
    -------
    Tensor of shape (n, n_clusters), float32 or wider, never negative
    """
    latent, centers = at_least_float32(latent), at_least_float32(centers)
    squared = (
        latent.square().sum(1, keepdim=True)
        - row_products(2 * latent, centers)
        + centers.square().sum(1)
    )
    return squared.clamp_min(0)


def student_t_log_assignment(
    latent: torch.Tensor, centers: torch.Tensor, power: float = 1.0
) -> torch.Tensor:
    r"""Logarithm of the soft assignment (Eq. 2).

    .. math::
        q_{ij} = \frac{(1 + \lVert z_i - \mu_j \rVert^2)^{-p}}
                      {\sum_k (1 + \lVert z_i - \mu_k \rVert^2)^{-p}}

    Parameters
    ----------
    latent : Tensor of shape (n, d)
    centers : Tensor of shape (n_clusters, d)
    power : float, default=1.0
        p; 1 is the paper's kernel, of one degree of freedom. Its tails are heavy: with
        many clusters the distant ones together outweigh the nearest.

    Returns
    -------
    Tensor of shape (n, n_clusters)
        log q; each row of exp(log q) sums to 1.

    References
    ----------
    arXiv:1901.06474, Eq. 2.
    """
    log_kernel = -power * torch.log1p(squared_distances(latent, centers))
    return torch.log_softmax(log_kernel, dim=1)


def target_distribution(assignment: torch.Tensor) -> torch.Tensor:
    r"""Sharpened assignments, the target of self-training (Eq. 3).

    .. math:: p_{ij} = \frac{q_{ij}^2 / f_j}{\sum_k q_{ik}^2 / f_k},
              \qquad f_j = \sum_i q_{ij}

    Parameters
    ----------
    assignment : Tensor of shape (n, n_clusters)
        q, for the whole data set.

    Returns
    -------
    Tensor of shape (n, n_clusters)
        Rows sum to 1; detached, since the target is held constant.

    References
    ----------
    arXiv:1901.06474, Eq. 3.
    """
    assignment = assignment.detach()
    # An empty cluster has q = f = 0 everywhere: its share of the target is 0, not NaN.
    tiny = torch.finfo(assignment.dtype).tiny
    weights = assignment.square() / assignment.sum(0).clamp_min(tiny)
    return weights / weights.sum(1, keepdim=True).clamp_min(tiny)


def clustering_loss(target: torch.Tensor, log_assignment: torch.Tensor) -> torch.Tensor:
    r"""Kullback-Leibler divergence from target to assignment (Eq. 4).

    .. math:: L_c = \frac{1}{n} \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}}

    Parameters
    ----------
    target : Tensor of shape (n, n_clusters)
        p; rows sum to 1.
    log_assignment : Tensor of shape (n, n_clusters)
        log q.

    Returns
    -------
    Tensor, scalar
        Never negative; 0 where p = q. The mean over images.

    References
    ----------
    arXiv:1901.06474, Eq. 4.
    """
    return torch.nn.functional.kl_div(log_assignment, target, reduction="batchmean")
