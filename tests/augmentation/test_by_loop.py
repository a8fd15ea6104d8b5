"""What is drawn becomes what the docstrings say: plain loops over images and pixels."""

import math

import numpy as np
import pytest
import torch

from deepcluster_sk.augmentation.image import ERASED_AREA, ERASED_ASPECT, Augmentation

N, SHAPE = 6, (3, 7, 10)
STRENGTHS = {
    "rotation": 50.0,
    "scale": 0.7,
    "shift": 0.3,
    "shear": 25.0,
    "crop": 0.6,
    "flip": 0.5,
    "brightness": 0.4,
    "contrast": 0.3,
    "gamma": 0.8,
    "shading": 0.6,
    "saturation": 0.5,
    "hue": 70.0,
    "greying": 0.4,
    "erasing": 0.6,
}
NAMES = "rotation shift_x shift_y scale shear flip contrast brightness gamma shading "
NAMES += "shading_angle erasing area aspect top left crop crop_x crop_y hue saturation "
NAMES += "greying"


@pytest.fixture(params=range(4))
def u(request):
    """Drawn numbers by name, for all images."""
    rng = np.random.default_rng(request.param)
    return {
        name: torch.from_numpy(rng.random(N, np.float32).astype(np.float64))
        for name in NAMES.split()
    }


def images(scale=1.0):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, *SHAPE, generator=generator, dtype=torch.float64)
    return scale * x


def augmentation(*parts):
    return Augmentation(**{part: STRENGTHS[part] for part in parts})


def even(u, name, i, strength):
    """A number drawn evenly from -strength to strength."""
    return strength * (2 * float(u[name][i]) - 1)


def relit(image, u, i, parts):
    found = image.copy()
    _, height, width = image.shape
    if "shading" in parts:
        angle = 2 * math.pi * float(u["shading_angle"][i])
        most = STRENGTHS["shading"] * float(u["shading"][i])
        for channel in range(len(image)):
            dark = image[channel].min()
            for row in range(height):
                for column in range(width):
                    x = (column + 0.5 - width / 2) / (width / 2)
                    y = (row + 0.5 - height / 2) / (height / 2)
                    ramp = (math.cos(angle) * x + math.sin(angle) * y) / math.sqrt(2)
                    above = image[channel, row, column] - dark
                    found[channel, row, column] += above * most * ramp
    if "gamma" in parts:
        power = (1 + STRENGTHS["gamma"]) ** (2 * float(u["gamma"][i]) - 1)
        for channel in found:
            low, span = channel.min(), np.ptp(channel)
            channel[:] = low + span * ((channel - low) / span) ** power
    gain = even(u, "contrast", i, STRENGTHS["contrast"]) if "contrast" in parts else 0
    mean = found.mean()
    found = mean + (1 + gain) * (found - mean)
    if "brightness" in parts:
        found += even(u, "brightness", i, STRENGTHS["brightness"])
    return found


LIGHT = ("shading", "gamma", "contrast", "brightness")


@pytest.mark.parametrize("parts", [*((part,) for part in LIGHT), LIGHT], ids="-".join)
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_light(u, parts, scale):
    x = images(scale)
    found = augmentation(*parts)._relight(x.clone(), u).numpy()
    for i, image in enumerate(x.numpy()):
        expected = relit(image, u, i, parts)
        # The darkest of all is a millionth of the range above it, raised to a power.
        np.testing.assert_allclose(found[i], expected, rtol=0, atol=5e-3 * scale)


def recoloured(image, u, i):
    axis = np.ones(3) / math.sqrt(3)
    angle = math.radians(even(u, "hue", i, STRENGTHS["hue"]))
    kept = 1 + even(u, "saturation", i, STRENGTHS["saturation"])
    if u["greying"][i] < STRENGTHS["greying"]:
        kept = 0
    found = np.empty_like(image)
    for place in np.ndindex(image.shape[1:]):
        pixel = image[(slice(None), *place)]
        grey = np.full(3, pixel.mean())
        colour = pixel - grey
        # Rodrigues' turn about the axis of greys, which the colour is upright on.
        turned = math.cos(angle) * colour + math.sin(angle) * np.cross(axis, colour)
        found[(slice(None), *place)] = grey + kept * turned
    return found


