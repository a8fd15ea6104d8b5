"""Negative selection: the ball test, its fallback, and the printed loop."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepcluster_sk.methods.triplet import mining
from deepcluster_sk.methods.triplet.mining import (
    Negatives,
    augmentation_radii,
    in_batch_negatives,
    select_negatives,
    select_negatives_literal,
)

Selector = Callable[..., Negatives]
SELECTORS: list[Selector] = [
    select_negatives,
    select_negatives_literal,
    in_batch_negatives,
]
quick = settings(max_examples=25, deadline=None)


def seeded(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def points(n: int, d: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=seeded(seed))


def distances(z: Tensor) -> Tensor:
    return torch.linalg.vector_norm(z[:, None].double() - z.double(), dim=-1)


def outside(z: Tensor, radii: Tensor) -> Tensor:
    """The (n, n) acceptable negatives of every anchor."""
    return distances(z) > radii[:, None]


def assert_valid(found: Negatives, z: Tensor, radii: Tensor) -> None:
    n = len(z)
    assert found.indices.shape == found.is_fallback.shape == (n,)
    assert found.indices.dtype is torch.int64
    assert found.is_fallback.dtype is torch.bool
    assert ((found.indices >= 0) & (found.indices < n)).all()
    assert (found.indices != torch.arange(n)).all()
    away = distances(z)[torch.arange(n), found.indices]
    # Either side of the ball, but for the rounding of float32.
    assert (away[~found.is_fallback] > radii[~found.is_fallback] - 1e-5).all()
    assert (away[found.is_fallback] <= radii[found.is_fallback] + 1e-5).all()


@quick
@given(
    n=st.integers(2, 30),
    d=st.integers(1, 5),
    scale=st.floats(0.0, 5.0),
    seed=st.integers(0, 2**31),
    tries=st.integers(1, 20),
)
def test_every_negative_is_outside_its_ball_or_flagged(
    n: int, d: int, scale: float, seed: int, tries: int
) -> None:
    z = points(n, d, seed)
    radii = scale * torch.rand(n, generator=seeded(seed))
    assert_valid(select_negatives(z, radii, seeded(seed), tries), z, radii)
    for hardest in (False, True):
        found = in_batch_negatives(z, radii, seeded(seed), hardest)
        assert_valid(found, z, radii)
        # With every other image as candidate, only an empty outside falls back.
        assert torch.equal(found.is_fallback, ~outside(z, radii.double()).any(1))
    assert_valid(select_negatives_literal(z, radii, seeded(seed), tries), z, radii)


@pytest.mark.parametrize("selector", SELECTORS)
def test_all_inside_falls_back_to_the_farthest(selector: Selector) -> None:
    z, radii = points(12), torch.full((12,), 100.0)
    found = selector(z, radii, seeded())
    assert found.is_fallback.all()
    # 100 tries miss one of 11 candidates once in 14,000 anchors.
    assert torch.equal(found.indices, distances(z).argmax(1))


@pytest.mark.parametrize("selector", SELECTORS)
def test_two_images_have_each_other(selector: Selector) -> None:
    z = torch.tensor([[0.0], [1.0]])
    for radius, fallback in ((0.5, False), (1.0, True), (2.0, True)):
        found = selector(z, torch.full((2,), radius), seeded())
        assert found.indices.tolist() == [1, 0]
        assert found.is_fallback.tolist() == [fallback, fallback]


@pytest.mark.parametrize("selector", SELECTORS)
def test_identical_images_are_no_negatives(selector: Selector) -> None:
    z = torch.ones(5, 3)
    found = selector(z, torch.zeros(5), seeded())
    assert found.is_fallback.all()
    assert (found.indices != torch.arange(5)).all()


@pytest.mark.parametrize("selector", SELECTORS)
def test_broken_embeddings_still_give_valid_indices(selector: Selector) -> None:
    z = points(6)
    z[2] = torch.nan
    found = selector(z, torch.full((6,), 0.5), seeded())
    assert ((found.indices >= 0) & (found.indices < 6)).all()
    assert (found.indices != torch.arange(6)).all()
    assert found.is_fallback[2]


@pytest.mark.parametrize("selector", SELECTORS)
def test_all_forms_accept_the_same_images_equally_often(selector: Selector) -> None:
    n, repeats = 8, 300
    z = points(n)
    radii = distances(z).median(1).values.float() + 1e-4
    accepted = outside(z, radii.double())
    counts = torch.zeros(n, n)
    generator = seeded()
    for _ in range(repeats):
        found = selector(z, radii, generator)
        assert not found.is_fallback.any()
        counts[torch.arange(n), found.indices] += 1
    assert torch.equal(counts > 0, accepted)
    share = 1 / accepted.sum(1, keepdim=True).double()
    expected = repeats * share * accepted
    tolerance = 5 * (repeats * share * (1 - share)).sqrt()
    assert (
        (counts - expected).abs()[accepted] <= tolerance.expand(n, n)[accepted]
    ).all()


def test_a_draw_of_one_is_the_last_image_outside(monkeypatch) -> None:
    """As devices may draw whose numbers lie in (0, 1]."""
    z = points(12)
    radii = distances(z).median(1).values.float() + 1e-4
    monkeypatch.setattr(torch, "rand", lambda *shape, **_: torch.ones(*shape))
    last = 11 - outside(z, radii.double()).int().flip(1).argmax(1)
    assert torch.equal(in_batch_negatives(z, radii).indices, last)


def test_the_hardest_is_the_nearest_image_outside() -> None:
    z = points(40)
    radii = distances(z).quantile(0.3, dim=1).float() + 1e-4
    away = distances(z).masked_fill(~outside(z, radii.double()), torch.inf)
    found = in_batch_negatives(z, radii, hardest=True)
    assert torch.equal(found.indices, away.argmin(1))
    assert not found.is_fallback.any()


def test_tries_are_bounded_and_no_more_than_asked() -> None:
    # One image in 200 lies outside: five tries seldom find it, 5000 do.
    z = torch.zeros(200, 1)
    z[0] = 1.0
    radii = torch.full((200,), 0.5)
    few = select_negatives(z, radii, seeded(), 5)
    share = few.is_fallback[1:].float().mean().item()
    assert abs(share - (198 / 199) ** 5) < 0.04
    assert not select_negatives(z, radii, seeded(), 5000).is_fallback.any()


def test_the_fallback_is_the_farthest_of_all_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw, drawn = mining._draw_others, []

    def recorded(*args: object) -> Tensor:
        drawn.append(draw(*args))
        return drawn[-1]

    monkeypatch.setattr(mining, "_draw_others", recorded)
    z = points(40)
    found = select_negatives(z, torch.full((40,), 100.0), seeded(), 14)
    candidates = torch.cat(drawn, dim=1)
    assert len(drawn) == 3  # the best of one round must survive the next
    assert candidates.shape == (40, 14)
    column = distances(z).gather(1, candidates).argmax(1, keepdim=True)
    assert torch.equal(found.indices, candidates.gather(1, column).squeeze(1))


def test_chunks_do_not_change_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    z = points(50)
    radii = distances(z).quantile(0.9, dim=1).float()
    monkeypatch.setattr(mining, "_CHUNK_FLOATS", 60)
    found = select_negatives(z, radii, seeded(), 500)
    assert_valid(found, z, radii)
    assert not found.is_fallback.any()


@pytest.mark.parametrize("selector", SELECTORS)
def test_same_generator_state_same_negatives_and_no_global_stream(
    selector: Selector,
) -> None:
    z, radii = points(30), torch.full((30,), 1.5)
    state = torch.get_rng_state()
    first, again = (selector(z, radii, seeded(3)) for _ in range(2))
    other = selector(z, radii, seeded(4))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.indices, again.indices)
    assert not torch.equal(first.indices, other.indices)


@pytest.mark.parametrize("selector", SELECTORS)
def test_bf16_embeddings_are_compared_in_float32(selector: Selector) -> None:
    # In bf16 the distance 1.00390625 would be 1, on the ball instead of outside.
    z = torch.tensor([[0.0, 0.0], [1.0, 0.0884]]).bfloat16()
    found = selector(z, torch.ones(2), seeded())
    assert not found.is_fallback.any()


def test_nothing_is_differentiated() -> None:
    z = points(8).requires_grad_()
    radii = augmentation_radii(z, (z + 0.1)[None])
    assert not radii.requires_grad
    found = in_batch_negatives(z, radii, seeded())
    (z - z[found.indices]).square().sum().backward()
    assert z.grad is not None


def test_radii_reach_the_farthest_view() -> None:
    anchors, augmented = points(7, 4), points(10 * 7, 4, 1).reshape(10, 7, 4)
    radii = augmentation_radii(anchors, augmented)
    for i in range(7):
        lengths = [float((view[i] - anchors[i]).norm()) for view in augmented]
        assert float(radii[i]) == pytest.approx(max(lengths))
    assert augmentation_radii(anchors.bfloat16(), augmented).dtype is torch.float32


def test_wrong_arguments_are_named() -> None:
    z, radii = points(4), torch.ones(4)
    for selector in SELECTORS:
        with pytest.raises(ValueError, match=r"\(4, 3\) and \(3,\)"):
            selector(z, radii[:3], None)
        with pytest.raises(ValueError, match="at least 2 images, got 1"):
            selector(z[:1], radii[:1], None)
    for selector in (select_negatives, select_negatives_literal):
        with pytest.raises(ValueError, match="max_tries"):
            selector(z, radii, None, 0)
    for augmented in (z, z[:, :2][None], z.new_empty(0, 4, 3)):
        with pytest.raises(ValueError, match=r"\(m, n, d\)"):
            augmentation_radii(z, augmented)


@pytest.mark.gpu
def test_in_batch_selection_never_waits_for_the_gpu() -> None:
    z, radii = points(64).cuda(), torch.full((64,), 1.5, device="cuda")
    views, generator = z[None] + 0.1, seeded(0, "cuda")
    mode = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        ball = augmentation_radii(z, views)
        found = in_batch_negatives(z, radii, generator)
        hard = in_batch_negatives(z, ball, hardest=True)
    finally:
        torch.cuda.set_sync_debug_mode(mode)
    for result, radius in ((found, radii), (hard, ball)):
        on_cpu = Negatives(*(tensor.cpu() for tensor in result))
        assert_valid(on_cpu, z.cpu(), radius.cpu())


@pytest.mark.gpu
def test_a_cpu_generator_gives_the_same_negatives_on_the_gpu() -> None:
    z, radii = points(64), torch.full((64,), 1.5)
    for selector in SELECTORS:
        here = selector(z, radii, seeded())
        there = selector(z.cuda(), radii.cuda(), seeded())
        assert there.indices.is_cuda
        assert torch.equal(there.indices.cpu(), here.indices)
        assert torch.equal(there.is_fallback.cpu(), here.is_fallback)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("selector", SELECTORS)
def test_where_all_is_broken_another_image_is_taken(selector: Selector, n: int) -> None:
    z = torch.full((n, 3), torch.nan)
    found = selector(z, torch.ones(n), seeded())
    assert (found.indices != torch.arange(n)).all()
    assert found.is_fallback.all()


@pytest.mark.parametrize("selector", SELECTORS)
def test_without_a_generator_the_global_stream_is_drawn_from(
    selector: Selector,
) -> None:
    z, radii = points(30), torch.zeros(30)
    torch.manual_seed(3)
    first = selector(z, radii).indices
    assert not torch.equal(selector(z, radii).indices, first)
    torch.manual_seed(3)
    assert torch.equal(selector(z, radii).indices, first)
