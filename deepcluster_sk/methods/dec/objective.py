"""The two phases of DEC and IDEC: an autoencoder, then self-training on its latent."""

from typing import Any

import torch

from deepcluster_sk.augmentation.view import View
from deepcluster_sk.losses.clustering import clustering_loss
from deepcluster_sk.losses.reconstruction import reconstruction_loss
from deepcluster_sk.losses.total import total_loss
from deepcluster_sk.training.objectives import Objective, Terms
from deepcluster_sk.training.self_training import SelfTrainingObjective


class AutoencoderPretraining(Objective):
    """Reconstruction of (views of) the samples, before there are clusters.

    Parameters
    ----------
    view : View
    """

    name = "pretrain"

    def __init__(self, view: View) -> None:
        self.view = view

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Draw views, all of them to be reconstructed."""
        return {"x": self.view(rows), "n_reconstructed": len(rows)}

    def __call__(
        self, inputs: dict[str, Any], outputs: Any, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Reconstruction error of a batch."""
        _, _, reconstruction = outputs
        loss = reconstruction_loss(reconstruction, inputs["x"])
        return {"reconstruction": loss}, loss


class DECClustering(SelfTrainingObjective):
    """Divergence of the assignments from their sharpened targets.

    The targets come from the samples themselves, the assignments pulled to them are
    those of one view of each.

    Parameters
    ----------
    view : View
    on_views : bool
        Whether it is views that are pulled, or the samples themselves.
    reconstruction_weight : float
        Weight of the reconstruction beside the divergence; 0 is DEC, more is IDEC.
    **settings
        As :class:`SelfTrainingObjective` takes them.

    References
    ----------
    Xie, Girshick and Farhadi, arXiv:1511.06335, section 3.1; Guo, Gao, Liu and Yin
    (2017), "Improved deep embedded clustering with local structure preservation".
    """

    def __init__(
        self,
        view: View,
        reconstruction_weight: float,
        on_views: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.view = view
        self.on_views = on_views
        self.weights = {"clustering": 1.0, "reconstruction": reconstruction_weight}

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Draw views; the decoder is asked only where its error counts."""
        n_reconstructed = len(rows) if self.weights["reconstruction"] else 0
        x = self.view(rows) if self.on_views else rows
        return {"x": x, "n_reconstructed": n_reconstructed}

    def __call__(
        self, inputs: dict[str, Any], outputs: Any, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Terms of a batch and their weighted sum."""
        _, log_assignment, reconstruction = outputs
        terms = {"clustering": clustering_loss(self.targets(indices), log_assignment)}
        if self.weights["reconstruction"]:
            terms["reconstruction"] = reconstruction_loss(reconstruction, inputs["x"])
        return terms, total_loss(terms, self.weights)
