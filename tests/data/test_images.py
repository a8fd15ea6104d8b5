import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk.data import images
from deepcluster_sk.data.images import PixelScaler, RowLayout

LAYOUTS = [
    RowLayout("vector", (24,)),
    RowLayout("HW", (1, 4, 6)),
    RowLayout("CHW", (3, 2, 4)),
    RowLayout("HWC", (3, 2, 4)),
]
layouts = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.order)


def random_rows(n=10, d=24, seed=0, scale=1.0, offset=0.0):
    return offset + scale * np.random.default_rng(seed).normal(size=(n, d))


# Layouts ---------------------------------------------------------------------------


@layouts
def test_arranging_and_flattening_undo_each_other(layout):
    rows = torch.from_numpy(random_rows())
    batch = layout.arrange(rows)
    assert batch.shape == (10, *layout.shape)
    assert torch.equal(layout.flatten(batch), rows)


def test_orders_of_the_same_image_are_arranged_alike():
    image = torch.arange(24).reshape(1, 3, 2, 4)
    chw = RowLayout("CHW", (3, 2, 4)).arrange(image.reshape(1, -1))
    hwc = RowLayout("HWC", (3, 2, 4)).arrange(image.permute(0, 2, 3, 1).reshape(1, -1))
    assert torch.equal(chw, image)
    assert torch.equal(hwc, image)


# Scaling ---------------------------------------------------------------------------


@layouts
def test_standardised_data_have_mean_zero_and_variance_one(layout):
    rows = random_rows(50, scale=[3.0] * 12 + [0.1] * 12, offset=40)
    scaler = PixelScaler.standardize(rows, layout)
    scaled = scaler.apply(layout.arrange(torch.from_numpy(rows))).double()
    axes = (0, 2, 3) if layout.is_image else 0
    torch.testing.assert_close(
        scaled.mean(axes), torch.zeros(layout.n_channels).double(), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        scaled.square().mean(axes),
        torch.ones(layout.n_channels).double(),
        atol=1e-5,
        rtol=0,
    )
    assert not scaler.is_constant


