import pytest
import torch

from deepcluster_sk.runtime import device as module
from deepcluster_sk.runtime.device import (
    by_device,
    keeps_data,
    resolve_device,
    resolve_precision,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def machine(monkeypatch):
    """Pretend a machine with some accelerators."""

    def pretend(n_cuda=0, mps=False, capability=(8, 0)):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n_cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n_cuda)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: n_cuda - 1)
        monkeypatch.setattr(
            torch.cuda, "get_device_capability", lambda device: capability
        )
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("n_cuda", "mps", "expected"),
    [(0, False, "cpu"), (0, True, "cpu"), (2, False, "cuda:1"), (1, True, "cuda:0")],
)
def test_auto_takes_the_best_there_is(machine, n_cuda, mps, expected):
    machine(n_cuda, mps)
    assert resolve_device("auto") == torch.device(expected)


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:1", "mps", torch.device("cpu")])
def test_a_device_that_is_there(machine, name):
    machine(2, mps=True)
    # The current one of several, by its number: it may be another one later.
    expected = "cuda:1" if name == "cuda" else name
    assert resolve_device(name) == torch.device(expected)


@pytest.mark.parametrize(
    ("name", "n_cuda", "there"),
    [
        ("cuda", 0, "cpu"),
        ("cuda:0", 0, "cpu"),
        ("cuda:2", 2, "cpu, cuda, cuda:0, cuda:1"),
        ("mps", 1, "cpu, cuda, cuda:0"),
        (torch.device("cuda:5"), 1, "cpu, cuda, cuda:0"),
    ],
)
def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    machine, name, n_cuda, there
):
    machine(n_cuda)
    with pytest.raises(ValueError, match=f"not on this machine.*has: {there}\\."):
        resolve_device(name)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "meta", "CPU", "cpu, cuda"])
def test_a_name_that_means_nothing_is_refused_with_the_valid_ones(name):
    with pytest.raises(ValueError, match=r"not a device: use 'auto', 'cpu', 'cuda'"):
        resolve_device(name)


@pytest.mark.parametrize("cpu_has_it", [True, False])
@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (9, 0)])
def test_auto_precision_goes_by_the_hardware(
    machine, monkeypatch, cpu_has_it, capability
):
    machine(1, capability=capability)
    monkeypatch.setattr(module, "_cpu_has_amx", lambda: cpu_has_it)
    expected = torch.bfloat16 if cpu_has_it else torch.float32
    assert resolve_precision("auto", CPU) == expected
    expected = torch.bfloat16 if capability >= (8, 0) else torch.float32
    assert resolve_precision("auto", CUDA) == expected
    assert resolve_precision("auto", torch.device("mps")) == torch.float32


@pytest.mark.parametrize("device", [CPU, CUDA])
def test_a_stated_precision_is_kept(device):
    assert resolve_precision("float32", device) == torch.float32
    assert resolve_precision("bf16", device) == torch.bfloat16


def test_asking_this_cpu_gives_an_answer():
    assert resolve_precision("auto", CPU) in (torch.float32, torch.bfloat16)


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_elsewhere_than_on_cuda_data_stay_where_they_are(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: 1 / 0)
    assert keeps_data(torch.device(device), 1) is False


@pytest.mark.parametrize(("n_bytes", "expected"), [(250, True), (251, False)])
def test_data_that_take_a_quarter_of_the_free_memory_are_copied(
    monkeypatch, n_bytes, expected
):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 4000))
    assert keeps_data(CUDA, n_bytes) is expected


@pytest.mark.gpu
def test_asking_this_gpu_gives_an_answer():
    device = resolve_device("auto")
    assert device.type == "cuda"
    assert resolve_precision("auto", device) in (torch.float32, torch.bfloat16)


def test_pieces_of_work_go_by_the_device():
    assert by_device(CPU, 1, 2) == 1
    assert by_device(CUDA, 1, 2) == 2
