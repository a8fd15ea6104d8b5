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
    samples' mean the new one is ahead by as much as at a first start.

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
    away = seeds.mean(0) - others.mean(0)
    squared = away.square().sum()
    if squared > 0:
        slope = 2 * START_MARGIN / squared
        middle = (seeds.mean(0) + others.mean(0)) / 2
        head.weight[cluster] += slope * away
        head.bias[cluster] -= slope * (away @ middle)
