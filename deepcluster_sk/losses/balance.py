"""Balance term, Eq. 6: mutual information of image and cluster, negated."""

import torch


def entropy(probabilities: torch.Tensor) -> torch.Tensor:
    """Shannon entropy, in nats, over the last axis; 0 log 0 is 0.

    Parameters
    ----------
    probabilities : Tensor of shape (..., n_clusters)

    Returns
    -------
    Tensor of shape (...)
    """
    return torch.special.entr(probabilities).sum(-1)


def balance_loss(log_assignment: torch.Tensor) -> torch.Tensor:
    r"""Mean entropy of the rows minus entropy of the mean row (Eq. 6).

    .. math:: L_b = \frac{1}{n} \sum_i H(q_i) - H(\bar q),
              \qquad \bar q = \frac{1}{n} \sum_i q_i

    This is the negated mutual information of image and cluster: minimising it makes
    each assignment certain and the clusters equally used. The printed equation has the
    opposite sign, which its text and sources contradict.

    Parameters
    ----------
    log_assignment : Tensor of shape (n, n_clusters)
        log q.

    Returns
    -------
    Tensor, scalar
        In [-log(n_clusters), 0].

    References
    ----------
    arXiv:1901.06474, Eq. 6; Bridle, Heading and MacKay (1991), "Unsupervised
    classifiers, mutual information and phantom targets".
    """
    assignment = log_assignment.exp()
    conditional = -(assignment * log_assignment).sum(1).mean()
    return conditional - entropy(assignment.mean(0))
