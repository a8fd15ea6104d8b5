import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from deepcluster_sk.networks.residual import (
    RESIDUAL_CHANNELS,
    ResidualBlock,
    residual_encoder,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("depth", "width", "stride"), [(4, 4, 1), (4, 4, 2), (3, 5, 2), (3, 5, 1)]
)
def test_what_a_block_is_given_is_added_to_what_its_convolutions_make(
    depth, width, stride
):
    block = ResidualBlock(depth, width, stride, batch_norm=False)
    x = torch.randn(2, depth, 9, 7)
    first, _, second = block.body
    made = F.conv2d(x, first.weight, first.bias, stride, padding=1).relu()
    made = F.conv2d(made, second.weight, second.bias, padding=1)
    given = x
    if stride > 1:  # the last row and column of an odd side are means of what there is
        given = torch.stack(
            [
                x[..., i : i + 2, j : j + 2].mean((2, 3))
                for i in range(0, 9, 2)
                for j in range(0, 7, 2)
            ],
            dim=-1,
        ).unflatten(-1, (5, 4))
    if depth != width:
        shortcut = block.shortcut[-1]
        given = F.conv2d(given, shortcut.weight, shortcut.bias)
    assert_close(block(x), (made + given).relu())
    assert block(x).shape == (2, width, -(-9 // stride), -(-7 // stride))


def test_a_block_of_one_shape_keeps_what_it_is_given():
    block = ResidualBlock(3, 3, 1, batch_norm=True)
    for layer in block.body:
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
    x = torch.rand(2, 3, 5, 5)
    assert_close(block(x), x)


def maps(encoder, image_shape):
    """Shapes of the feature maps after every block."""
    shapes, x = [], torch.randn(2, *image_shape)
    for layer in encoder[:-3]:
        x = layer(x)
        if isinstance(layer, ResidualBlock):
            shapes.append(tuple(x.shape[1:]))
    return shapes


def test_maps_are_halved_where_widths_change():
    encoder = residual_encoder((3, 32, 32), 10, (4, 4, 8, 8, 16))
    shapes = [(4, 32, 32), (4, 32, 32), (8, 16, 16), (8, 16, 16), (16, 8, 8)]
    assert maps(encoder, (3, 32, 32)) == shapes


def test_maps_are_halved_while_there_is_something_to_halve():
    encoder = residual_encoder((1, 8, 9), 10, (2, 3, 4, 5))
    assert maps(encoder, (1, 8, 9)) == [(2, 8, 9), (3, 4, 5), (4, 2, 3), (5, 2, 3)]


@pytest.mark.parametrize(("side", "first"), [(48, 48), (49, 25), (96, 48), (200, 25)])
def test_the_first_block_of_large_images_works_on_smaller_maps(side, first):
    encoder = residual_encoder((1, side, side), 10, (2,))
    assert maps(encoder, (1, side, side)) == [(2, first, first)]


def test_the_encoder_does_not_mind_where_things_are():
    # Means of feature maps: what is shifted by a whole stride has nearly the same code.
    encoder = residual_encoder((1, 32, 32), 6, (4, 8)).eval()
    image = torch.zeros(1, 1, 32, 32)
    image[..., 8:16, 8:16] = torch.rand(8, 8)
    shifted = image.roll((4, 6), (2, 3))
    assert_close(encoder(image), encoder(shifted))


def test_widths_by_default_make_a_network_of_five_million_weights():
    encoder = residual_encoder((3, 32, 32), 64)
    n_weights = sum(np.prod(weight.shape) for weight in encoder.parameters())
    assert RESIDUAL_CHANNELS == (64, 128, 256, 512)
    assert 4.5e6 < n_weights < 5.5e6
