"""What a training phase minimises, and what it keeps of the data set meanwhile."""

from collections.abc import Callable
from typing import Any

import torch

from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.losses.clustering import target_distribution
from deepcluster_sk.training.protocols import TrainedNet
from deepcluster_sk.training.pseudo_labels import Anchor

Terms = dict[str, torch.Tensor]


class Objective:
    """One phase of training: inputs of a pass, terms of a batch, work between epochs.

    Subclasses fill in :meth:`inputs` and :meth:`__call__`; the other methods are holes
    that may stay empty. A phase calls :meth:`begin`; for every batch :meth:`inputs`,
    :meth:`__call__` and :meth:`end_batch`; after every epoch :meth:`end_epoch`; and at
    last :meth:`end`.

    Attributes
    ----------
    name : str
        Stands in the history, and before the progress bar.
    finished : bool
        Set to True to end the phase after the running epoch.
    """

    name = "none"
    finished = False

    def begin(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Prepare the phase."""

    def inputs(
        self, rows: torch.Tensor, negatives: torch.Tensor | None = None
    ) -> dict[str, Any]:
        """Arguments of the module's ``forward`` for a scaled batch; no gradient here.

        Parameters
        ----------
        rows : Tensor of shape (b, *sample_shape)
        negatives : Tensor of shape (b, *sample_shape) or None
            Each row's negative, where the data set has been given them.
        """
        raise NotImplementedError

    def __call__(
        self, inputs: dict[str, Any], outputs: Any, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Named terms of a batch, and their weighted sum.

        Parameters
        ----------
        inputs : dict
            As :meth:`inputs` returned them.
        outputs
            What ``forward`` returned.
        indices : Tensor of shape (b,)
            Rows of the data set the batch holds.
        """
        raise NotImplementedError

    def end_batch(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Look at the net after a step."""

    def end_epoch(self, net: TrainedNet, dataset: RowDataset) -> dict[str, float]:
        """Look at the whole data after an epoch; figures for the history."""
        return {}

    def end(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Leave the net as the phase's result."""


class SelfTraining(Objective):
    """Objective with a target for every row.

    The targets of the literature come from the net's own assignments to the whole data
    set, without augmentation, and are held constant until the next refresh. They may be
    anchored to a partition found before: a net trained on nothing but its own
    assignments forgets much of a good start.

    Parameters
    ----------
    tol : float
        The phase has settled once less than this fraction of the labels changed over an
        epoch; it ends then, unless its targets are anchored.
    update_interval : int or None, default=None
        Batches between two refreshes; None refreshes after every epoch.
    target : callable, default=target_distribution
        From q of all rows, ``(n, n_clusters)``, to the target, of the same shape.
    anchor : Anchor, default=None
        Partition the targets are anchored to.

    Attributes
    ----------
    targets : Tensor of shape (n, n_clusters)
    labels : Tensor of shape (n,)
        Assignments at the last refresh.
    label_change : float
        Fraction of labels changed over the last epoch.
    settled : bool
    """

    name = "cluster"

    def __init__(
        self,
        tol: float,
        update_interval: int | None = None,
        target: Callable[[torch.Tensor], torch.Tensor] = target_distribution,
        anchor: Anchor | None = None,
    ) -> None:
        self.tol = tol
        self.update_interval = update_interval
        self.target = target
        self.anchor = anchor
        self.settled = False
        self.label_change = 1.0
        self._n_batches = 0

    def begin(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Take the first targets."""
        self._n_steps = net.phase_steps_
        self._refresh(net, dataset)
        self._epoch_labels = self.labels

    def end_batch(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Refresh where an interval is set."""
        self._n_batches += 1
        if self.update_interval and self._n_batches % self.update_interval == 0:
            self._refresh(net, dataset)

    def end_epoch(self, net: TrainedNet, dataset: RowDataset) -> dict[str, float]:
        """Refresh the targets and measure how many labels changed over the epoch."""
        self._refresh(net, dataset)
        self.label_change = float((self.labels != self._epoch_labels).float().mean())
        self._epoch_labels = self.labels
        self.settled = self.label_change < self.tol
        figures = {"label_change": self.label_change}
        if self.anchor is None:
            self.finished = self.settled
        else:
            # Labels that are held to the anchor say nothing of having settled.
            self.finished = self.settled and not self.anchor.weight(self._elapsed)
            figures |= self.anchor.end_epoch(net, self.labels, self._elapsed)
        return figures

    def end(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Return to the best epoch."""
        if self.anchor is not None:
            self.anchor.end(net)

    @property
    def _elapsed(self) -> float:
        """Share of the phase that is over."""
        return self._n_batches / self._n_steps

    def _refresh(self, net: TrainedNet, dataset: RowDataset) -> None:
        assignment = net.embed(dataset).log_assignment.exp()
        self.labels = assignment.argmax(1)
        self.targets = self.target(assignment)
        if self.anchor is not None:
            self.targets = self.anchor.hold(self.targets, self._elapsed)
