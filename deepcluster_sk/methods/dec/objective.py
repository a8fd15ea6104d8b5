"""The two phases of DEC and IDEC: an autoencoder, then self-training on its latent."""

from typing import Any

import torch

from deepcluster_sk.augmentation.view import View
from deepcluster_sk.losses.clustering import clustering_loss
from deepcluster_sk.losses.total import total_loss
from deepcluster_sk.training.objectives import Objective, Terms
from deepcluster_sk.training.self_training import SelfTrainingObjective


class AutoencoderPretraining(Objective):
    """Reconstruction of (views of) the samples, before there are clusters.

    Parameters
    ----------
    view : View
    from_views : bool
        Whether it is the samples that are rebuilt from the views.
    """

    name = "pretrain"

    def __init__(self, view: View, from_views: bool) -> None:
        self.view = view
        self.from_views = from_views

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Draw views, all of them to be reconstructed."""
        if self.from_views:
            return _rebuilt_from(self.view(rows), rows)
        return {"x": self.view(rows), "n_reconstructed": len(rows)}

    def __call__(
        self, inputs: dict[str, Any], outputs: Any, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Reconstruction error of a batch."""
        loss = outputs.reconstruction_loss(inputs["x"], self.from_views)
        return {"reconstruction": loss}, loss


class DECClustering(SelfTrainingObjective):
    """Divergence of the assignments from their sharpened targets.

    The targets come from the samples themselves, the assignments pulled to them are
    those of one view of each.

    Parameters
    ----------
    view : View
    reconstruction_weight : float
        Weight of the reconstruction beside the divergence; 0 is DEC, more is IDEC.
    on_views : bool
        Whether it is views that are pulled, or the samples themselves.
    from_views : bool
        Whether it is the samples that are rebuilt from the views.
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
        on_views: bool,
        from_views: bool,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.view = view
        self.on_views = on_views
        self.from_views = from_views
        self.weights = {"clustering": 1.0, "reconstruction": reconstruction_weight}

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Draw views; the decoder is asked only where its error counts."""
        n_reconstructed = len(rows) if self.weights["reconstruction"] else 0
        if self.from_views and n_reconstructed:
            return _rebuilt_from(self.view(rows), rows)
        x = self.view(rows) if self.on_views else rows
        return {"x": x, "n_reconstructed": n_reconstructed}

    def __call__(
        self, inputs: dict[str, Any], outputs: Any, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Terms of a batch and their weighted sum."""
        n, log_assignment = len(indices), outputs.log_assignment
        # Where samples are rebuilt from their views, the views come behind them.
        pulled = log_assignment[-n:] if self.on_views else log_assignment[:n]
        terms = {"clustering": clustering_loss(self.targets(indices), pulled)}
        if self.weights["reconstruction"]:
            terms["reconstruction"] = outputs.reconstruction_loss(
                inputs["x"], self.from_views
            )
        return terms, total_loss(terms, self.weights)


def _rebuilt_from(views: torch.Tensor, rows: torch.Tensor) -> dict[str, Any]:
    """Arguments of a pass that rebuilds samples from views of them."""
    n = len(rows)
    return {"x": torch.cat([rows, views]), "n_reconstructed": n, "first": n}
