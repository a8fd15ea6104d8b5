import numpy as np
import pytest
import torch

from deepcluster_sk.networks.contrast import (
    COLOUR_BLIND,
    FLOOR,
    LIGHT_BLIND,
    Contrast,
)

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


def normalized(x):
    """As the contrast "image" does, of one channel."""
    return (x - x.mean()) / (x.std() + FLOOR)


def test_level_is_what_no_plane_explains_equals_least_squares():
    x = images()
    found = Contrast("level")(x).numpy()
    rows, columns = np.indices(x.shape[2:])
    plane = np.stack([rows.ravel(), columns.ravel(), np.ones(rows.size)], axis=1)
    for i, c in np.ndindex(*x.shape[:2]):
        channel = x[i, c].numpy().astype(np.float64).ravel()
        rest = channel - plane @ np.linalg.lstsq(plane, channel)[0]
        np.testing.assert_allclose(found[i, c].ravel(), normalized(rest), atol=1e-4)


def test_light_from_any_side_does_not_matter():
    x = images()
    ramp = torch.linspace(-3, 1, 9)[:, None] + torch.linspace(0, 5, 7)
    seen = Contrast("level")(x)
    torch.testing.assert_close(Contrast("level")(x + ramp), seen, atol=1e-4, rtol=0)


def test_figure_is_what_differs_from_the_border_equals_a_loop():
    x = images()
    found = Contrast("figure")(x).numpy()
    for i, image in enumerate(x.numpy().astype(np.float64)):
        border = [image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]]
        ground = np.median(np.concatenate(border, axis=1), axis=1)
        apart = np.linalg.norm(image - ground[:, None, None], axis=0)
        for channel in found[i]:
            np.testing.assert_allclose(channel, normalized(apart), atol=1e-4)


def test_edges_are_where_colours_change_equals_a_loop():
    x = images()
    found = Contrast("edges")(x).numpy()
    height, width = x.shape[2:]
    for i, image in enumerate(x.numpy().astype(np.float64)):
        steep = np.empty((height, width))
        for row, column in np.ndindex(height, width):
            above, below = max(row - 1, 0), min(row + 1, height - 1)
            left, right = max(column - 1, 0), min(column + 1, width - 1)
            down = (image[:, below, column] - image[:, above, column]) / 2
            across = (image[:, row, right] - image[:, row, left]) / 2
            steep[row, column] = np.sqrt((down**2 + across**2).sum())
        for channel in found[i]:
            np.testing.assert_allclose(channel, normalized(steep), atol=1e-4)


@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_light_and_dark_and_colours_may_be_exchanged(kind):
    x = images()
    seen = Contrast(kind)(x)
    assert seen.shape == x.shape
    for other in (1 - x, x.flip(1), x + torch.tensor([3.0, -1])[:, None, None]):
        torch.testing.assert_close(Contrast(kind)(other), seen, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", [*LIGHT_BLIND, *COLOUR_BLIND])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 2)])
def test_what_is_flat_or_tiny_is_seen_as_nothing(kind, shape):
    seen = Contrast(kind)(torch.full((2, 3, *shape), 0.7))
    torch.testing.assert_close(seen, torch.zeros_like(seen), atol=1e-5, rtol=0)
