"""Objectives that follow the labels of the whole data set, and train on targets."""

from collections.abc import Callable

import torch
from torch.nn.functional import one_hot

from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.losses.clustering import target_distribution
from deepcluster_sk.training.objectives import Objective
from deepcluster_sk.training.protocols import TrainedNet
from deepcluster_sk.training.pseudo_labels import LabelUpdates
from deepcluster_sk.training.reseeding import RESEEDING, reseed_lost, warn_of_reseeding


class ClusteringObjective(Objective):
    """Objective of a phase that has clusters, and ends when their labels have settled.

    Parameters
    ----------
    tol : float
        The phase has settled once less than this fraction of the labels changed over an
        epoch; it ends then, unless pseudo-labels still hold it.
    pseudo_labels : LabelUpdates, default=None
        Labels that hold the targets for a while.
    judge : Graph, default=None
        Graph on which the modularity of the labels is taken after every epoch.
    known : ndarray of shape (n,), int64, default=None
        Labels that targets always are, whatever else they are made of; -1 where there
        is none.

    Attributes
    ----------
    labels : Tensor of shape (n,)
        Assignments of all samples at the last refresh.
    label_change : float
        Fraction of labels changed over the last epoch.
    settled : bool
    share : float
        Share of the pseudo-labels in the targets, since the last refresh.
    """

    name = "cluster"
    settled = False
    label_change = 1.0

    def __init__(
        self,
        tol: float,
        pseudo_labels: LabelUpdates | None = None,
        judge: Graph | None = None,
        known: Labels | None = None,
    ) -> None:
        self.tol = tol
        self.pseudo_labels = pseudo_labels
        self.judge = judge
        self.known = known
        self.n_reseeded = 0
        self._n_batches = 0

    def begin(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Take the first labels."""
        self._n_steps = net.phase_steps_
        self._refresh(net, dataset)
        self._hold()
        self._epoch_labels = self.labels

    def end_batch(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Count."""
        self._n_batches += 1

    def end_epoch(
        self, net: TrainedNet, dataset: RowDataset
    ) -> dict[str, float | bool]:
        """Look at all samples, and measure how many labels changed over the epoch.

        Returns
        -------
        dict
            ``label_change``; ``modularity``, if there is a judge; ``updated``, whether
            new pseudo-labels were taken, if there are any; ``reseeded``, how many
            clusters began anew, if any did.
        """
        self._refresh(net, dataset)
        self.label_change = float((self.labels != self._epoch_labels).float().mean())
        self._epoch_labels = self.labels
        self.settled = self.label_change < self.tol
        figures: dict[str, float | bool] = {"label_change": self.label_change}
        # Labels that are held say nothing of having settled.
        self.finished = self.settled and not self.held
        labels = self.labels.cpu().numpy()
        if self.judge is not None:
            figures["modularity"] = self.judge.modularity(labels)
        if self.pseudo_labels is not None:
            updated = self.pseudo_labels.update(net, labels, self.elapsed)
            figures["updated"] = updated
            if updated:
                self._hold()
        n_reseeded = self._reseed(net, dataset)
        if n_reseeded:
            figures["reseeded"] = n_reseeded
        return figures

    def end(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Warn if clusters had to begin anew."""
        super().end(net, dataset)
        warn_of_reseeding(self.n_reseeded)

    @property
    def elapsed(self) -> float:
        """Share of the phase that is over."""
        return self._n_batches / self._n_steps

    @property
    def held(self) -> float:
        """Share of the pseudo-labels in the targets, now."""
        if self.pseudo_labels is None:
            return 0.0
        return self.pseudo_labels.strategy.share(self.elapsed)

    def held_targets(self, indices: torch.Tensor) -> torch.Tensor:
        """Pseudo-labels of a batch as targets, ``(b, n_clusters)``, float32."""
        return one_hot(self._held_labels[indices], self._n_clusters).float()

    def with_known(self, targets: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        """Targets of a batch, ``(b, n_clusters)``, with those that are known."""
        if self.known is None:
            return targets
        known = torch.as_tensor(self.known, device=targets.device)[indices]
        certain = one_hot(known.clamp_min(0), self._n_clusters).to(targets)
        return torch.where((known >= 0)[:, None], certain, targets)

    def _reseed(self, net: TrainedNet, dataset: RowDataset) -> int:
        """Let lost clusters begin anew, unless pseudo-labels see to them."""
        none_is_lost = len(self.labels.unique()) == self._n_clusters
        if none_is_lost or self.held or self.elapsed > RESEEDING.last:
            return 0
        if net.reader.scaler.is_constant:  # nothing tells samples apart
            return 0
        assignment = net.embed(dataset).log_assignment.exp()
        n_reseeded = reseed_lost(net, dataset, assignment)
        if n_reseeded:
            self.n_reseeded += n_reseeded
            self.settled = self.finished = False
            self._refresh(net, dataset)
            self._epoch_labels = self.labels
        return n_reseeded

    def _refresh(self, net: TrainedNet, dataset: RowDataset) -> None:
        self._take(net.embed(dataset).log_assignment.exp())

    def _take(self, assignment: torch.Tensor) -> None:
        """Look at the assignments of all samples, ``(n, n_clusters)``."""
        self.labels = assignment.argmax(1)
        self._n_clusters = assignment.shape[1]
        self.share = self.held

    def _hold(self) -> None:
        """Take the pseudo-labels there are, if any."""
        if self.pseudo_labels is not None:
            # As class indices: an (n, K) float target of much data is gigabytes.
            self._held_labels = torch.as_tensor(
                self.pseudo_labels.labels, device=self.labels.device
            )


class SelfTrainingObjective(ClusteringObjective):
    """Clustering objective whose own targets come from the net's assignments.

    They come from the whole data set, without augmentation, and are held constant until
    the next refresh.

    Parameters
    ----------
    tol, pseudo_labels, judge, known
        As :class:`ClusteringObjective` takes them.
    update_interval : int or None, default=None
        Batches between two refreshes; None refreshes after every epoch.
    target : callable, default=target_distribution
        From q of all rows, ``(n, n_clusters)``, to the target, of the same shape.
    """

    def __init__(
        self,
        tol: float,
        pseudo_labels: LabelUpdates | None = None,
        judge: Graph | None = None,
        known: Labels | None = None,
        update_interval: int | None = None,
        target: Callable[[torch.Tensor], torch.Tensor] = target_distribution,
    ) -> None:
        super().__init__(tol, pseudo_labels, judge, known)
        self.update_interval = update_interval
        self.target = target

    def end_batch(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Refresh where an interval is set."""
        super().end_batch(net, dataset)
        if self.update_interval and self._n_batches % self.update_interval == 0:
            self._refresh(net, dataset)

    def targets(self, indices: torch.Tensor) -> torch.Tensor:
        """Targets of a batch, ``(b, n_clusters)``."""
        if self.share == 1:  # what is known is in the labels that are held
            return self.held_targets(indices)
        targets = self._targets[indices]
        if self.share:
            targets = torch.lerp(targets, self.held_targets(indices), self.share)
        return self.with_known(targets, indices)

    def _take(self, assignment: torch.Tensor) -> None:
        super()._take(assignment)
        if self.share < 1:
            self._targets = self.target(assignment)
