import numpy as np
import pytest
import torch

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from deepcluster_sk.networks.inference import (
    CHUNK_ROWS,
    ROW_MULTIPLE,
    autocast,
    embed,
    evaluating,
    stream,
)

CPU = torch.device("cpu")
VECTORS = RowLayout("vector", (8,))
IMAGES = RowLayout("HW", (1, 9, 8))


def make(layout, n, seed, architecture="auto", radius=3.0):
    rows = np.random.default_rng(seed).normal(size=(n, layout.n_features))
    reader = SampleReader(layout, PixelScaler.standardize(rows, layout))
    torch.manual_seed(seed)
    channels = (16, 32) if layout.is_image else None
    module = ClusteringAutoencoder(
        architecture, layout.shape, 5, 4, radius, channels=channels
    )
    return module, rows, reader


@pytest.mark.parametrize("layout", [VECTORS, IMAGES], ids=["vectors", "images"])
@pytest.mark.parametrize("seed", range(12))
def test_a_row_does_not_depend_on_its_company(layout, seed):
    module, rows, reader = make(layout, 70, seed)
    random = np.random.default_rng(seed)

    def embedded(indices):
        return embed(module, RowDataset(rows[indices]), reader, CPU)

    whole = embedded(np.arange(len(rows)))
    subsets = [np.array([i]) for i in random.choice(70, 4, replace=False)]
    subsets += [random.permutation(70)[:size] for size in (2, 31, 32, 33, 69, 70)]
    for subset in subsets:
        part = embedded(subset)
        assert torch.equal(part.latent, whole.latent[subset])
        assert torch.equal(part.log_assignment, whole.log_assignment[subset])


def test_a_row_does_not_depend_on_its_chunk(monkeypatch):
    module, rows, reader = make(VECTORS, 100, 0)
    whole = embed(module, RowDataset(rows), reader, CPU)
    monkeypatch.setattr("deepcluster_sk.networks.inference.CHUNK_ROWS", 32)
    in_chunks = embed(module, RowDataset(rows), reader, CPU)
    assert torch.equal(whole.latent, in_chunks.latent)


@pytest.mark.parametrize("n", [1, 31, 32, 33, CHUNK_ROWS, CHUNK_ROWS + 1])
def test_chunks_are_filled_up_and_say_how_many_rows_are_real(n):
    rows = np.arange(8.0 * n).reshape(n, 8)
    reader = SampleReader(VECTORS, PixelScaler(np.zeros(8), np.ones(8), False))
    chunks = list(stream(lambda x: x, RowDataset(rows), reader, CPU))
    assert all(len(chunk) % ROW_MULTIPLE == 0 for chunk, _ in chunks)
    real = torch.cat([chunk[:n_rows] for chunk, n_rows in chunks])
    np.testing.assert_array_equal(real, rows)


def test_results_are_float32_and_need_no_gradient():
    module, rows, reader = make(IMAGES, 10, 0)
    for precision in (torch.float32, torch.bfloat16):
        for part in embed(module, RowDataset(rows), reader, CPU, precision):
            assert part.dtype == torch.float32
            assert not part.requires_grad


@pytest.mark.parametrize("dtype", ["float16", "uint16", "bool", "longdouble"])
def test_rows_of_any_type_in_any_precision(dtype):
    module, rows, reader = make(VECTORS, 5, 0)
    for precision in (torch.float32, torch.bfloat16):
        given = RowDataset(rows.astype(dtype))
        assert embed(module, given, reader, CPU, precision).latent.isfinite().all()


def test_cheap_precision_is_near_the_full_one():
    module, rows, reader = make(IMAGES, 40, 0)
    full = embed(module, RowDataset(rows), reader, CPU)
    cheap = embed(module, RowDataset(rows), reader, CPU, torch.bfloat16)
    assert not torch.equal(full.latent, cheap.latent)
    torch.testing.assert_close(full.latent, cheap.latent, atol=0.2, rtol=0.1)


@pytest.mark.parametrize("was_training", [True, False])
def test_evaluation_goes_back_to_the_mode_before(was_training):
    module, *_ = make(VECTORS, 4, 0)
    module.train(was_training)
    with evaluating(module):
        assert not module.training
        assert not torch.is_grad_enabled()
    assert module.training == was_training
    assert torch.is_grad_enabled()

    def fail():
        with evaluating(module):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert module.training == was_training


def test_embedding_does_not_move_the_running_statistics():
    module, rows, reader = make(IMAGES, 40, 0)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    embed(module, RowDataset(rows), reader, CPU)
    after = module.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_autocast_is_on_for_bf16_only():
    for precision, expected in ((torch.float32, False), (torch.bfloat16, True)):
        with autocast(CPU, precision):
            assert torch.is_autocast_enabled("cpu") == expected
