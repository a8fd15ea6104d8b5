from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from deepcluster_sk.losses.balance import entropy
from deepcluster_sk.methods.depict.losses import (
    depict_target,
    exact_depict_target,
    layerwise_loss,
)
from tests.losses.strategies import logits, tensor


def naive_target(p):
    n, k = p.shape
    sizes = [sum(p[i, j] for i in range(n)) for j in range(k)]
    q = np.zeros_like(p)
    for i in range(n):
        for j in range(k):
            q[i, j] = p[i, j] / np.sqrt(sizes[j])
        q[i] /= sum(q[i])
    return q


def naive_objective(q, p):
    n, k = p.shape
    total = 0.0
    for i in range(n):
        for j in range(k):
            if q[i, j] > 0:
                total += q[i, j] * np.log(q[i, j] / p[i, j]) / n
    for j in range(k):
        f = sum(q[i, j] for i in range(n)) / n
        if f > 0:
            total += f * np.log(f * k)
    return total


def depict_objective(q, p):
    near = -entropy(q).mean() - torch.xlogy(q, p).sum(1).mean()
    n_clusters = q.new_tensor(float(q.shape[1]))
    return near + n_clusters.log() - entropy(q.mean(0))


def brute_force(p):
    """Lowest objective over all q, found by a general optimiser on its logits."""

    def objective(flat):
        x = torch.tensor(flat, requires_grad=True)
        value = depict_objective(x.view_as(p).softmax(1), p)
        value.backward()
        return value.item(), x.grad.numpy()

    result = minimize(
        objective, p.log().numpy().ravel(), jac=True, options={"gtol": 1e-10}
    )
    return result.fun, torch.tensor(result.x).view_as(p).softmax(1)


@given(logits())
def test_closed_form_equals_a_double_loop(x):
    p = x.softmax(1)
    np.testing.assert_allclose(
        depict_target(p), naive_target(p.numpy()), rtol=1e-6, atol=1e-12
    )


@given(logits(), st.integers(0, 2**31))
def test_objective_equals_a_double_loop(x, seed):
    p, q = x.softmax(1), tensor(seed, *x.shape).softmax(1)
    expected = naive_objective(q.numpy(), p.clamp_min(1e-300).numpy())
    assert depict_objective(q, p).item() == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("size", [(3, 2), (8, 3), (12, 5)])
def test_exact_target_is_what_brute_force_finds(size, scale):
    p = tensor(0, *size, scale=scale).softmax(1)
    value, q = brute_force(p)
    exact = exact_depict_target(p)
    assert depict_objective(exact, p).item() == pytest.approx(value, abs=1e-9)
    torch.testing.assert_close(exact, q, atol=1e-3, rtol=0)


@given(logits())
def test_exact_target_is_a_fixed_point(x):
    p = x.softmax(1)
    q = exact_depict_target(p)
    ratio = p / q.mean(0).clamp_min(1e-300)
    torch.testing.assert_close(q, ratio / ratio.sum(1, keepdim=True), atol=1e-5, rtol=0)


@given(logits())
def test_closed_form_is_never_better_than_the_exact_one(x):
    p = x.softmax(1)
    closed, exact = depict_target(p), exact_depict_target(p)
    best = depict_objective(exact, p)
    assert depict_objective(closed, p) >= best - 1e-9
    # Nor does it lie far off: the two share the way in which they even out sizes.
    assert best >= -1e-12


def test_they_agree_where_the_rows_have_equal_normalisers():
    p = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0.2, 0.1, 0.7]])
    torch.testing.assert_close(depict_target(p), exact_depict_target(p).float())
    torch.testing.assert_close(depict_target(p), p)


def test_targets_even_out_the_sizes():
    p = (tensor(0, 200, 4) + torch.tensor([2.0, 0, 0, 0])).softmax(1)
    spread = [
        (q.mean(0) - 0.25).abs().max()
        for q in (p, depict_target(p), exact_depict_target(p))
    ]
    assert spread[0] > spread[1]
    assert spread[0] > spread[2]


@given(logits())
def test_rows_sum_to_one_and_are_held_constant(x):
    p = x.requires_grad_().softmax(1)
    for target in (depict_target, exact_depict_target):
        q = target(p)
        torch.testing.assert_close(q.sum(1), torch.ones(len(x), dtype=q.dtype))
        assert (q >= 0).all()
        assert not q.requires_grad


def test_an_empty_cluster_stays_out():
    p = torch.tensor([[0.8, 0.2, 0.0], [0.4, 0.6, 0.0]])
    for target in (depict_target, exact_depict_target):
        assert (target(p)[:, 2] == 0).all()
        assert target(p).isfinite().all()


def test_layerwise_error_equals_a_loop():
    shapes = [(4, 1, 6, 6), (4, 3, 3, 3), (4, 7)]
    decoded = [tensor(i, *shape) for i, shape in enumerate(shapes)]
    clean = [tensor(i + 9, *shape) for i, shape in enumerate(shapes)]
    expected = 0.0
    for layer, (a, b) in enumerate(zip(decoded, clean, strict=True)):
        gap = (a - b).numpy().ravel()
        expected += (1.0 if layer == 0 else 0.3) * sum(gap**2) / len(gap)
    assert layerwise_loss(decoded, clean, 0.3).item() == pytest.approx(expected)


def documented_gap(scale, lean):
    """One line of the table in docs/choosing.rst."""
    generator = torch.Generator().manual_seed(0)
    x = scale * torch.randn(1000, 10, dtype=torch.float64, generator=generator)
    p = (x + lean * torch.linspace(0, 1, 10)).softmax(1)
    closed, exact = depict_target(p), exact_depict_target(p)
    objective = [depict_objective(q, p).item() for q in (p, closed, exact)]
    furthest = (closed - exact).abs().max().item()
    relabelled = (closed.argmax(1) != exact.argmax(1)).double().mean().item()
    cells = [f"{scale}, {lean}", *(f"{value:.4f}" for value in objective)]
    return "   ".join([*cells, f"{furthest:.3f}", f"{relabelled:.1%}"])


def test_the_documented_gap_between_closed_form_and_minimiser():
    page = (Path(__file__).parents[3] / "docs" / "choosing.rst").read_text()
    for case in [(1, 1), (3, 1), (3, 3), (6, 3)]:
        assert documented_gap(*case) in page
