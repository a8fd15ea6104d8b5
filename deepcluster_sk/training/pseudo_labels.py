"""Targets anchored to a partition found on a neighbour graph, and refined later."""

from collections.abc import Callable

import torch

from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.training.protocols import TrainedNet

#: How much less modularity than the first a new partition may have, times the number of
#: clusters, of which ten are counted at least: half of what it costs to merge two of K
#: equal clusters without a link between them. With ten clusters those that were better
#: in truth lost below .005; those that were worse, more than .03.
SLACK = 0.1


class Anchor:
    """Partition that holds the targets of self-training for a while.

    A trained latent is often a better place to look for neighbours than pixels: from
    time to time the net's labels are refined in it, and become the partition. The graph
    the first one was found on stays the judge: a new partition is taken only where its
    modularity on that graph comes near the first one's, and the phase ends with the
    weights of the epoch whose labels had the highest, of those since the last new
    partition.

    Parameters
    ----------
    labels : ndarray of shape (n,), int64
        The first partition.
    n_clusters : int
    duration : float
        Share of the phase, in [0, 1], for which the partition is the target. Over half
        as long again it fades out in favour of the net's own targets.
    graph : Graph, default=None
        The judge; without one nothing is judged, and nothing refined.
    restart : callable, default=None
        Gives a new partition, ``(n,)``, from the net, its labels, ``(n,)``, and the
        judge.
    n_restarts : int, default=0
        New partitions, at equal distances over the phase. Two distances follow the
        last, for a partition found when the learning rate is nearly 0 is not learned.
    """

    def __init__(
        self,
        labels: Labels,
        n_clusters: int,
        duration: float,
        graph: Graph | None = None,
        restart: Callable[[TrainedNet, Labels, Graph], Labels] | None = None,
        n_restarts: int = 0,
    ) -> None:
        self.labels = labels
        self.n_clusters = n_clusters
        self.duration = duration
        self.graph = graph
        self.restart = restart
        self.n_restarts = n_restarts
        if graph is not None:
            slack = SLACK / max(n_clusters, 10)
            self._least_merit = graph.modularity(labels) - slack
        self._n_restarted = 0
        self._best: tuple[float, dict[str, torch.Tensor]] | None = None

    def weight(self, elapsed: float) -> float:
        """Share of the partition in the targets, `elapsed` into the phase."""
        if not self.duration:
            return 0.0
        return min(1.0, max(0.0, 3 - 2 * elapsed / self.duration))

    def hold(self, targets: torch.Tensor, elapsed: float) -> torch.Tensor:
        """Mix the partition into targets ``(n, n_clusters)``."""
        weight = self.weight(elapsed)
        if not weight:
            return targets
        labels = torch.as_tensor(self.labels, device=targets.device)
        held = torch.nn.functional.one_hot(labels, self.n_clusters)
        return torch.lerp(targets, held.to(targets), weight)

    def end_epoch(
        self, net: TrainedNet, labels: torch.Tensor, elapsed: float
    ) -> dict[str, float]:
        """Judge the net's labels, and refine them where it is time."""
        if self.graph is None:
            return {}
        current = labels.cpu().numpy()
        merit = self.graph.modularity(current)
        if self._best is None or merit >= self._best[0]:
            state = {k: v.clone() for k, v in net.module_.state_dict().items()}
            self._best = (merit, state)
        due = int(elapsed * (self.n_restarts + 2))
        if self.restart is not None and self._n_restarted < due <= self.n_restarts:
            self._n_restarted = due
            found = self.restart(net, current, self.graph)
            if self.graph.modularity(found) >= self._least_merit:
                self.labels = found
                self._best = None
        return {"modularity": merit}

    def end(self, net: TrainedNet) -> None:
        """Return to the best epoch."""
        if self._best is not None:
            net.module_.load_state_dict(self._best[1])
