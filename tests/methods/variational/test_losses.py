import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from deepcluster_sk.methods.variational.losses import (
    bernoulli_nll,
    expected_term,
    gaussian_divergence,
    gaussian_nll,
    uniform_divergence,
)
from tests.losses.strategies import differentiable, logits, tensor

seeds = st.integers(0, 2**31)


def gaussians(seed, n=3, d=4):
    return [tensor(seed + i, n, d, scale=0.7) for i in range(4)]


def log_density(x, mean, log_variance):
    squared = (x - mean) ** 2 / np.exp(log_variance)
    return -0.5 * (squared + log_variance + np.log(2 * np.pi)).sum(-1)


@given(seeds)
def test_gaussian_divergence_equals_a_loop(seed):
    m, v, mu, s = (part.numpy() for part in gaussians(seed))
    expected = np.zeros(len(m))
    for i in range(m.shape[0]):
        for d in range(m.shape[1]):
            ratio = np.exp(v[i, d] - s[i, d])
            gap = (m[i, d] - mu[i, d]) ** 2 / np.exp(s[i, d])
            expected[i] += 0.5 * (s[i, d] - v[i, d] + ratio + gap - 1)
    np.testing.assert_allclose(gaussian_divergence(*gaussians(seed)), expected)


@pytest.mark.parametrize("seed", range(5))
def test_gaussian_divergence_is_what_monte_carlo_finds(seed):
    parts = gaussians(seed, n=1)
    m, v, mu, s = (part.numpy() for part in parts)
    draws = m + np.exp(v / 2) * np.random.default_rng(seed).standard_normal(
        (400_000, 4)
    )
    ratio = log_density(draws, m, v) - log_density(draws, mu, s)
    error = ratio.std() / np.sqrt(len(ratio))
    assert abs(gaussian_divergence(*parts).item() - ratio.mean()) < 5 * error


@given(seeds)
def test_gaussian_divergence_is_never_negative_and_zero_at_equality(seed):
    m, v, mu, s = gaussians(seed)
    assert (gaussian_divergence(m, v, mu, s) >= 0).all()
    torch.testing.assert_close(
        gaussian_divergence(m, v, m, v), torch.zeros(3, dtype=m.dtype)
    )


@given(logits())
def test_discrete_term_equals_a_loop(x):
    q = x.softmax(1).numpy()
    k = q.shape[1]
    expected = [sum(a * np.log(a * k) for a in row if a > 0) for row in q]
    np.testing.assert_allclose(
        uniform_divergence(x.log_softmax(1)), expected, atol=1e-9
    )


def test_discrete_terms_of_any_shape():
    log_q = tensor(0, 4, 3, 5).log_softmax(-1)
    each = torch.stack([uniform_divergence(part) for part in log_q])
    torch.testing.assert_close(uniform_divergence(log_q), each)


def test_discrete_term_pays_for_certainty_not_for_doubt():
    """Its sign: minimising the loss must not sharpen q by this term."""
    even = uniform_divergence(torch.zeros(1, 5).log_softmax(1))
    leaning = uniform_divergence(torch.tensor([[1.0, 0, 0, 0, 0]]).log_softmax(1))
    certain = uniform_divergence(torch.tensor([[99.0, 0, 0, 0, 0]]).log_softmax(1))
    assert even.item() == pytest.approx(0, abs=1e-6)
    assert 0 < leaning < certain
    assert certain.item() == pytest.approx(math.log(5))
    x = torch.tensor([[1.0, 0, 0, 0, 0]], requires_grad=True)
    uniform_divergence(x.log_softmax(1)).sum().backward()
    assert x.grad[0, 0] > 0  # a step of descent lowers the largest


def test_a_certainty_that_float32_holds_to_be_whole_has_a_gradient():
    scores = torch.tensor([[0.0, 500.0]], requires_grad=True)
    uniform_divergence(scores.log_softmax(1)).sum().backward()
    assert torch.equal(scores.grad, torch.zeros(1, 2))


def test_bernoulli_equals_a_loop():
    scores, x = tensor(0, 3, 1, 2, 2), torch.rand(3, 1, 2, 2, dtype=torch.float64)
    expected = np.zeros(3)
    for i in range(3):
        pairs = zip(scores[i].flatten(), x[i].flatten(), strict=True)
        for a, b in ((a.item(), b.item()) for a, b in pairs):
            p = 1 / (1 + np.exp(-a))
            expected[i] -= b * np.log(p) + (1 - b) * np.log(1 - p)
    np.testing.assert_allclose(bernoulli_nll(scores, x), expected)


def test_pixels_outside_the_range_count_as_black_or_white():
    scores = tensor(0, 2, 3)
    x = torch.tensor([[-5.0, 2.0, 300.0], [0.0, 1.0, 1.0]])
    torch.testing.assert_close(
        bernoulli_nll(scores, x), bernoulli_nll(scores, x.clamp(0, 1))
    )


def test_gaussian_equals_a_log_density():
    mean, x, log_variance = (
        tensor(0, 3, 5),
        tensor(1, 3, 5),
        torch.tensor(-0.4).double(),
    )
    np.testing.assert_allclose(
        gaussian_nll(mean, x, log_variance),
        -log_density(x.numpy(), mean.numpy(), np.full(5, -0.4)),
        rtol=1e-6,
    )


def test_expected_term_equals_a_double_loop():
    q, term = tensor(0, 4, 3).softmax(1), tensor(1, 4, 3)
    expected = sum((q[i, k] * term[i, k]).item() for i in range(4) for k in range(3))
    assert expected_term(q, term).item() == pytest.approx(expected / 4)


def test_gradients():
    mean, x, scores = (differentiable(i, 2, 3) for i in range(3))
    log_variance = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(gaussian_nll, (mean, x, log_variance))
    pixels = torch.rand(2, 3, dtype=torch.float64)
    assert gradcheck(lambda s: bernoulli_nll(s, pixels), (scores,))
    assert gradcheck(
        gaussian_divergence, tuple(differentiable(i, 2, 3) for i in range(4))
    )
    assert gradcheck(lambda s: uniform_divergence(s.log_softmax(1)), (scores,))
