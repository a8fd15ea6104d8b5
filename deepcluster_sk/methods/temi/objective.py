"""What joint training of TEMI minimises."""

from typing import Any

import torch

from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.graph.neighbors import view_neighbors
from deepcluster_sk.losses.cross_entropy import cross_entropy_loss
from deepcluster_sk.losses.total import total_loss
from deepcluster_sk.methods.temi.losses import distillation_loss
from deepcluster_sk.methods.temi.network import Assignments
from deepcluster_sk.networks.inference import collect, evaluating
from deepcluster_sk.training.objectives import Terms
from deepcluster_sk.training.protocols import TrainedNet
from deepcluster_sk.training.self_training import ClusteringObjective

#: What is kept, at a step, of the shares of the clusters.
SHARE_MOMENTUM = 0.9
#: Share of the phase before which it does not end: teachers move slowly at first.
LEAST = 0.5


class TEMIClustering(ClusteringObjective):
    """Self-distillation on pairs of neighbours, by cosine.

    Each sample comes with one of its neighbours, drawn anew for every epoch. Students
    are to assign it to the clusters that the teachers assign the neighbour to, and the
    other way round. It is the first head alone that is held to labels.

    Parameters
    ----------
    n_neighbors : int
        Nearest neighbours that one is drawn from.
    beta : float
        As :func:`~deepcluster_sk.methods.temi.losses.pair_loss` has it.
    momentum : float
        What is kept, at a step, of the teachers.
    generator : torch.Generator
        Of the draws.
    **settings
        As :class:`ClusteringObjective` takes them.

    References
    ----------
    Adaloglou, Michels, Kalisch, Kollmann (2023), arXiv:2303.17896, section 3.
    """

    def __init__(
        self,
        n_neighbors: int,
        beta: float,
        momentum: float,
        generator: torch.Generator,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.n_neighbors = n_neighbors
        self.beta = beta
        self.momentum = momentum
        self.generator = generator

    def begin(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Look for neighbours, and take the first labels."""
        super().begin(net, dataset)
        self.cluster_shares: Any = 1 / self._n_clusters
        self.neighbors = _nearest(net, dataset, self.n_neighbors).to(dataset.home)
        self._draw()

    def companions(self, indices: torch.Tensor) -> dict[str, torch.Tensor]:
        """Fetch the neighbour of each sample."""
        return {"neighbors": self.drawn[indices]}

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Stack the samples, and their neighbours behind them."""
        return {"x": torch.cat([rows, companions["neighbors"]])}

    def __call__(
        self, inputs: dict[str, Any], outputs: Assignments, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Terms of a batch and their weighted sum."""
        student, teacher = outputs
        now = teacher.exp().mean(1, keepdim=True)
        kept = SHARE_MOMENTUM * self.cluster_shares
        self.cluster_shares = kept + (1 - SHARE_MOMENTUM) * now
        log_share = self.cluster_shares.clamp_min(torch.finfo(now.dtype).tiny).log()
        losses = distillation_loss(student, teacher, log_share, self.beta)
        terms, weights = {"clustering": losses.mean()}, {"clustering": 1 - self.share}
        if self.share or self.known is not None:
            own = student[0, : len(indices)]
            target = torch.zeros_like(own)
            if self.share:
                target = self.share * self.held_targets(indices)
            target = self.with_known(target, indices)
            terms["held"] = cross_entropy_loss(target, own)
            weights["held"] = 1.0
        return terms, total_loss(terms, weights)

    def end_batch(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Let the teachers follow."""
        super().end_batch(net, dataset)
        net.module_.follow(self.momentum)

    def end_epoch(
        self, net: TrainedNet, dataset: RowDataset
    ) -> dict[str, float | bool]:
        """Look at all samples, and draw other neighbours."""
        figures = super().end_epoch(net, dataset)
        self.finished = self.finished and self.elapsed >= LEAST
        self._draw()
        return figures

    def _draw(self) -> None:
        """Draw one of the neighbours of each sample."""
        n, k = self.neighbors.shape
        chosen = torch.randint(
            k, (n, 1), generator=self.generator, device=self.generator.device
        )
        drawn = self.neighbors.gather(1, chosen.to(self.neighbors.device))
        self.drawn = drawn[:, 0]


def seen_by(net: TrainedNet, dataset: RowDataset) -> torch.Tensor:
    """Bring all samples to unit length, as a net sees them, ``(n, d)``."""
    with evaluating(net.module_):
        return collect(net.module_.see, dataset, net.reader, net.torch_device)


def _nearest(net: TrainedNet, dataset: RowDataset, k: int) -> torch.Tensor:
    """Rows nearest to each, by cosine, ``(n, k)``; fewer than k where there are."""
    seen = seen_by(net, dataset)
    return view_neighbors(seen, [seen], min(k, len(seen) - 1), same=True).indices
