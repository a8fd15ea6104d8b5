"""Image augmentation: identities, invariants, and what each part does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepcluster_sk.augmentation.image import Augmentation

ALL_ON = {
    "rotation": 20.0,
    "scale": 0.2,
    "shift": 0.1,
    "shear": 10.0,
    "flip": 0.5,
    "erasing": 0.5,
    "brightness": 0.2,
    "contrast": 0.3,
    "gamma": 0.3,
    "saturation": 0.4,
    "hue": 30.0,
    "greying": 0.2,
    "crop": 0.5,
    "shading": 0.3,
}
PARTS = sorted(ALL_ON)
GEOMETRIC = ["crop", "flip", "rotation", "scale", "shear", "shift"]
quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**31)


def seeded(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=seeded(seed))


# -- identity --------------------------------------------------------------------------


def test_all_off_returns_the_input_itself_and_draws_nothing() -> None:
    x, generator = images(4, 1, 8, 8), seeded()
    before = generator.get_state()
    assert Augmentation()(x, generator) is x
    assert Augmentation().is_identity
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("part", PARTS)
def test_one_part_off_equals_its_strength_at_zero(part: str) -> None:
    assert Augmentation(**{part: 0.0}).is_identity
    assert not Augmentation(**{part: ALL_ON[part]}).is_identity


# -- geometry --------------------------------------------------------------------------


def test_flip_alone_mirrors_exactly_about_its_probability() -> None:
    x = images(2000, 1, 4, 5)
    out = Augmentation(flip=0.3)(x, seeded())
    flipped = (out == x.flip(-1)).flatten(1).all(1)
    kept = (out == x).flatten(1).all(1)
    assert bool((flipped ^ kept).all())
    # Five standard deviations of a share of 2000.
    assert abs(flipped.float().mean().item() - 0.3) < 5 * (0.21 / 2000) ** 0.5
    assert torch.equal(Augmentation(flip=1.0)(x, seeded()), x.flip(-1))


def test_flip_joins_the_resampling() -> None:
    x = images(8, 1, 9, 9)
    both = Augmentation(flip=1.0, rotation=15.0)(x, seeded())
    one = Augmentation(rotation=15.0)(x.flip(-1), seeded())
    torch.testing.assert_close(both, one, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("part", "strength"), [("rotation", 30.0), ("shift", 0.2), ("scale", 0.5)]
)
def test_drawn_transforms_fill_their_range(part: str, strength: float) -> None:
    """Follow a blob through 500 transforms: what moves it stays within the strength."""
    side, n = 33, 500
    at = torch.arange(side, dtype=torch.float32)
    blob = torch.exp(
        -((at[None] - 24.0) ** 2 + (at[:, None] - 16.0) ** 2) / (2 * 1.5**2)
    )
    x = blob.expand(n, 1, side, side)
    out = Augmentation(**{part: strength}, padding_mode="zeros")(x, seeded())[:, 0]
    mass = out.sum((1, 2))
    centre_x = (out * at).sum((1, 2)) / mass - 16.0
    centre_y = (out * at[:, None]).sum((1, 2)) / mass - 16.0
    if part == "rotation":
        value, bound = torch.rad2deg(torch.atan2(centre_y, centre_x)), 30.0
    elif part == "shift":
        value, bound = torch.cat([centre_x - 8.0, centre_y]), 0.2 * side
        # Along one axis as along the other.
        assert centre_x.mean() - 8.0 == pytest.approx(0, abs=0.15 * bound)
    else:
        value, bound = torch.log(centre_x / 8.0), float(np.log(1.5))
    assert value.abs().max() < 1.03 * bound
    assert value.max() > 0.9 * bound
    assert value.min() < -0.9 * bound
    assert value.mean().abs() < 0.15 * bound


def test_a_crop_keeps_the_share_it_says_and_lies_anywhere_inside() -> None:
    """Read off a ramp which part of the image is left."""
    side, n = 32, 500
    ramp = torch.arange(side) + 0.5
    x = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side)])
    out = Augmentation(crop=0.75)(x.expand(n, 2, side, side), seeded())
    left, right = out[:, 0, 0, 1], out[:, 0, 0, -2]
    top, bottom = out[:, 1, 1, 0], out[:, 1, -2, 0]
    width, height = (right - left) / (side - 3), (bottom - top) / (side - 3)
    torch.testing.assert_close(width, height)
    area = width * height
    assert 0.25 - 1e-3 < area.min() < 0.27
    assert 0.98 < area.max() < 1 + 1e-3
    # Uniform, and nothing from outside.
    assert abs(area.mean() - 0.625) < 0.03
    for first, last in ((left, right), (top, bottom)):
        assert first.min() > 0
        assert last.max() < side
        place = ((first + last) / 2 - side / 2) / (side * (1 - width) / 2)
        inside = width < 0.9
        assert place[inside].abs().max() < 1 + 1e-2
        assert place[inside].max() > 0.9
        assert place[inside].min() < -0.9


def test_outside_is_the_border_value_by_default() -> None:
    x = torch.full((16, 1, 8, 8), -0.4)
    strong = {"rotation": 45.0, "shift": 0.3, "scale": 0.3}
    torch.testing.assert_close(Augmentation(**strong)(x, seeded()), x)
    assert Augmentation(**strong, padding_mode="zeros")(x, seeded()).max() > -0.3


# -- light and erasing -----------------------------------------------------------------


def test_erasing_sets_one_rectangle_of_the_documented_area_to_zero() -> None:
    side, n = 40, 400
    x = torch.ones(n, 2, side, side)
    out = Augmentation(erasing=0.5)(x, seeded())
    assert torch.equal(out[:, 0], out[:, 1])
    erased = out[:, 0] == 0
    assert bool((erased | (out[:, 0] == 1)).all())
    hit = erased.flatten(1).any(1)
    assert 0.4 < hit.float().mean() < 0.6
    erased = erased[hit]
    rows, columns = erased.any(2).sum(1), erased.any(1).sum(1)
    area = erased.sum((1, 2))
    assert torch.equal(area, rows * columns)  # one rectangle
    for value in (rows, columns):
        assert value.min() >= 2
        assert value.max() <= side
    share = area / side**2
    # Rounding either side by half a pixel.
    assert share.min() > 0.015
    assert share.max() < 0.22
    # Corners are reached: the rectangle may lie anywhere inside.
    assert bool(erased[:, 0].any() & erased[:, -1].any() & erased[:, :, -1].any())


def test_brightness_adds_one_number_to_an_image() -> None:
    x = images(300, 3, 5, 5)
    offset = Augmentation(brightness=0.2)(x, seeded()) - x
    per_image = offset.mean((1, 2, 3))
    expected = per_image[:, None, None, None].expand_as(x)
    torch.testing.assert_close(offset, expected, atol=1e-6, rtol=0)
    assert 0.18 < per_image.abs().max() <= 0.2 + 1e-6


def test_contrast_keeps_the_mean_and_scales_about_it() -> None:
    x = images(300, 3, 5, 5) + 2.0
    out = Augmentation(contrast=0.3)(x, seeded())
    dims = (1, 2, 3)
    torch.testing.assert_close(out.mean(dims), x.mean(dims))
    gain = out.std(dims) / x.std(dims)
    assert gain.min() >= 0.7 - 1e-5
    assert gain.max() <= 1.3 + 1e-5
    assert gain.std() > 0.1


def test_gamma_keeps_the_range_and_the_order_of_grey_levels() -> None:
    x = images(50, 2, 6, 6)
    out = Augmentation(gamma=0.5)(x, seeded())
    dims = (2, 3)
    torch.testing.assert_close(out.amin(dims), x.amin(dims), atol=1e-2, rtol=0)
    torch.testing.assert_close(out.amax(dims), x.amax(dims), atol=1e-4, rtol=0)
    order = x.flatten(2).argsort(-1)
    assert (out.flatten(2).gather(-1, order).diff() >= -1e-6).all()
    assert (out - x).abs().max() > 0.1


def test_hue_turns_colours_about_the_grey_axis() -> None:
    x = images(300, 3, 4, 4)
    out = Augmentation(hue=60.0)(x, seeded())
    torch.testing.assert_close(out.mean(1), x.mean(1))
    torch.testing.assert_close(out.square().sum(1), x.square().sum(1))
    before, after = (images - images.mean(1, keepdim=True) for images in (x, out))
    cosine = torch.cosine_similarity(before, after, dim=1)
    # One angle an image.
    torch.testing.assert_close(cosine, cosine[:, :1, :1].expand_as(cosine))
    angle = torch.rad2deg(torch.acos(cosine[:, 0, 0].clamp(-1, 1)))
    assert 55 < angle.max() < 60.1


def test_a_third_of_a_turn_of_hue_moves_the_channels_on() -> None:
    x, augmentation = images(1, 3, 4, 4), Augmentation(hue=120.0)
    drawn = {name: torch.ones(1) for name in ("hue", "saturation", "greying")}
    torch.testing.assert_close(augmentation._recolour(x, drawn), x.roll(1, 1))


def test_saturation_and_greying_move_colours_along_the_line_to_grey() -> None:
    x = images(400, 3, 4, 4)
    grey = x.mean(1, keepdim=True)
    out = Augmentation(saturation=0.4, greying=0.25)(x, seeded())
    kept = ((out - grey) / (x - grey)).flatten(1).median(1).values
    torch.testing.assert_close(out, grey + kept[:, None, None, None] * (x - grey))
    taken = kept.abs() < 1e-6
    assert 0.18 < taken.float().mean() < 0.32
    assert 0.6 - 1e-4 < kept[~taken].min() < 0.63
    assert 1.37 < kept.max() < 1.4 + 1e-4


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_of_more_than_one_channel_have_colours(channels: int) -> None:
    x = images(8, channels, 4, 4)
    grey = Augmentation(greying=1.0)(x, seeded())
    torch.testing.assert_close(grey, x.mean(1, keepdim=True).expand_as(x))
    assert torch.equal(grey, x) == (channels == 1)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_hue_is_a_matter_of_three_channels(channels: int) -> None:
    x = images(8, channels, 4, 4)
    torch.testing.assert_close(Augmentation(hue=90.0)(x, seeded()), x)


def test_shading_is_a_linear_ramp_above_the_darkest_value() -> None:
    x = torch.ones(200, 1, 9, 9)
    x[:, :, 4, 4] = -1.0  # the dark level, which light does not change
    out = Augmentation(shading=0.4)(x, seeded())
    ramp = (out - x) / (x + 1.0)
    assert (out[:, 0, 4, 4] == -1.0).all()
    torch.testing.assert_close(ramp[:, 0, 0, 0], -ramp[:, 0, 8, 8], atol=1e-5, rtol=0)
    second = ramp[:, 0, 0].diff(dim=-1).diff(dim=-1)
    assert second.abs().max() < 1e-5
    largest = ramp.nan_to_num().abs().max()
    assert 0.3 < largest <= 0.4


# -- invariants ------------------------------------------------------------------------


@quick
@given(
    n=st.integers(0, 4),
    channels=st.sampled_from([1, 3]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float64]),
    channels_last=st.booleans(),
    on=st.sets(st.sampled_from(PARTS)),
    seed=seeds,
)
def test_shape_dtype_format_and_input_are_kept(
    n: int,
    channels: int,
    size: tuple[int, int],
    dtype: torch.dtype,
    channels_last: bool,
    on: set[str],
    seed: int,
) -> None:
    x = images(n, channels, *size, seed=seed).to(dtype)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    before = x.clone()
    augmentation = Augmentation(**{part: ALL_ON[part] for part in on})
    out = augmentation(x, seeded(seed))
    assert (out.shape, out.dtype, out.device) == (x.shape, x.dtype, x.device)
    for layout in (torch.contiguous_format, torch.channels_last):
        if x.is_contiguous(memory_format=layout) and n:
            assert out.is_contiguous(memory_format=layout)
    assert torch.equal(x, before)
    assert bool(torch.isfinite(out).all())
    assert torch.equal(out, augmentation(x, seeded(seed)))


@quick
@given(on=st.sets(st.sampled_from(GEOMETRIC)), seed=seeds)
def test_resampling_and_flips_stay_in_the_range_of_the_image(
    on: set[str], seed: int
) -> None:
    x = images(6, 1, 8, 8, seed=seed)
    augmentation = Augmentation(**{part: ALL_ON[part] for part in on})
    out = augmentation(x, seeded(seed))
    assert (out.amax((1, 2, 3)) <= x.amax((1, 2, 3)) + 1e-5).all()
    assert (out.amin((1, 2, 3)) >= x.amin((1, 2, 3)) - 1e-5).all()


def test_every_image_gets_its_own_transform() -> None:
    x = images(1, 1, 8, 8).expand(32, 1, 8, 8)
    for part in ("rotation", "scale", "shift", "shear", "brightness", "shading"):
        out = Augmentation(**{part: ALL_ON[part]})(x, seeded()).flatten(1)
        assert len(torch.unique(out, dim=0)) == 32, part


def test_switching_one_part_off_leaves_the_draws_of_the_others() -> None:
    x = images(8, 1, 8, 8)
    bright = Augmentation(brightness=0.2)(x, seeded())
    # Shading is on, but too weak to be seen.
    both = Augmentation(brightness=0.2, shading=1e-12)(x, seeded())
    torch.testing.assert_close(bright, both)


def test_autocast_does_not_coarsen_the_transform() -> None:
    x, augmentation = images(4, 3, 32, 32), Augmentation(**ALL_ON)
    plain = augmentation(x, seeded())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(augmentation(x, seeded()), plain)
    half = augmentation(x.bfloat16(), seeded()).float()
    assert (half - plain).abs().max() < 0.1


def test_gradients_flow_through_every_part() -> None:
    x = images(2, 1, 6, 6).requires_grad_()
    out = Augmentation(**{**ALL_ON, "erasing": 1.0})(x, seeded())
    out.square().sum().backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())


@pytest.mark.parametrize("x", [torch.zeros(3, 8, 8), torch.zeros(1, 1, 8, 8).int()])
def test_wrong_input_is_named(x: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(n, C, H, W\)"):
        Augmentation(flip=0.5)(x)


# -- the device ------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_cpu_generator_gives_the_same_views_on_the_gpu(channels_last: bool) -> None:
    x = images(16, 3, 32, 32)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    augmentation = Augmentation(**ALL_ON)
    here = augmentation(x, seeded())
    there = augmentation(x.cuda(), seeded())
    assert there.is_cuda
    assert there.is_contiguous(memory_format=torch.channels_last) == channels_last
    torch.testing.assert_close(there.cpu(), here, atol=1e-3, rtol=0)


@pytest.mark.gpu
def test_a_gpu_generator_is_never_waited_for() -> None:
    x, generator = images(16, 3, 8, 8).cuda(), seeded(0, "cuda")
    augmentation = Augmentation(**ALL_ON)
    mode = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        out = augmentation(x, generator)
    finally:
        torch.cuda.set_sync_debug_mode(mode)
    assert out.is_cuda
