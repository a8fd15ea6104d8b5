"""The weighted sum of named terms, Eq. 7."""

from collections.abc import Mapping

import torch


def total_loss(
    terms: Mapping[str, torch.Tensor], weights: Mapping[str, float]
) -> torch.Tensor:
    r"""Weighted sum of the terms (Eq. 7).

    .. math:: L = \alpha L_r + \beta L_c + \gamma L_b + \omega L_t

    Parameters
    ----------
    terms : mapping of str to scalar Tensor
        Terms by name. A term of weight 0 may be left out.
    weights : mapping of str to float
        Weight of each term.

    Returns
    -------
    Tensor, scalar

    Raises
    ------
    KeyError
        If a term has no weight, or a term of non-zero weight is missing.

    References
    ----------
    arXiv:1901.06474, Eq. 7.
    """
    for name in terms:
        if name not in weights:
            raise KeyError(
                f"The term {name!r} has no weight; weights: {list(weights)}."
            )
    weighted = [weight * terms[name] for name, weight in weights.items() if weight]
    # With every weight at 0 the sum must still have a gradient, of zero.
    return sum(weighted) if weighted else sum(0.0 * term for term in terms.values())  # type: ignore[return-value]
