"""Terms of the evidence lower bound of a Gaussian-mixture autoencoder."""

import math

import torch

from deepcluster_sk.losses.precision import at_least_float32


def gaussian_divergence(
    mean: torch.Tensor,
    log_variance: torch.Tensor,
    prior_mean: torch.Tensor,
    prior_log_variance: torch.Tensor,
) -> torch.Tensor:
    r"""Kullback-Leibler divergence between Gaussians with diagonal covariance.

    .. math:: \frac{1}{2} \sum_d \left[ \log \frac{s_d}{v_d}
              + \frac{v_d + (m_d - \mu_d)^2}{s_d} - 1 \right]

    Parameters
    ----------
    mean, log_variance : Tensor of shape (..., d)
        m and log v of the first.
    prior_mean, prior_log_variance : Tensor of shape (..., d)
        mu and log s of the second.

    Returns
    -------
    Tensor of shape (...)
        In nats, never negative.

    References
    ----------
    arXiv:2005.04613; Kingma and Welling (2014), arXiv:1312.6114, appendix B.
    """
    ratio = log_variance - prior_log_variance
    gap = (mean - prior_mean).square() * (-prior_log_variance).exp()
    return 0.5 * (ratio.exp() - 1 - ratio + gap).sum(-1)


def uniform_divergence(log_assignment: torch.Tensor) -> torch.Tensor:
    r"""Kullback-Leibler divergence from an assignment to even clusters.

    .. math:: \sum_k q_k \log \frac{q_k}{1 / K} = \log K - H(q)

    It is lowest, 0, for an undecided assignment: the discrete term of the bound pays
    for certainty, and the others have to earn it.

    Parameters
    ----------
    log_assignment : Tensor of shape (..., n_clusters)
        log q.

    Returns
    -------
    Tensor of shape (...)
        In [0, log K], in nats.
    """
    # Of the logarithm itself: the entropy of a q that has become 0 has no gradient.
    information = (log_assignment.exp() * log_assignment).sum(-1)
    return math.log(log_assignment.shape[-1]) + information


def bernoulli_nll(logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of pixels in [0, 1] under Bernoulli distributions.

    Parameters
    ----------
    logits, x : Tensor of shape (n, ...)
        Pixels outside [0, 1], as new data may have, count as 0 or 1.

    Returns
    -------
    Tensor of shape (n,)
        In nats, summed over pixels.
    """
    logits, x = at_least_float32(logits), at_least_float32(x).clamp(0, 1)
    nll = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, x, reduction="none"
    )
    return nll.flatten(1).sum(1)


def gaussian_nll(
    mean: torch.Tensor, x: torch.Tensor, log_variance: torch.Tensor
) -> torch.Tensor:
    """Negative log-likelihood under Gaussians of one variance.

    Parameters
    ----------
    mean, x : Tensor of shape (n, ...)
    log_variance : Tensor, scalar

    Returns
    -------
    Tensor of shape (n,)
        In nats, summed over features.
    """
    mean, x = at_least_float32(mean), at_least_float32(x)
    squared = (x - mean).square() * (-log_variance).exp()
    return 0.5 * (squared + log_variance + math.log(2 * math.pi)).flatten(1).sum(1)


def expected_term(assignment: torch.Tensor, term: torch.Tensor) -> torch.Tensor:
    r"""Mean of a term over clusters, and over images.

    .. math:: \frac{1}{n} \sum_i \sum_k q_{ik} t_{ik}

    Parameters
    ----------
    assignment, term : Tensor of shape (n, n_clusters)

    Returns
    -------
    Tensor, scalar
    """
    return (assignment * term).sum(1).mean()
