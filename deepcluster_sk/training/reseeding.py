"""Clusters that have lost all their samples in training, and begin anew."""

from dataclasses import dataclass

import torch
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.networks.inference import evaluating
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.training.protocols import TrainedNet


@dataclass(frozen=True)
class ReseedingSettings:
    """When a lost cluster begins anew, and where."""

    last: float = 0.75
    """Share of a phase after which none does: too little would be learned."""
    share: float = 0.5
    """Of the samples of an average cluster, the most doubtful that are looked at."""
    most_seeds: int = 256
    """Samples that a network is shown, of those to take and of those to leave."""


RESEEDING = ReseedingSettings()


def reseed_lost(
    net: TrainedNet,
    dataset: RowDataset,
    assignment: torch.Tensor,
) -> int:
    """Let clusters without a sample begin anew where the network is most in doubt.

    Of the samples whose largest probability is lowest, those are taken that most are
    assigned with, to one cluster; each lost cluster takes some of another one.

    Parameters
    ----------
    net : TrainedNet
    dataset : RowDataset
        Of n samples.
    assignment : Tensor of shape (n, n_clusters)
        Of the net, now.

    Returns
    -------
    int
        Clusters that have begun anew.
    """
    sure, labels = assignment.max(1)
    counts = torch.bincount(labels, minlength=assignment.shape[1])
    lost = (counts == 0).nonzero()[:, 0].tolist()
    if not lost:
        return 0
    n, n_clusters = assignment.shape
    n_doubtful = max(len(lost) + 1, round(RESEEDING.share * n / n_clusters) * len(lost))
    doubtful = sure.argsort()[:n_doubtful]
    in_doubt = torch.bincount(labels[doubtful], minlength=n_clusters)
    # A cluster gives some away only if it keeps some.
    in_doubt[counts <= 1] = 0
    begun = 0
    for cluster, giver in zip(lost, in_doubt.argsort(descending=True), strict=False):
        if not in_doubt[giver]:
            break
        taken = doubtful[labels[doubtful] == giver][: int(counts[giver]) // 2]
        is_left = labels == giver
        is_left[taken] = False
        reseed_with(net, dataset, cluster, taken, is_left.nonzero()[:, 0])
        begun += 1
    return begun


def reseed_with(
    net: TrainedNet,
    dataset: RowDataset,
    cluster: int,
    taken: torch.Tensor,
    left: torch.Tensor,
) -> None:
    """Let a cluster begin anew with samples of another one.

    Parameters
    ----------
    net : TrainedNet
    dataset : RowDataset
    cluster : int
    taken, left : Tensor of shape (m,), (k,)
        Rows of the samples that it takes, and of those that it leaves; the first of
        each are looked at.
    """
    seeds, others = (
        net.reader.read(dataset.fetch(rows[: RESEEDING.most_seeds]), net.torch_device)
        for rows in (taken, left)
    )
    with evaluating(net.module_):
        net.module_.reseed(cluster, seeds, others)


def warn_of_reseeding(n_begun: int) -> None:
    """Say how often clusters began anew, if any did."""
    if n_begun:
        times = "once" if n_begun == 1 else f"{n_begun} times"
        warn(
            f"A cluster lost all its samples in training {times}, and began anew from "
            "those most in doubt. A smaller n_clusters may fit the data better.",
            ConvergenceWarning,
        )
