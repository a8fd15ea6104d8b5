import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from deepcluster_sk.runtime import seeding
from deepcluster_sk.runtime.seeding import (
    STAGES,
    Streams,
    drawing_apart,
    generator,
    seeded,
)

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


def test_what_is_drawn_apart_leaves_no_trace():
    stream = generator(3, torch.device("cpu"))

    def draw():
        return [torch.rand(1), torch.rand(1, generator=stream)]

    expected = []
    for apart in (False, True):
        torch.manual_seed(5)
        stream.manual_seed(3)
        with drawing_apart(stream) if apart else nullcontext():
            if apart:
                draw()
        expected.append(draw())
    assert expected[0] == expected[1]


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


def draws(streams):
    """A few numbers of each of the four streams of a stage, by name."""
    with streams.seeded():
        outer = torch.rand(3)
    return {
        "random_state": streams.random_state.random_sample(3).tolist(),
        "generator": torch.rand(3, generator=streams.generator).tolist(),
        "order": torch.rand(3, generator=streams.order).tolist(),
        "outer": outer.tolist(),
    }


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 2])
def test_streams_are_decided_by_seed_and_stage(seed):
    for stage in STAGES:
        assert draws(Streams.of(seed, stage, CPU)) == draws(
            Streams.of(seed, stage, CPU)
        )


def test_no_two_streams_are_the_same():
    seen = [
        tuple(drawn)
        for seed in (0, 1)
        for stage in STAGES
        for drawn in draws(Streams.of(seed, stage, CPU)).values()
    ]
    assert len(set(seen)) == len(seen) == 2 * 4 * len(STAGES)


def test_a_stage_that_draws_more_leaves_the_others_alone():
    expected = {stage: draws(Streams.of(3, stage, CPU)) for stage in STAGES}
    greedy = Streams.of(3, "start", CPU)
    later = {stage: Streams.of(3, stage, CPU) for stage in STAGES[1:]}
    greedy.random_state.random_sample(10_000)
    torch.rand(10_000, generator=greedy.generator)
    torch.rand(10_000, generator=greedy.order)
    with greedy.seeded():
        torch.rand(10_000)
    assert {stage: draws(streams) for stage, streams in later.items()} == {
        stage: expected[stage] for stage in later
    }


def test_a_new_stage_at_the_end_leaves_the_others_alone(monkeypatch):
    expected = draws(Streams.of(0, "training", CPU))
    monkeypatch.setattr("deepcluster_sk.runtime.seeding.STAGES", (*STAGES, "new"))
    assert draws(Streams.of(0, "training", CPU)) == expected
    assert draws(Streams.of(0, "new", CPU)) != expected


def test_streams_leave_the_global_ones_alone():
    def states():
        return torch.get_rng_state().tolist(), str(np.random.get_state())  # noqa: NPY002

    before = states()
    draws(Streams.of(0, "start", CPU))
    assert states() == before


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


def test_a_thread_that_waits_for_long_says_so(monkeypatch):
    monkeypatch.setattr(seeding, "PATIENCE", 0.01)
    begun, over = threading.Event(), threading.Event()

    def hold():
        with seeded(0, CPU):
            begun.set()
            over.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    begun.wait(30)
    threading.Timer(0.3, over.set).start()
    with pytest.warns(UserWarning, match="another thread's fit"), seeded(1, CPU):
        assert over.is_set()
    holder.join()
