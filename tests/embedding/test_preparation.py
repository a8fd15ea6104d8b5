"""Pixels as networks want them, against Pillow and plain NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from deepcluster_sk.data.resizing import cut_and_scaled
from deepcluster_sk.embedding.preparation import Preparation
from tests.embedding.networks import photographs

PLAIN = Preparation(size=None, mean=(0.0,), std=(1.0,))


def tensor(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("sides", [(7, 7), (31, 31), (40, 12)])
@pytest.mark.parametrize("given", [(20, 20), (24, 17), (9, 30)])
def test_pictures_are_scaled_as_pillow_does(given, sides):
    (picture,) = photographs(1, *given)
    height, width = given
    factor = min(height / sides[0], width / sides[1])
    kept = [max(1, round(side * factor)) for side in sides]
    top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
    middle = picture[top : top + kept[0], left : left + kept[1]]
    wanted = Image.fromarray(middle).resize(sides[::-1], Image.Resampling.BICUBIC)
    (found,) = cut_and_scaled(tensor(picture[np.newaxis]), sides, 255.0)
    off = np.abs(found.permute(1, 2, 0).numpy() - np.asarray(wanted, np.float32))
    # Pillow counts in whole numbers, which now and then round the other way.
    assert off.max() <= 1
    assert (off > 0).mean() < 0.02


def test_pixels_of_other_types_stay_fine():
    images = torch.rand(2, 1, 9, 9)
    found = cut_and_scaled(images, (20, 20), 1.0)
    assert len(found.unique()) > 500
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("bgr", [False, True])
def test_scale_and_order(bgr, layout):
    images = photographs(2, 5, 6)
    mean, std = (104.0, 117.0, 123.0), (2.0, 3.0, 4.0)
    how = replace(PLAIN, mean=mean, std=std, white=255.0, bgr=bgr, layout=layout)
    found = how.apply(tensor(images), 255.0).numpy()
    wanted = images[..., ::-1] if bgr else images
    wanted = (wanted - np.array(mean)) / np.array(std)
    if layout == "NCHW":
        wanted = np.moveaxis(wanted, -1, 1)
    assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_white_is_white_whatever_its_value():
    wanted = PLAIN.apply(tensor(photographs()), 255.0)
    found = PLAIN.apply(tensor(photographs()) * 257, 65535.0)
    assert_allclose(found, wanted, rtol=1e-5)
    assert wanted.max() <= 1


def test_grey_and_colour():
    grey = torch.rand(2, 1, 4, 4)
    assert_array_equal(PLAIN.apply(grey, 1.0), grey.expand(-1, 3, -1, -1))
    brightness = replace(PLAIN, n_channels=1, mean=(0.2, 0.3, 0.4))
    colour = tensor(photographs(2, 4, 4))
    red, green, blue = colour.unbind(1)
    wanted = (0.299 * red + 0.587 * green + 0.114 * blue) / 255 - 0.3
    assert_allclose(brightness.apply(colour, 255.0)[:, 0], wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "size", "n_channels", "layout"),
    [
        (("b", 224, 200, 3), (224, 200), 3, "NHWC"),
        ((None, 3, 96, 96), (96, 96), 3, "NCHW"),
        ((1, 1, 28, 28), (28, 28), 1, "NCHW"),
        ((None, 3, "h", "w"), (224, 224), 3, "NCHW"),
        (("b", "c", "h", "w"), (224, 224), 3, "NCHW"),
        ((None, None, None, 1), (224, 224), 1, "NHWC"),
    ],
)
def test_what_the_shape_of_an_input_tells(shape, size, n_channels, layout):
    found = Preparation.of_shape(shape)
    assert (found.size, found.n_channels, found.layout) == (size, n_channels, layout)
