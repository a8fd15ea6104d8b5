"""Targets and terms of DEPICT."""

from collections.abc import Sequence

import torch

from deepcluster_sk.losses.reconstruction import reconstruction_loss

#: Sweeps of the exact E-step, at most; a few dozen suffice.
_MAX_SWEEPS = 1000


def depict_target(assignment: torch.Tensor) -> torch.Tensor:
    r"""Target of DEPICT in closed form.

    .. math:: q_{ik} \propto \frac{p_{ik}}{\left( \sum_j p_{jk} \right)^{1/2}}

    It is what :func:`exact_depict_target` finds where the normalisers of all rows are
    equal.

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
    r"""Target of DEPICT: near p, and with clusters of even size.

    It minimises

    .. math:: \frac{1}{n} \sum_{ik} q_{ik} \log \frac{q_{ik}}{p_{ik}}
              + \sum_k f_k \log \frac{f_k}{1 / K},
              \qquad f_k = \frac{1}{n} \sum_i q_{ik}

    The minimum is the fixed point

    .. math:: q_{ik} \propto \frac{p_{ik}}{f_k}

    and is found by sweeps that go half of the way (a whole step overshoots as far as it
    came).

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