@pytest.fixture
def every_warning():
    """Let torch warn each time, not once a process."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


@pytest.mark.usefixtures("every_warning")
def test_a_scaler_from_a_mapped_file_scales_as_any_other():
    rows = random_rows()
    scaler = PixelScaler.standardize(rows, RowLayout("vector", (24,)))
    offset, scale = scaler.offset.copy(), scaler.scale.copy()
    offset.flags.writeable = scale.flags.writeable = False
    batch = torch.from_numpy(rows)
    mapped = PixelScaler(offset, scale, scaler.is_constant).apply(batch)
    assert torch.equal(mapped, scaler.apply(batch))


def test_images_are_scaled_per_channel_and_never_per_pixel():
    layout = RowLayout("CHW", (3, 2, 4))
    scaler = PixelScaler.standardize(random_rows(), layout)
    assert scaler.offset.shape == scaler.scale.shape == (3,)


@layouts
def test_scaling_is_undone_by_inverting(layout):
    rows = random_rows(scale=5, offset=100)
    for scaler in (
        PixelScaler.standardize(rows, layout),
        PixelScaler.to_range(rows, layout, -1, 1),
    ):
        batch = layout.arrange(torch.from_numpy(rows))
        torch.testing.assert_close(
            scaler.invert(scaler.apply(batch)).double(), batch, rtol=1e-5, atol=1e-4
        )


@given(st.floats(-1e9, 1e9), st.sampled_from(LAYOUTS))
def test_what_is_constant_becomes_zero_and_comes_back(value, layout):
    rows = np.full((5, 24), value)
    scaler = PixelScaler.standardize(rows, layout)
    scaled = scaler.apply(layout.arrange(torch.from_numpy(rows)))
    assert scaler.is_constant
    assert not scaled.any()
    np.testing.assert_allclose(scaler.invert(scaled), np.float32(value))


def test_a_constant_feature_among_others_becomes_zero():
    rows = random_rows()
    rows[:, 3] = 0.1
    scaler = PixelScaler.standardize(rows, RowLayout("vector", (24,)))
    assert not scaler.is_constant
    assert not scaler.apply(torch.from_numpy(rows))[:, 3].any()


@layouts
def test_the_range_is_met_exactly_at_its_ends(layout):
    rows = random_rows(scale=7, offset=-3)
    scaler = PixelScaler.to_range(rows, layout, -1, 1)
    scaled = scaler.apply(layout.arrange(torch.from_numpy(rows)))
    axes = None if layout.is_image else 0  # vectors: each feature has its own range
    lowest = scaled.min() if axes is None else scaled.amin(axes)
    highest = scaled.max() if axes is None else scaled.amax(axes)
    torch.testing.assert_close(lowest, torch.full_like(lowest, -1))
    torch.testing.assert_close(highest, torch.full_like(highest, 1))


def test_the_range_of_constant_data_is_its_lower_end():
    layout = RowLayout("vector", (2,))
    rows = np.array([[5.0, 1.0], [5.0, 3.0]])
    scaled = PixelScaler.to_range(rows, layout, -1, 1).apply(torch.from_numpy(rows))
    assert scaled.tolist() == [[-1, -1], [-1, 1]]
    assert PixelScaler.to_range(rows[:1], layout, 0, 1).is_constant


@layouts
@pytest.mark.parametrize(("bound", "most"), [("CHUNK_ROWS", 7), ("CHUNK_BYTES", 1_500)])
def test_statistics_do_not_depend_on_the_chunks(layout, bound, most, monkeypatch):
    rows = random_rows(30)
    whole = PixelScaler.standardize(rows, layout)
    whole_range = PixelScaler.to_range(rows, layout, 0, 1)
    monkeypatch.setattr(images, bound, most)
    assert len(list(images.chunks(rows, layout))) > 3
    for one, other in (
        (whole, PixelScaler.standardize(rows, layout)),
        (whole_range, PixelScaler.to_range(rows, layout, 0, 1)),
    ):
        np.testing.assert_allclose(one.offset, other.offset, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(one.scale, other.scale, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float16", "float32"])
def test_any_real_type_is_scaled_to_float32(dtype):
    layout = RowLayout("HW", (1, 4, 6))
    rows = np.random.default_rng(0).integers(0, 100, (20, 24))
    expected = PixelScaler.standardize(rows.astype(float), layout)
    scaler = PixelScaler.standardize(rows.astype(dtype), layout)
    np.testing.assert_allclose(scaler.offset, expected.offset)
    np.testing.assert_allclose(scaler.scale, expected.scale)
    scaled = scaler.apply(layout.arrange(torch.from_numpy(rows.astype(dtype))))
    assert scaled.dtype == torch.float32
    np.testing.assert_allclose(
        scaled, expected.apply(layout.arrange(torch.from_numpy(rows))), atol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_a_large_offset_does_not_eat_the_digits(dtype):
    layout = RowLayout("vector", (1,))
    rows = (np.array([[0], [1], [2], [3]]) + 10**12).astype(dtype)
    scaled = PixelScaler.standardize(rows, layout).apply(torch.from_numpy(rows))
    np.testing.assert_allclose(np.diff(scaled[:, 0]), 2 / np.sqrt(5), rtol=1e-6)


@layouts
def test_values_too_large_to_square_are_refused(layout):
    rows = random_rows()
    rows[2, 3] = 1e300
    with pytest.raises(ValueError, match="too large to be scaled"):
        PixelScaler.standardize(rows, layout)
    rows[2, 3], rows[3, 3] = 1.7e308, -1.7e308
    with pytest.raises(ValueError, match="too large to be scaled"):
        PixelScaler.to_range(rows, layout, 0, 1)


def test_data_are_not_written_to():
    rows = random_rows()
    rows.flags.writeable = False
    for layout in LAYOUTS:
        PixelScaler.standardize(rows, layout)
        PixelScaler.to_range(rows, layout, 0, 1)
