"""One augmented view of a batch."""

from dataclasses import dataclass

import torch

from deepcluster_sk.augmentation.presets import AugmentationLike, apply_augmentation


@dataclass(frozen=True)
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
        return channels_last(
            apply_augmentation(self.augmentation, rows, self.generator)
        )


def channels_last(x: torch.Tensor) -> torch.Tensor:
    """Lay out images channels last, as the networks are; vectors are left alone."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
