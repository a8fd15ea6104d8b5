"""Pixels as a network wants them: colours, size, scale, order of channels and axes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from deepcluster_sk.data.pixels import LUMA
from deepcluster_sk.data.resizing import cut_and_scaled

#: Mean and standard deviation of red, green and blue in ImageNet, of white = 1: what
#: networks of photographs are trained on, unless they say otherwise.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
#: Side of the pictures that such networks are trained on.
SIDE = 224

Layout = Literal["NCHW", "NHWC"]


@dataclass(frozen=True)
class Preparation:
    """What a network takes for a picture.

    Attributes
    ----------
    size : (int, int) or None
        Height and width; None leaves pictures as they come.
    n_channels : {1, 3}
        Brightness alone, or colours.
    mean, std : tuple of float
        Taken off and divided by, of each channel in the network's order; one value
        stands for all channels.
    white : float
        Value of white before that.
    bgr : bool
        Whether blue comes first.
    layout : {"NCHW", "NHWC"}
    """

    size: tuple[int, int] | None = (SIDE, SIDE)
    n_channels: int = 3
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    white: float = 1.0
    bgr: bool = False
    layout: Layout = "NCHW"

    @classmethod
    def of_shape(cls, shape: Sequence[Any]) -> "Preparation":
        """Read what the four axes of an input tell; what is no int is free.

        Axes ``(batch, C, H, W)`` or ``(batch, H, W, C)``, by where 1 or 3 stands.
        """
        first, last = (shape[axis] in (1, 3) for axis in (1, 3))
        layout: Layout = "NHWC" if last and not first else "NCHW"
        sides = shape[1:3] if layout == "NHWC" else shape[2:4]
        channels = shape[3] if layout == "NHWC" else shape[1]
        found = replace(cls(), layout=layout)
        if channels in (1, 3):
            found = replace(found, n_channels=channels)
        if all(isinstance(side, int) for side in sides):
            found = replace(found, size=(int(sides[0]), int(sides[1])))
        return found

    def apply(self, images: torch.Tensor, white: float) -> torch.Tensor:
        """Prepare pixels ``(b, C, H, W)``, float32, of 0 to `white`."""
        images = self._coloured(images)
        if self.size is not None:
            images = cut_and_scaled(images, self.size, white)
        images = images * (self.white / white)
        if self.bgr:
            images = images.flip(1)
        mean, std = (
            torch.tensor(self._a_channel(values), device=images.device).view(-1, 1, 1)
            for values in (self.mean, self.std)
        )
        images = (images - mean) / std
        if self.layout == "NHWC":
            images = images.permute(0, 2, 3, 1)
        return images.contiguous()

    def _coloured(self, images: torch.Tensor) -> torch.Tensor:
        """Give images the number of channels that is wanted."""
        if images.shape[1] == self.n_channels:
            return images
        if self.n_channels == 3:
            return images.expand(-1, 3, -1, -1)
        share = torch.tensor(LUMA, device=images.device).view(-1, 1, 1)
        return (images * share).sum(dim=1, keepdim=True)

    def _a_channel(self, values: tuple[float, ...]) -> list[float]:
        """One value for each channel, of so many as were told."""
        if len(values) == self.n_channels:
            return list(values)
        return [sum(values) / len(values)] * self.n_channels
