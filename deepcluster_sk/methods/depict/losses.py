"""Targets and terms of DEPICT."""

from collections.abc import Sequence

import torch

from deepcluster_sk.losses.balance import entropy
from deepcluster_sk.losses.reconstruction import reconstruction_loss

#: Sweeps of the exact E-step, at most; a few dozen suffice.
_MAX_SWEEPS = 1000


def depict_target(assignment: torch.Tensor) -> torch.Tensor:
    r"""Target of DEPICT in closed form.

    .. math:: q_{ik} \propto \frac{p_{ik}}{\left( \sum_j p_{jk} \right)^{1/2}}

    It minimises :func:`depict_objective` where the normalisers of all rows are equal;
    :func:`exact_depict_target` does without that assumption.

    Parameters
    ----------
    assignment : Tensor of shape (n, n_clusters)
        p, for the whole data set.

    Returns
    -------
    Tensor of shape (n, n_clusters)
        q; rows sum to 1. Detached, since the target is held constant.

    References
    ----------
    Ghasedi Dizaji et al. (2017), arXiv:1704.06327, section 3.
    """
    assignment = assignment.detach()
    return _divided(assignment, assignment.sum(0).sqrt())


def exact_depict_target(assignment: torch.Tensor, tol: float = 1e-7) -> torch.Tensor:
    r"""Minimiser of :func:`depict_objective`.

    It is the fixed point

    .. math:: q_{ik} \propto \frac{p_{ik}}{f_k}, \qquad f_k = \frac{1}{n} \sum_i q_{ik}

    found by sweeps that go half of the way (a whole step overshoots as far as it came).

    Parameters
    ----------
    assignment : Tensor of shape (n, n_clusters)
        p, for the whole data set.
    tol : float, default=1e-7
        The sweeps end once no logarithm of a frequency moves by more.

    Returns
    -------
    Tensor of shape (n, n_clusters)
        q; rows sum to 1. Detached.
    """
    p = assignment.detach().double()
    tiny = torch.finfo(torch.float64).tiny
    frequencies = p.mean(0).clamp_min(tiny).sqrt()
    for _ in range(_MAX_SWEEPS):
        found = _divided(p, frequencies).mean(0).clamp_min(tiny)
        new = (frequencies * found).sqrt()
        moved = (new / frequencies).log().abs().max()
        frequencies = new
        if moved < tol:
            break
    return _divided(p, frequencies).to(assignment.dtype)


def depict_objective(target: torch.Tensor, assignment: torch.Tensor) -> torch.Tensor:
    r"""Measure a target of DEPICT: near p, and even.

    .. math:: \frac{1}{n} \sum_{ik} q_{ik} \log \frac{q_{ik}}{p_{ik}}
              + \sum_k f_k \log \frac{f_k}{1 / K},
              \qquad f_k = \frac{1}{n} \sum_i q_{ik}

    Parameters
    ----------
    target, assignment : Tensor of shape (n, n_clusters)
        q and p.

    Returns
    -------
    Tensor, scalar
        Never negative.
    """
    near = -entropy(target).mean() - torch.xlogy(target, assignment).sum(1).mean()
    n_clusters = target.new_tensor(float(target.shape[1]))
    return near + n_clusters.log() - entropy(target.mean(0))


def layerwise_loss(
    decoded: Sequence[torch.Tensor],
    clean: Sequence[torch.Tensor],
    hidden_weight: float,
) -> torch.Tensor:
    r"""Reconstruction error of every layer.

    .. math:: L_r = \operatorname{mean} (\hat x - x)^2
              + w \sum_l \operatorname{mean} (\hat h_l - h_l)^2

    Parameters
    ----------
    decoded, clean : sequence of Tensor of shape (n, ...)
        Layers of the decoder and of the clean encoder, the input first.
    hidden_weight : float
        w, of every layer but the input.

    Returns
    -------
    Tensor, scalar
    """
    first, *hidden = (
        reconstruction_loss(*pair) for pair in zip(decoded, clean, strict=True)
    )
    return first + hidden_weight * sum(hidden)


def _divided(assignment: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """Divide columns by `sizes` and normalise rows."""
    # Of an empty cluster nothing is left to divide: its share is 0, not NaN.
    tiny = torch.finfo(assignment.dtype).tiny
    weights = assignment / sizes.clamp_min(tiny)
    return weights / weights.sum(1, keepdim=True).clamp_min(tiny)