def test_colour(u):
    x = images()
    found = augmentation("hue", "saturation", "greying")._recolour(x, u).numpy()
    for i, image in enumerate(x.numpy()):
        np.testing.assert_allclose(found[i], recoloured(image, u, i), atol=1e-12)


def test_erased_rectangles(u):
    _, height, width = SHAPE
    found = augmentation("erasing")._erased(u, height, width)[:, 0].numpy()
    for i, mask in enumerate(found):
        low, high = ERASED_AREA
        area = low + float(u["area"][i]) * (high - low)
        aspect = ERASED_ASPECT ** (2 * float(u["aspect"][i]) - 1)
        rows = max(1, round(height * math.sqrt(area * aspect)))
        columns = max(1, round(width * math.sqrt(area / aspect)))
        top = int(float(u["top"][i]) * (height - rows + 1))
        left = int(float(u["left"][i]) * (width - columns + 1))
        expected = np.zeros((height, width), bool)
        if u["erasing"][i] < STRENGTHS["erasing"]:
            expected[top : top + rows, left : left + columns] = True
        np.testing.assert_array_equal(mask, expected)


def test_where_content_goes(u):
    """Mirrored, sheared, zoomed, turned and shifted: a point of the image, and back."""
    _, height, width = SHAPE
    sides = np.array([width, height])
    parts = ("rotation", "scale", "shift", "shear", "crop", "flip")
    maps = augmentation(*parts)._affine(u, height, width).numpy()
    for i in range(N):
        angle = math.radians(even(u, "rotation", i, STRENGTHS["rotation"]))
        slope = math.tan(math.radians(even(u, "shear", i, STRENGTHS["shear"])))
        zoom = (1 + STRENGTHS["scale"]) ** (2 * float(u["scale"][i]) - 1)
        # Of an area of 1 - crop, blown up to the full size.
        blown_up = 1 / math.sqrt(1 - STRENGTHS["crop"] * float(u["crop"][i]))
        mirror = -1 if u["flip"][i] < STRENGTHS["flip"] else 1
        shift = [
            even(u, f"shift_{axis}", i, STRENGTHS["shift"])
            + even(u, f"crop_{axis}", i, (blown_up - 1) / 2)
            for axis in "xy"
        ]
        for x, y in np.random.default_rng(i).normal(size=(5, 2)):
            turned_x, turned_y = zoom * blown_up * (mirror * x + slope * y), y
            turned_y *= zoom * blown_up
            there = [
                math.cos(angle) * turned_x - math.sin(angle) * turned_y,
                math.sin(angle) * turned_x + math.cos(angle) * turned_y,
            ]
            there = (there + shift * sides) / (sides / 2)
            back = maps[i] @ [*there, 1]
            np.testing.assert_allclose(back, [x, y] / (sides / 2), atol=1e-6)


def test_parts_follow_each_other(u, monkeypatch):
    """The whole is its parts, in the order of geometry, light, colour and erasing."""
    columns = torch.stack(list(u.values()), 1)
    monkeypatch.setattr(
        "deepcluster_sk.augmentation.image.uniform", lambda *args: columns
    )
    monkeypatch.setattr("deepcluster_sk.augmentation.image._COLUMNS", tuple(u))
    x = images()
    whole = augmentation(*STRENGTHS)(x)
    step = augmentation(*("rotation", "scale", "shift", "shear", "crop", "flip"))(x)
    step = augmentation(*LIGHT)(step)
    step = augmentation("hue", "saturation", "greying")(step)
    torch.testing.assert_close(augmentation("erasing")(step), whole)
    assert (
        whole[augmentation("erasing")._erased(u, *SHAPE[1:]).expand_as(x)] == 0
    ).all()


def test_what_is_off_is_so_for_the_least_number_that_can_be_drawn():
    u = {name: torch.zeros(N) for name in NAMES.split()}
    x = images()
    maps = Augmentation(rotation=10.0)._affine(u, 8, 8)
    assert (torch.linalg.det(maps[:, :, :2]) > 0).all()  # no mirror
    found = Augmentation(saturation=0.5)._recolour(x, u)
    grey = x.mean(1, keepdim=True)
    torch.testing.assert_close(found - grey, 0.5 * (x - grey))
    assert not Augmentation(flip=0.1)._erased(u, 8, 8).any()
