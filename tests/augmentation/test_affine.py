"""Affine maps of images: identity, exact moves, and a naive resampling."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from torch import Tensor

from deepcluster_sk.augmentation.affine import affine_maps, resample
from tests.augmentation.test_image import images


def maps(height: int, width: int, mirror: bool = False, **values: float) -> Tensor:
    """`affine_maps` of one image; what is not given is off."""
    off = {"angle": 0.0, "slope": 0.0, "zoom": 1.0, "shift_x": 0.0, "shift_y": 0.0}
    tensors = {k: torch.tensor([values.get(k, v)]) for k, v in off.items()}
    return affine_maps(
        **tensors, mirror=torch.tensor([mirror]), height=height, width=width
    )


def naive_resample(image: np.ndarray, mirror: bool, **values: float) -> np.ndarray:
    """The forward map written as a matrix product in pixels, inverted by NumPy."""
    height, width = image.shape
    angle, zoom = values["angle"], values["zoom"]
    flip = np.diag([-1.0 if mirror else 1.0, 1.0])
    shear = np.array([[1.0, values["slope"]], [0.0, 1.0]])
    rotation = np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    inverse = np.linalg.inv(rotation @ (zoom * np.eye(2)) @ shear @ flip)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = np.array([values["shift_x"] * width, values["shift_y"] * height])
    out = np.empty_like(image)
    for i in range(height):
        for j in range(width):
            x, y = inverse @ (np.array([j, i]) - centre - shift) + centre
            out[i, j] = map_coordinates(image, [[y], [x]], order=1, mode="nearest")[0]
    return out


def test_identity_map_resamples_to_the_same_image() -> None:
    x = images(1, 2, 7, 10)
    torch.testing.assert_close(resample(x, maps(7, 10), "border"), x)


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    mirror=st.booleans(),
    angle=st.floats(-3.1, 3.1),
    slope=st.floats(-0.5, 0.5),
    zoom=st.floats(0.5, 2.0),
    shift_x=st.floats(-0.5, 0.5),
    shift_y=st.floats(-0.5, 0.5),
    seed=st.integers(0, 2**31),
)
def test_resampling_equals_the_naive_one(
    size: tuple[int, int], mirror: bool, seed: int, **values: float
) -> None:
    x = images(1, 1, *size, seed=seed)
    out = resample(x, maps(*size, mirror=mirror, **values), "border")[0, 0].numpy()
    expected = naive_resample(x[0, 0].double().numpy(), mirror, **values)
    np.testing.assert_allclose(out, expected, atol=1e-4)


def test_a_quarter_turn_a_flip_and_a_shift_are_exact() -> None:
    x = images(1, 2, 6, 6)
    turned = resample(x, maps(6, 6, angle=np.pi / 2), "zeros")
    # Clockwise on the screen, since y points down.
    torch.testing.assert_close(turned, torch.rot90(x, -1, (2, 3)), atol=1e-4, rtol=0)
    flipped = resample(x, maps(6, 6, mirror=True), "border")
    torch.testing.assert_close(flipped, x.flip(-1), atol=1e-5, rtol=0)
    moved = resample(x, maps(6, 6, shift_x=1 / 3, shift_y=0.5), "zeros")
    torch.testing.assert_close(moved[..., 3:, 2:], x[..., :3, :4], atol=1e-5, rtol=0)
    assert moved[..., :3, :].abs().max() < 1e-5
