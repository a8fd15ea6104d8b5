import numpy as np
import pytest
import torch

from deepcluster_sk.networks.contrast import FLOOR, Contrast

#: Standard deviation of the window, in sides of the image.
WINDOW = 0.125


def images(seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(3, 2, 9, 7)).astype(np.float32))


def test_without_contrast_images_are_left_alone():
    x = images()
    assert Contrast("none")(x) is x


def test_over_the_image_equals_a_loop():
    x = images()
    found = Contrast("image")(x).numpy()
    for i, image in enumerate(x.numpy()):
        for c, channel in enumerate(image):
            expected = (channel - channel.mean()) / (channel.std() + FLOOR)
            np.testing.assert_allclose(found[i, c], expected, atol=1e-5)


def test_around_every_pixel_equals_a_loop():
    x = images()
    found = Contrast("local")(x).numpy()
    n, channels, height, width = x.shape

    def weights(place, side):
        gap = (np.arange(side) - place) / (WINDOW * side)
        weight = np.exp(-(gap**2) / 2)
        return weight / weight.sum()

    for i, c, row, column in np.ndindex(n, channels, height, width):
        window = np.outer(weights(row, height), weights(column, width))
        pixels = x[i, c].numpy().astype(np.float64)
        mean = (window * pixels).sum()
        deviation = np.sqrt((window * pixels**2).sum() - mean**2)
        expected = (pixels[row, column] - mean) / (deviation + FLOOR)
        assert found[i, c, row, column] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", ["image", "local"])
def test_what_is_there_is_kept_and_faint_noise_is_not_blown_up(kind):
    x = torch.randn(8, 1, 32, 32)
    strong, faint = Contrast(kind)(x), Contrast(kind)(0.01 * x)
    assert strong.std() > 0.85
    assert faint.std() < 0.2
