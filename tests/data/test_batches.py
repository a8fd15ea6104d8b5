import copy
import pickle

import joblib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk.data import batches
from deepcluster_sk.data.batches import (
    BalancedBatches,
    BatchDataset,
    RowDataset,
    SampleReader,
    n_batches,
    rows_to_tensor,
)
from deepcluster_sk.data.images import PixelScaler, RowLayout

CPU = torch.device("cpu")
DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "longdouble", ">f4", ">i2", ">u2",
]  # fmt: skip


@given(st.integers(2, 400), st.integers(2, 64), st.integers(0, 2**31))
def test_every_row_comes_once_in_batches_of_nearly_one_size(n, size, seed):
    batches = BalancedBatches(n, size, torch.Generator().manual_seed(seed))
    drawn = list(batches)
    lengths = [len(batch) for batch in drawn]
    assert sorted(torch.cat(drawn).tolist()) == list(range(n))
    assert len(drawn) == len(batches) == n_batches(n, size)
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= 2  # batch normalisation and a triplet need two
    assert max(lengths) <= max(size, 3)


def test_batches_are_shuffled_anew_by_their_own_generator():
    def order(batches):
        return torch.cat(list(batches)).tolist()

    before = torch.get_rng_state()
    first = BalancedBatches(40, 7, torch.Generator().manual_seed(3))
    again = BalancedBatches(40, 7, torch.Generator().manual_seed(3))
    one, two = order(first), order(first)
    assert one != two != sorted(two)
    assert [order(again), order(again)] == [one, two]
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_real_type_keeps_its_values(dtype):
    rows = np.array([[0, 1, 1], [1, 0, 100]]).astype(dtype)
    if rows.dtype.kind in "iu":
        rows[0, 0] = np.iinfo(rows.dtype).max if dtype != "uint64" else 2**52
    np.testing.assert_array_equal(rows_to_tensor(rows).numpy(), rows)


def test_a_tensor_is_a_copy_of_any_memory_order():
    rows = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    rows.flags.writeable = False
    tensor = rows_to_tensor(rows[::2, ::-1])
    tensor += 1
    np.testing.assert_array_equal(tensor.numpy(), rows[::2, ::-1] + 1)
    assert rows[0, 0] == 0


@pytest.mark.parametrize("device", [None, CPU])
def test_rows_are_fetched_by_index_and_by_slice(device):
    rows = np.arange(40, dtype=np.uint16).reshape(10, 4)
    dataset = RowDataset(rows, device)
    assert len(dataset) == 10
    indices = torch.tensor([7, 0, 7])
    np.testing.assert_array_equal(dataset.fetch(indices), rows[[7, 0, 7]])
    np.testing.assert_array_equal(dataset.slice(8, 10), rows[8:10])
    batch, returned = BatchDataset(dataset, lambda indices: {})[indices]
    assert set(batch) == {"rows"}
    np.testing.assert_array_equal(batch["rows"], rows[[7, 0, 7]])
    assert returned is indices


@pytest.mark.parametrize("device", [None, CPU])
def test_rows_bring_those_that_go_with_them(device):
    rows = np.arange(40.0).reshape(10, 4)
    dataset = RowDataset(rows, device)
    before = vars(dataset).copy()
    batches = BatchDataset(dataset, lambda indices: {"opposite": 9 - indices})
    assert len(batches) == 10
    batch, _ = batches[torch.tensor([0, 3])]
    assert set(batch) == {"rows", "opposite"}
    np.testing.assert_array_equal(batch["rows"], rows[[0, 3]])
    np.testing.assert_array_equal(batch["opposite"], rows[[9, 6]])
    # Nothing is remembered on the data set.
    assert vars(dataset) == before


def test_rows_are_copied_to_a_device_piece_by_piece(monkeypatch):
    monkeypatch.setattr(batches, "_COPIED_ROWS", 3)
    rows = np.arange(20, dtype=">i2").reshape(10, 2)
    copy = RowDataset(rows, CPU).resident
    assert copy.dtype == torch.int16
    np.testing.assert_array_equal(copy, rows)


def test_rows_stay_where_they_are(tmp_path):
    np.save(tmp_path / "rows.npy", np.ones((6, 3)))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert RowDataset(mapped).rows is mapped


@pytest.mark.parametrize(
    "layout",
    [
        RowLayout("vector", (12,)),
        RowLayout("HW", (1, 3, 4)),
        RowLayout("CHW", (3, 2, 2)),
        RowLayout("HWC", (3, 2, 2)),
    ],
    ids=lambda layout: layout.order,
)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_reading_scales_and_writing_undoes_it(layout, dtype):
    rows = np.random.default_rng(0).integers(0, 255, (20, 12)).astype(dtype)
    reader = SampleReader(layout, PixelScaler.standardize(rows, layout))
    batch = reader.read(rows_to_tensor(rows), CPU)
    assert batch.shape == (20, *layout.shape)
    assert batch.dtype == torch.float32
    assert abs(batch.mean()) < 1e-5
    assert batch.var(correction=0).item() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(reader.write(batch), rows, atol=1e-3)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_layouts_of_the_same_images_give_the_same_batch_bit_for_bit(n_channels):
    images = np.random.default_rng(0).random((9, 4, 5, n_channels))
    flat = {
        "HWC": images.reshape(9, -1),
        "CHW": images.transpose(0, 3, 1, 2).reshape(9, -1),
    }
    if n_channels == 1:
        flat["HW"] = flat["CHW"]
    batches = []
    for order, rows in flat.items():
        layout = RowLayout(order, (n_channels, 4, 5))
        reader = SampleReader(layout, PixelScaler.standardize(rows, layout))
        batches.append(reader.read(rows_to_tensor(rows), CPU))
    first, *others = batches
    for other in others:
        assert torch.equal(first, other)
        # Convolutions choose their way by the strides, those of one channel included.
        assert first.stride() == other.stride()
    assert first.is_contiguous(memory_format=torch.channels_last)


def test_what_is_kept_for_a_device_changes_neither_hash_nor_pickle():
    rows = np.random.default_rng(0).random((20, 12))
    layout = RowLayout("HW", (1, 3, 4))
    reader = SampleReader(layout, PixelScaler.standardize(rows, layout))
    before = joblib.hash(reader)
    with torch.inference_mode():
        first = reader.read(torch.from_numpy(rows), CPU)
    assert reader.scaler._placed
    assert joblib.hash(reader) == before
    for copied in (pickle.loads(pickle.dumps(reader)), copy.deepcopy(reader)):
        assert not copied.scaler._placed
        assert torch.equal(copied.read(torch.from_numpy(rows), CPU), first)
    # What the first pass made serves a pass with gradients.
    x = torch.ones(2, 12, dtype=torch.float64, requires_grad=True)
    reader.read(x, CPU).sum().backward()
    assert x.grad is not None


def test_batches_and_rows_are_where_they_are_wanted():
    rows = np.ones((6, 2))
    assert RowDataset(rows).home == CPU
    assert RowDataset(rows, torch.device("meta")).home.type == "meta"
    order = torch.Generator().manual_seed(0)
    there = BalancedBatches(6, 3, order, torch.device("meta"))
    assert {batch.device.type for batch in there} == {"meta"}
