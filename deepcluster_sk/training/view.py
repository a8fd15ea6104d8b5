"""One augmented view of a batch."""

from dataclasses import dataclass

import torch

from deepcluster_sk.training.augmentation import AugmentationLike, apply_augmentation


@dataclass
class View:
    """One augmented view of each batch.

    Attributes
    ----------
    augmentation : callable
        The identity trains on the samples themselves.
    generator : torch.Generator
    """

    augmentation: AugmentationLike
    generator: torch.Generator

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Draw a view of every row, ``(n, *sample_shape)``."""
        x = apply_augmentation(self.augmentation, rows, self.generator)
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        return x
