"""What a phase of training comes to, apart from the net that came to it."""

from dataclasses import dataclass
from typing import Any

import torch

from deepcluster_sk.training.net import ClusteringNet


@dataclass(frozen=True)
class Snapshot:
    """Weights and history of a net after a phase.

    Attributes
    ----------
    weights : dict of str to Tensor
        On the CPU.
    history : list of dict
    """

    weights: dict[str, torch.Tensor]
    history: list[dict[str, Any]]

    @classmethod
    def of(cls, net: ClusteringNet) -> "Snapshot":
        """Take the snapshot of a net."""
        state = net.module_.state_dict()
        weights = {name: value.detach().cpu().clone() for name, value in state.items()}
        return cls(weights, net.history.to_list())

    def restore(self, net: ClusteringNet) -> None:
        """Bring a net of the same module to the snapshot."""
        net.module_.load_state_dict(self.weights)
        net.history[:] = self.history
