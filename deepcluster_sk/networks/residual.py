"""A residual network for photographs, as the encoder of an autoencoder."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

#: Widths of the blocks.
RESIDUAL_CHANNELS = (64, 128, 256, 512)
#: Sides of the feature maps that the first block works on, in pixels, at most: larger
#: images are halved before it.
MOST_SIDE = 48
#: Feature maps are halved while their smaller side is at least this, in pixels.
LEAST_SIDE = 4


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, whose output is added to what they are given.

    Parameters
    ----------
    depth, width : int
        Channels that go in, and come out.
    stride : {1, 2}
        Of the first convolution. Where sides differ then, those of what is given are
        halved by means; where channels do, it passes a 1x1 convolution.
    batch_norm : bool

    References
    ----------
    He et al. (2016), "Deep residual learning for image recognition", Fig. 2; He et al.
    (2019), "Bag of tricks for image classification with convolutional neural networks",
    Fig. 2c, for the means.
    """

    def __init__(self, depth: int, width: int, stride: int, batch_norm: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *convolution(depth, width, 3, stride, batch_norm),
            nn.ReLU(),
            *convolution(width, width, 3, 1, batch_norm),
        )
        self.shortcut = nn.Sequential()
        if stride > 1:
            means = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
            self.shortcut.append(means)
        if depth != width:
            self.shortcut.extend(convolution(depth, width, 1, 1, batch_norm))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Feature maps ``(n, depth, H, W)`` to ``(n, width, H / stride, W / stride)``.

        Sides are rounded up.
        """
        return F.relu(self.body(x) + self.shortcut(x))


def residual_encoder(
    image_shape: tuple[int, int, int],
    latent_dim: int,
    channels: Sequence[int] = RESIDUAL_CHANNELS,
    batch_norm: bool = True,
) -> nn.Sequential:
    """Build a residual network with a dense layer on the means of its feature maps.

    Parameters
    ----------
    image_shape : tuple (C, H, W)
    latent_dim : int
    channels : sequence of int
        Widths of the blocks. Where one differs from that before it the feature maps are
        halved.
    batch_norm : bool, default=True

    Returns
    -------
    Sequential
        Images ``(n, C, H, W)`` to codes ``(n, latent_dim)``.
    """
    depth, *sides = image_shape
    layers: list[nn.Module] = []
    first = channels[0]
    while not layers or max(sides) > MOST_SIDE:
        stride = 2 if max(sides) > MOST_SIDE else 1
        layers += [*convolution(depth, first, 3, stride, batch_norm), nn.ReLU()]
        depth, sides = first, [-(-side // stride) for side in sides]
    for width in channels:
        halve = width != depth and min(sides) >= LEAST_SIDE
        stride = 2 if halve else 1
        layers.append(ResidualBlock(depth, width, stride, batch_norm))
        depth, sides = width, [-(-side // stride) for side in sides]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(depth, latent_dim)
    )


def convolution(
    depth: int, width: int, size: int, stride: int, batch_norm: bool
) -> list[nn.Module]:
    """Make a convolution that keeps sides but for its stride, and its batch norm."""
    layer = nn.Conv2d(
        depth, width, size, stride, padding=size // 2, bias=not batch_norm
    )
    return [layer, nn.BatchNorm2d(width)] if batch_norm else [layer]
