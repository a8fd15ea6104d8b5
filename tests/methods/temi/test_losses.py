import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk.methods.temi.losses import (
    distillation_loss,
    pair_loss,
    pair_weights,
)
from tests.losses.strategies import differentiable, tensor

HEADS = st.integers(1, 3)
SCALES = st.sampled_from([0.1, 1.0, 8.0])


@st.composite
def passes(draw):
    """Students and teachers of n pairs, and the shares of the clusters: log p."""
    h, n, k = draw(HEADS), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    seed, scale = draw(st.integers(0, 2**31)), draw(SCALES)
    student, teacher = (
        tensor(seed + i, h, 2 * n, k, scale=scale).log_softmax(-1) for i in range(2)
    )
    return student, teacher, tensor(seed + 2, h, 1, k).log_softmax(-1)


def naive_loss(student, teacher, shares, beta):
    """The loss of each head, by loops over what the paper prints."""
    p_s, p_t, share = (part.exp().numpy() for part in (student, teacher, shares))
    n_heads, n_rows, n_clusters = p_s.shape
    n = n_rows // 2
    losses = np.zeros(n_heads)
    for i in range(n):
        weight = 0.0
        for h in range(n_heads):
            for k in range(n_clusters):
                weight += p_t[h, i, k] * p_t[h, n + i, k] / n_heads
        for h in range(n_heads):
            for one, other in ((i, n + i), (n + i, i)):
                total = 0.0
                for k in range(n_clusters):
                    both = p_s[h, one, k] * p_t[h, other, k]
                    total += both**beta / share[h, 0, k]
                losses[h] += weight * -np.log(total) / (2 * n)
    return losses


@given(passes(), st.sampled_from([0.5, 0.6, 1.0]))
def test_the_loss_equals_loops(made, beta):
    found = distillation_loss(*made, beta)
    np.testing.assert_allclose(found, naive_loss(*made, beta), rtol=1e-9, atol=1e-12)


@given(passes())
def test_the_order_of_pairs_and_of_their_samples_does_not_matter(made):
    student, teacher, shares = made
    n = student.shape[1] // 2
    swapped = [torch.cat([x[:, n:], x[:, :n]], 1) for x in (student, teacher)]
    expected = distillation_loss(student, teacher, shares, 0.6)
    torch.testing.assert_close(distillation_loss(*swapped, shares, 0.6), expected)


def test_sure_pairs_have_the_information_of_their_cluster():
    # Of a share of 1/4 it is log 4, whatever beta is.
    sure = torch.tensor([[[0.0, -1e4]]], dtype=torch.float64)
    shares = torch.tensor([[[0.25, 0.75]]], dtype=torch.float64).log()
    for beta in (0.6, 1.0):
        assert float(pair_loss(sure, sure, shares, beta)) == pytest.approx(-np.log(4))


def test_pairs_that_share_no_cluster_do_not_count():
    one = torch.tensor([[[0.0, -1e4]]])
    assert float(pair_weights(one, one)) == 1
    assert float(pair_weights(one, one.flip(-1))) == 0
    halves = torch.full((1, 1, 2), 0.5).log()
    assert float(pair_weights(halves, halves)) == pytest.approx(0.5)


def test_rarer_clusters_are_worth_more():
    sure = torch.tensor([[[0.0, -1e4]]])
    rare, common = (torch.tensor([[[s, 1 - s]]]).log() for s in (0.1, 0.9))
    assert pair_loss(sure, sure, rare, 0.6) < pair_loss(sure, sure, common, 0.6)


def test_gradients_reach_the_students_alone():
    student, teacher = differentiable(0, 2, 6, 3), differentiable(1, 2, 6, 3)
    shares = tensor(2, 2, 1, 3).log_softmax(-1)

    def loss(x):
        return distillation_loss(
            x.log_softmax(-1), teacher.log_softmax(-1), shares, 0.6
        )

    assert torch.autograd.gradcheck(loss, (student,))
    loss(student).sum().backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None


def test_what_is_hardly_probable_is_no_trouble():
    far = torch.tensor([[[0.0, -300.0], [-300.0, 0.0]]]).requires_grad_()
    loss = distillation_loss(far, far, torch.full((1, 1, 2), 0.5).log(), 0.6).sum()
    loss.backward()
    assert loss.isfinite()
    assert far.grad.isfinite().all()
