"""Softmax heads: clusters that begin, or begin anew, among the others."""

import torch
from torch import nn

#: How far a new cluster's logit is ahead in the middle of its samples: the softmax is
#: sure of them then, and can still be taught otherwise.
START_MARGIN = 4.0


@torch.no_grad()
def claim_by_head(
    head: nn.Linear, cluster: int, seeds: torch.Tensor, others: torch.Tensor
) -> None:
    """Let a softmax over a linear map assign samples to another of its clusters.

    The cluster takes over the row of the one that most of the samples are assigned to,
    tilted: half way from the others to the samples the two are level, and at the
    samples' mean the new one is ahead by as much as at a first start. By less where the
    border between the two would be steeper than the least steep that the one has to
    others: between samples that are nearly copies it would cut through those clusters.

    Parameters
    ----------
    head : nn.Linear
        From features to logits.
    cluster : int
    seeds, others : Tensor of shape (m, n_features), (k, n_features)
        Features of the samples to be taken, and of those to be left; without any of
        these, nothing changes.
    """
    if not len(others):
        return
    first = head(seeds).argmax(1).mode().values
    head.weight[cluster] = head.weight[first]
    head.bias[cluster] = head.bias[first]
    # About one of them: the means of copies are equal then, to the last digit.
    origin = seeds[0]
    here, there = (origin + (part - origin).mean(0) for part in (seeds, others))
    away = here - there
    distance = away.norm()
    if distance > 0:
        slope = 2 * START_MARGIN / distance
        borders = (head.weight - head.weight[first]).norm(dim=1)
        if borders.any():  # or there are no other clusters
            slope = slope.minimum(borders[borders > 0].min())
        away /= distance
        head.weight[cluster] += slope * away
        head.bias[cluster] -= slope * (away @ (here + there) / 2)
