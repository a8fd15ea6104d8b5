"""What TEMI minimises over pairs of neighbours: pure functions, in logarithms."""

import torch


def pair_loss(
    log_student: torch.Tensor,
    log_teacher: torch.Tensor,
    log_share: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    r"""Negated pointwise mutual information of pairs of samples.

    .. math::
        \ell(x, x') = -\log \sum_k \frac{[p_s(k|x) p_t(k|x')]^\beta}{p_t(k)}

    Clusters of a share of their own are worth more, the rarer they are: to put all
    samples into one cluster brings nothing.

    Parameters
    ----------
    log_student : Tensor of shape (..., n, n_clusters)
        log p_s(k|x) of one sample of each pair.
    log_teacher : Tensor of shape (..., n, n_clusters)
        log p_t(k|x') of the other one.
    log_share : Tensor of shape (..., 1, n_clusters)
        log p_t(k), the share of each cluster in the data.
    beta : float
        In (1/2, 1]. At 1 one cluster of every sure pair is as good as another; the
        smaller, the more even their shares become.

    Returns
    -------
    Tensor of shape (..., n)

    References
    ----------
    Adaloglou, Michels, Kalisch, Kollmann (2023), arXiv:2303.17896, Eq. 7.
    """
    return -torch.logsumexp(beta * (log_student + log_teacher) - log_share, dim=-1)


def pair_weights(
    log_teacher: torch.Tensor, log_teacher_other: torch.Tensor
) -> torch.Tensor:
    r"""How much each pair counts: how sure the teachers are that it is of one cluster.

    .. math:: w(x, x') = \frac{1}{H} \sum_h \sum_k p_t^h(k|x) p_t^h(k|x')

    Neighbours of another class are some of the pairs; most of their weight goes.

    Parameters
    ----------
    log_teacher, log_teacher_other : Tensor of shape (n_heads, n, n_clusters)
        log p of both samples of each pair.

    Returns
    -------
    Tensor of shape (n,)

    References
    ----------
    arXiv:2303.17896, Eq. 9.
    """
    return (log_teacher + log_teacher_other).exp().sum(dim=-1).mean(dim=0)


def distillation_loss(
    log_student: torch.Tensor,
    log_teacher: torch.Tensor,
    log_share: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """Weighted loss of pairs, each in both orders; its mean over pairs, by head.

    Parameters
    ----------
    log_student, log_teacher : Tensor of shape (n_heads, 2 n, n_clusters)
        log p of the first samples of n pairs, then of the second ones. No gradient goes
        to the teacher.
    log_share : Tensor of shape (n_heads, 1, n_clusters)
    beta : float

    Returns
    -------
    Tensor of shape (n_heads,)
    """
    log_teacher = log_teacher.detach()
    first, second = log_teacher.chunk(2, dim=1)
    others = torch.cat([second, first], dim=1)
    losses = pair_loss(log_student, others, log_share, beta)
    return (pair_weights(first, second).repeat(2) * losses).mean(dim=1)
