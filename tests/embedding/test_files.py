"""Networks in files: programs of torch, TorchScript and ONNX."""

import pickle
import shutil
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from deepcluster_sk import ImageEmbedder
from deepcluster_sk.embedding.loading import load_backbone
from tests.embedding.networks import Grid, photographs, save_onnx, save_script

X = photographs()
WANTED = ImageEmbedder(Grid(), size=12).fit_transform(X)


def save_program(path, batch=None, side=12):
    """Write the grid as a program of torch, of any number of pictures or of one."""
    free = {0: torch.export.Dim("n")} if batch is None else {}
    example = torch.zeros(batch or 2, 3, side, side)
    program = torch.export.export(Grid(), (example,), dynamic_shapes=(free,))
    torch.export.save(program, path)
    return path


@pytest.mark.parametrize("batch", [None, 4])
def test_a_program_of_torch(tmp_path, batch):
    path = save_program(tmp_path / "grid.pt2", batch)
    embedder = ImageEmbedder(path).fit(X)
    # Size and batch are what the file tells.
    assert embedder.size_ == (12, 12)
    assert_allclose(embedder.transform(X), WANTED, atol=1e-6)
    assert_allclose(embedder.transform(X[:1]), WANTED[:1], atol=1e-6)


@pytest.mark.parametrize("name", ["grid.pt", "grid.ts", "GRID.PT"])
def test_torchscript(tmp_path, name):
    path = save_script(tmp_path / name)
    assert_allclose(ImageEmbedder(path, size=12).fit_transform(X), WANTED, atol=1e-6)
    with pytest.raises(ValueError, match="output='middle' names a tensor of an ONNX"):
        ImageEmbedder(path, output="middle").fit(X)


def test_scripts_of_grey_networks(tmp_path):
    path = save_script(tmp_path / "grey.pt", n_channels=1)
    assert load_backbone(path, "cpu").preparation.n_channels == 1


@pytest.mark.parametrize("name", ["weights.pt", "pickle.pth", "text.pt2", "text.pt"])
def test_files_that_hold_no_network(tmp_path, name):
    path = tmp_path / name
    if name == "weights.pt":
        torch.save(Grid().state_dict(), path)
    elif name == "pickle.pth":
        path.write_bytes(pickle.dumps({"a": 1}))
    else:
        path.write_text("no network")
    with pytest.raises(ValueError, match=r"holds neither TorchScript nor, as .pt2"):
        ImageEmbedder(path).fit(X)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_every_source_on_a_device(tmp_path, device):
    sources = [
        Grid(),
        lambda batch: Grid().to(batch.device)(batch),
        save_script(tmp_path / "grid.pt"),
        save_program(tmp_path / "grid.pt2"),
    ]
    for source in sources:
        embedder = ImageEmbedder(source, size=12, device=device).fit(X)
        assert embedder._network().device.type == device
        assert_allclose(embedder.transform(X), WANTED, atol=1e-3)
    assert next(sources[0].parameters()).device.type == "cpu"


def test_what_a_file_is_known_by(tmp_path):
    path = save_script(tmp_path / "one.pt")
    other = shutil.copy(path, tmp_path / "other.pt")
    hashes = [load_backbone(file, "cpu").identity() for file in (path, other)]
    assert hashes[0] == hashes[1]
    save_program(tmp_path / "one.pt2")
    assert load_backbone(tmp_path / "one.pt2", "cpu").identity() not in hashes


def test_a_file_is_loaded_again_where_it_was_written_again(tmp_path):
    path = save_script(tmp_path / "grid.pt")
    embedder = ImageEmbedder(path, size=12).fit(X)
    network = embedder._network()
    assert embedder.fit(X[:, :8, :8])._network() is network
    embedder.fit(X)
    save_script(path, seed=1)
    # What is fitted stays what it is, until it is fitted again.
    assert_allclose(embedder.transform(X), WANTED, atol=1e-6)
    found = embedder.fit_transform(X)
    wanted = ImageEmbedder(Grid(seed=1), size=12).fit_transform(X)
    assert_allclose(found, wanted, atol=1e-6)
    assert not np.allclose(found, WANTED)


def test_a_module_is_looked_at_anew_by_every_fit():
    grid = Grid()
    embedder = ImageEmbedder(grid, size=12).fit(X)
    assert_allclose(embedder.transform(X), WANTED, atol=1e-6)
    grid.load_state_dict(Grid(seed=1).state_dict())
    wanted = ImageEmbedder(Grid(seed=1), size=12).fit_transform(X)
    assert_allclose(embedder.fit_transform(X), wanted, atol=1e-6)


@pytest.fixture
def onnx_file(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    return save_onnx(tmp_path / "small.onnx")


def test_onnx(onnx_file):
    plain = {"mean": 0, "std": 1, "normalize": False}
    embedder = ImageEmbedder(onnx_file, output="middle", **plain).fit(X)
    assert embedder.size_ == (8, 8)
    by_torch = ImageEmbedder(lambda x: 2 * x.mean((2, 3)), size=8, **plain)
    wanted = by_torch.fit_transform(X)
    found = embedder.transform(X)
    assert_allclose(found, wanted, rtol=1e-4)
    # The first output is what comes unasked; a pickle finds the file again.
    last = ImageEmbedder(onnx_file, **plain).fit(X)
    assert_allclose(last.transform(X), wanted.sum(1, keepdims=True), rtol=1e-4)
    again = pickle.loads(pickle.dumps(embedder))
    assert_array_equal(again.transform(X), found)
    assert load_backbone(onnx_file, "cpu").identity() != again._network().identity()


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("batch", ["n", 4, 1])
def test_axes_and_batches_of_onnx_files(onnx_file, layout, batch):
    wanted = ImageEmbedder(onnx_file, output="middle").fit_transform(X)
    save_onnx(onnx_file, layout=layout, batch=batch)
    found = ImageEmbedder(onnx_file, output="middle").fit_transform(X)
    assert_allclose(found, wanted, atol=1e-6)


def test_bad_onnx_files_and_outputs(onnx_file, tmp_path):
    with pytest.raises(ValueError, match=r"no tensor 'midle'; there are .*'middle'"):
        ImageEmbedder(onnx_file, output="midle").fit(X)
    with pytest.raises(ValueError, match="rows of 12 numbers, but the network takes"):
        ImageEmbedder(onnx_file).fit(np.zeros((3, 12)))
    with pytest.raises(ValueError, match=r"on the CPU.* alone"):
        ImageEmbedder(onnx_file, device="mps").fit(X)
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no network")
    for output in (None, "middle"):
        with pytest.raises(ValueError, match="is damaged, or no ONNX file"):
            ImageEmbedder(bad, output=output).fit(X)


def test_weights_beside_an_onnx_file(tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    path = save_onnx(tmp_path / "small.onnx")
    wanted = ImageEmbedder(path, output="middle").fit_transform(X)
    model = onnx.load(path)
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "two.bin")
    onnx.save(model, path)
    assert (tmp_path / "two.bin").stat().st_size == 4
    found = ImageEmbedder(path, output="middle").fit_transform(X)
    assert_array_equal(found, wanted)


def test_packages_that_are_missing(tmp_path, monkeypatch):
    (tmp_path / "any.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r'pip install "deepcluster-sk\[onnx\]"'):
        ImageEmbedder(tmp_path / "any.onnx").fit(X)
