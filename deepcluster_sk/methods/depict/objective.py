"""The two phases of DEPICT."""

from typing import Any

import torch

from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.losses.cross_entropy import cross_entropy_loss
from deepcluster_sk.losses.total import total_loss
from deepcluster_sk.methods.depict.losses import layerwise_loss
from deepcluster_sk.methods.depict.network import Pathways
from deepcluster_sk.training.objectives import Objective, Terms
from deepcluster_sk.training.protocols import TrainedNet
from deepcluster_sk.training.self_training import SelfTrainingObjective


class DepictPretraining(Objective):
    """Layer-wise reconstruction from noisy codes, before there are clusters.

    Parameters
    ----------
    hidden_weight : float
        Weight of the hidden layers, against 1 for the input.
    """

    name = "pretrain"

    def __init__(self, hidden_weight: float) -> None:
        self.hidden_weight = hidden_weight

    def __call__(
        self, inputs: dict[str, Any], outputs: Pathways, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Reconstruction error of a batch."""
        loss = layerwise_loss(outputs.decoded, outputs.clean, self.hidden_weight)
        return {"reconstruction": loss}, loss


class DepictClustering(SelfTrainingObjective):
    """Cross-entropy of the assignments, and layer-wise reconstruction.

    Parameters
    ----------
    reconstruction_weight : float
        Of the reconstruction beside the cross-entropy.
    hidden_weight : float
        Of the hidden layers within the reconstruction.
    pull_clean : bool
        Whether the clean assignments are pulled to the targets as well or, as in the
        paper, only the noisy ones.
    **settings
        As :class:`SelfTrainingObjective` takes them.

    References
    ----------
    Ghasedi Dizaji et al. (2017), arXiv:1704.06327, section 3.
    """

    def __init__(
        self,
        reconstruction_weight: float,
        hidden_weight: float,
        pull_clean: bool,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.weights = {"clustering": 1.0, "reconstruction": reconstruction_weight}
        self.hidden_weight = hidden_weight
        self.pull_clean = pull_clean

    def __call__(
        self, inputs: dict[str, Any], outputs: Pathways, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Terms of a batch and their weighted sum."""
        pulled, target = outputs.log_assignment, self.targets(indices)
        if self.pull_clean:
            pulled = torch.cat([pulled, outputs.clean_log_assignment])
            target = target.repeat(2, 1)
        terms = {
            "clustering": cross_entropy_loss(target, pulled),
            "reconstruction": layerwise_loss(
                outputs.decoded, outputs.clean, self.hidden_weight
            ),
        }
        return terms, total_loss(terms, self.weights)

    def end(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Put the centres where the clusters have come to be: the softmax has none."""
        super().end(net, dataset)
        latent, log_assignment = net.embed(dataset)
        shares = log_assignment.exp()
        sizes = shares.sum(0)[:, None].clamp_min(torch.finfo(shares.dtype).tiny)
        net.module_.cluster_centers.copy_(shares.T @ latent / sizes)
