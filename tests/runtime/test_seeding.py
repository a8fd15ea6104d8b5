import pytest
import torch

from deepcluster_sk.runtime.seeding import generator, seeded

CPU = torch.device("cpu")


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_the_seed_decides_inside_the_block(seed):
    draws = []
    for _ in range(2):
        torch.rand(5)
        with seeded(seed, CPU):
            draws.append(torch.rand(3))
    assert torch.equal(*draws)
    with seeded(seed + 1, CPU):
        assert not torch.equal(torch.rand(3), draws[0])


def test_outside_the_stream_goes_on_as_if_nothing_had_happened():
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    with seeded(0, CPU):
        torch.rand(100)
    assert torch.equal(torch.rand(4), expected)


def test_an_error_inside_restores_the_stream():
    before = torch.get_rng_state()

    def fail():
        with seeded(0, CPU):
            torch.rand(3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_generator_is_a_stream_of_its_own():
    before = torch.get_rng_state()
    one, two = generator(3, CPU), generator(3, CPU)
    assert torch.equal(torch.rand(4, generator=one), torch.rand(4, generator=two))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
def test_the_stream_of_the_gpu_as_well():
    device = torch.device("cuda")
    torch.cuda.manual_seed(5)
    expected = torch.rand(4, device=device)
    torch.cuda.manual_seed(5)
    draws = []
    for _ in range(2):
        with seeded(0, device):
            draws.append(torch.rand(100, device=device))
    assert torch.equal(*draws)
    assert torch.equal(torch.rand(4, device=device), expected)
