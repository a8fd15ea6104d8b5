"""The two phases of the Gaussian-mixture autoencoder."""

from typing import Any

import torch

from deepcluster_sk.augmentation.view import View
from deepcluster_sk.losses.cross_entropy import cross_entropy_loss
from deepcluster_sk.losses.total import total_loss
from deepcluster_sk.methods.variational.losses import expected_term, uniform_divergence
from deepcluster_sk.methods.variational.network import Bound
from deepcluster_sk.training.objectives import Objective, SelfTraining, Terms

#: Temperature of the relaxed draw at the end of training; it starts at 1.
FINAL_TEMPERATURE = 0.3


class VariationalPretraining(Objective):
    """Reconstruction alone, with nothing paid for what the latent tells."""

    name = "pretrain"

    def inputs(
        self, rows: torch.Tensor, negatives: torch.Tensor | None = None
    ) -> dict[str, Any]:
        """Give the samples."""
        return {"x": rows, "n_modelled": len(rows)}

    def __call__(
        self, inputs: dict[str, Any], outputs: Bound, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Reconstruction error of a batch."""
        loss = expected_term(outputs.weights, outputs.nll)
        return {"reconstruction": loss}, loss


class VariationalClustering(SelfTraining):
    """The negated evidence lower bound, in nats per image.

    A mixture left to itself from the start puts everything into one cluster. Two things
    prevent that: both divergences are warmed up, and q(k|x) of an augmented view of
    each image is anchored to the start for a while. What is left then is the bound.

    Parameters
    ----------
    view : View
    warmup : float
        Share of the phase over which the divergences rise to their weight of 1.
    anchor_weight : float
        Weight, in nats, of the cross-entropy between the start and q(k|x).
    **settings
        As :class:`SelfTraining` takes them.

    References
    ----------
    Prasad, Das and Bhowmick (2020), arXiv:2005.04613.
    """

    def __init__(
        self, view: View, warmup: float, anchor_weight: float, **settings: Any
    ) -> None:
        # The bound has no target of its own: what is held is the anchor or nothing.
        super().__init__(target=torch.zeros_like, **settings)
        self.view = view
        self.warmup = warmup
        self.anchor_weight = anchor_weight

    @property
    def is_anchored(self) -> bool:
        """Whether the start still holds the assignments."""
        return self.anchor is not None and self.anchor.weight(self._elapsed) > 0

    def inputs(
        self, rows: torch.Tensor, negatives: torch.Tensor | None = None
    ) -> dict[str, Any]:
        """Stack the samples, which are modelled, and the views that are anchored."""
        x = torch.cat([rows, self.view(rows)]) if self.is_anchored else rows
        temperature = FINAL_TEMPERATURE**self._elapsed
        return {"x": x, "n_modelled": len(rows), "temperature": temperature}

    def __call__(
        self, inputs: dict[str, Any], outputs: Bound, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Terms of a batch and their weighted sum."""
        n = len(indices)
        warm = min(1.0, self._elapsed / self.warmup) if self.warmup else 1.0
        terms = {
            "reconstruction": expected_term(outputs.weights, outputs.nll),
            "latent": expected_term(outputs.weights, outputs.divergence),
            "discrete": uniform_divergence(outputs.log_assignment[:n]).mean(),
        }
        weights = {"reconstruction": 1.0, "latent": warm, "discrete": warm}
        if len(outputs.log_assignment) > n:
            terms["anchor"] = cross_entropy_loss(
                self.targets[indices], outputs.log_assignment[n:]
            )
            weights["anchor"] = self.anchor_weight
        return terms, total_loss(terms, weights)
