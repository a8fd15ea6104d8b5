"""Pretraining that tells each image from all others of its batch at once."""

from typing import Any

import torch

from deepcluster_sk.augmentation.presets import AugmentationLike
from deepcluster_sk.augmentation.view import View, channels_last
from deepcluster_sk.losses.discrimination import discrimination_loss
from deepcluster_sk.training.objectives import Objective, Terms


class InstanceDiscriminationPretraining(Objective):
    """Instance discrimination between two augmented views, before there are clusters.

    Parameters
    ----------
    augmentation : callable
    generator : torch.Generator
        Of the augmentation.
    temperature : float
    """

    name = "pretrain"

    def __init__(
        self,
        augmentation: AugmentationLike,
        generator: torch.Generator,
        temperature: float,
    ) -> None:
        self.view = View(augmentation, generator)
        self.temperature = temperature

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Stack two views; the decoder is asked for nothing."""
        views = torch.cat([self.view(rows), self.view(rows)])
        return {"x": channels_last(views), "n_reconstructed": 0}

    def __call__(
        self, inputs: dict[str, Any], outputs: Any, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Return the one term, which is the loss."""
        first, second = outputs[0].chunk(2)
        loss = discrimination_loss(first, second, self.temperature)
        return {"discrimination": loss}, loss
