"""What a training phase minimises: the contract between an objective and the engine."""

from collections.abc import Mapping
from typing import Any

import torch

from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.training.protocols import TrainedNet

Terms = dict[str, torch.Tensor]


class Objective:
    """One phase of training: inputs of a pass, terms of a batch, work between epochs.

    Subclasses fill in ``__call__``; the other methods may stay as they are. A phase
    calls :meth:`begin`; for every batch :meth:`companions`, :meth:`inputs`,
    ``__call__`` and :meth:`end_batch`; after every epoch :meth:`end_epoch`; and at
    last :meth:`end`.

    Attributes
    ----------
    name : str
        Stands in the history.
    inputs_need_grad : bool
        Whether :meth:`inputs` is called with gradients on, as adversarial perturbations
        want it.
    finished : bool
        Set to True to end the phase after the running epoch.
    settled : bool
        Whether the phase came to rest; of a phase that has no such thing it is True.
    """

    name = "none"
    inputs_need_grad = False
    finished = False
    settled = True

    def begin(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Prepare the phase."""

    def companions(self, indices: torch.Tensor) -> Mapping[str, torch.Tensor]:
        """Rows that go with those of a batch, by the names :meth:`inputs` has for them.

        Parameters
        ----------
        indices : Tensor of shape (b,)
        """
        return {}

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Arguments of the module's ``forward`` for a scaled batch; here that alone.

        Parameters
        ----------
        module : nn.Module
            The network, as it is.
        rows : Tensor of shape ``(b, *sample_shape)``
        **companions : Tensor of shape ``(b, *sample_shape)``
            What :meth:`companions` named.
        """
        return {"x": rows}

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

    def end_epoch(self, net: TrainedNet, dataset: RowDataset) -> dict[str, Any]:
        """Look at the whole data after an epoch; figures for the history."""
        return {}

    def end(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Leave the net as the phase's result."""
