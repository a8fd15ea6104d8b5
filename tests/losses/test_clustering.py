import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from deepcluster_sk.losses.clustering import (
    clustering_loss,
    squared_distances,
    student_t_log_assignment,
    target_distribution,
)
from tests.losses.strategies import differentiable, logits, tensor

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(1, 10), st.integers(1, 6), st.integers(1, 5))


def naive_assignment(latent, centers):
    q = np.zeros((len(latent), len(centers)))
    for i, z in enumerate(latent.numpy()):
        for j, mu in enumerate(centers.numpy()):
            q[i, j] = 1 / (1 + sum((a - b) ** 2 for a, b in zip(z, mu, strict=True)))
        q[i] /= sum(q[i])
    return q


def naive_target(q):
    n, k = q.shape
    frequencies = [sum(q[i, j] for i in range(n)) for j in range(k)]
    p = np.zeros_like(q)
    for i in range(n):
        for j in range(k):
            p[i, j] = q[i, j] ** 2 / frequencies[j]
        p[i] /= sum(p[i])
    return p


def naive_divergence(p, q):
    total = 0.0
    for row_p, row_q in zip(p, q, strict=True):
        for a, b in zip(row_p, row_q, strict=True):
            if a > 0:
                total += a * np.log(a / b)
    return total / len(p)


@given(seeds, sizes, st.sampled_from([0.01, 1.0, 100.0]))
def test_assignment_equals_a_double_loop(seed, size, scale):
    n, k, d = size
    latent, centers = tensor(seed, n, d, scale=scale), tensor(seed + 1, k, d)
    np.testing.assert_allclose(
        student_t_log_assignment(latent, centers).exp(),
        naive_assignment(latent, centers),
        rtol=1e-6,
    )


@given(logits())
def test_target_equals_a_double_loop(x):
    q = x.softmax(1)
    np.testing.assert_allclose(
        target_distribution(q), naive_target(q.numpy()), rtol=1e-6, atol=1e-12
    )


@given(logits(), logits())
def test_divergence_equals_a_double_loop(x, y):
    n, k = min(len(x), len(y)), min(x.shape[1], y.shape[1])
    p, q = x[:n, :k].softmax(1), y[:n, :k].softmax(1)
    expected = naive_divergence(p.numpy(), q.numpy())
    assert clustering_loss(p, q.log()).item() == pytest.approx(expected, abs=1e-9)


def test_gradient_of_the_distances():
    assert gradcheck(
        squared_distances, (differentiable(0, 4, 3), differentiable(1, 2, 3))
    )


def test_gradient_of_the_assignment():
    assert gradcheck(
        student_t_log_assignment, (differentiable(0, 4, 3), differentiable(1, 2, 3))
    )


def test_gradient_of_the_divergence():
    target = tensor(0, 4, 3).softmax(1)
    assert gradcheck(
        lambda x: clustering_loss(target, x.log_softmax(1)), (differentiable(1, 4, 3),)
    )


@given(seeds, sizes, st.sampled_from([0.0, 1.0, 1e4]))
def test_rows_of_q_sum_to_one_and_q_is_never_zero(seed, size, scale):
    n, k, d = size
    latent = tensor(seed, n, d, scale=scale, dtype=torch.float32)
    centers = tensor(seed + 1, k, d, dtype=torch.float32)
    q = student_t_log_assignment(latent, centers).exp()
    torch.testing.assert_close(q.sum(1), torch.ones(n))
    assert (q > 0).all()


@given(logits())
def test_rows_of_p_sum_to_one(x):
    p = target_distribution(x.softmax(1))
    torch.testing.assert_close(p.sum(1), torch.ones(len(x), dtype=p.dtype))
    assert (p >= 0).all()


@given(seeds, st.permutations(range(6)), st.permutations(range(4)))
def test_assignment_and_target_follow_permutations(seed, rows, columns):
    rows, columns = list(rows), list(columns)
    latent, centers = tensor(seed, 6, 3), tensor(seed + 1, 4, 3)
    q = student_t_log_assignment(latent, centers).exp()
    permuted = student_t_log_assignment(latent[rows], centers[columns]).exp()
    torch.testing.assert_close(permuted, q[rows][:, columns])
    torch.testing.assert_close(
        target_distribution(permuted), target_distribution(q)[rows][:, columns]
    )


@given(logits(), seeds)
def test_divergence_is_never_negative_and_zero_at_equality(x, seed):
    p = x.softmax(1)
    q = tensor(seed, *x.shape).softmax(1)
    assert clustering_loss(p, q.log()) >= -1e-12
    assert clustering_loss(p, x.log_softmax(1)).item() == pytest.approx(0, abs=1e-12)


def test_target_is_sharper_than_the_assignment():
    q = torch.tensor([[0.7, 0.3], [0.3, 0.7]])
    p = target_distribution(q)
    assert (p.max(1).values > q.max(1).values).all()


def test_target_is_held_constant():
    q = differentiable(0, 5, 3).softmax(1)
    assert q.requires_grad
    assert not target_distribution(q).requires_grad


def test_an_empty_cluster_has_no_share_in_the_target():
    q = torch.tensor([[0.8, 0.2, 0.0], [0.4, 0.6, 0.0]])
    p = target_distribution(q)
    assert (p[:, 2] == 0).all()
    torch.testing.assert_close(p[:, :2], target_distribution(q[:, :2]))


def test_distances_of_equal_points_are_not_negative():
    x = tensor(0, 50, 10, scale=1e3, dtype=torch.float32)
    assert (squared_distances(x, x) >= 0).all()


@pytest.mark.parametrize("n_clusters", [2, 10])
@pytest.mark.parametrize("dim", [2, 5, 10, 15, 64])
def test_distances_of_a_row_do_not_depend_on_its_place(dim, n_clusters):
    # 32 rows: what is streamed is filled up to a multiple of that.
    random = torch.Generator().manual_seed(dim)
    x = torch.randn(32, dim, generator=random)
    centers = torch.randn(n_clusters, dim, generator=random)
    order = torch.randperm(32, generator=random)
    moved = squared_distances(x[order], centers)
    assert torch.equal(moved, squared_distances(x, centers)[order])
