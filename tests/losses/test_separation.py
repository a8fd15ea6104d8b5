import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from deepcluster_sk.losses.separation import separation_loss
from tests.losses.strategies import differentiable, tensor

seeds = st.integers(0, 2**32 - 1)


def naive(anchor, positive, negative, margin):
    """Loop over triplets and dimensions."""
    total = 0.0
    for a, p, g in zip(
        anchor.tolist(), positive.tolist(), negative.tolist(), strict=True
    ):
        near = sum((x - y) ** 2 for x, y in zip(a, p, strict=True))
        far = sum((x - y) ** 2 for x, y in zip(a, g, strict=True))
        total += max(0.0, near - far + margin)
    return total / len(anchor)


@given(seeds, st.integers(1, 10), st.integers(1, 5), st.floats(0, 4))
def test_equals_a_loop_over_triplets(seed, n, d, margin):
    triplet = tensor(seed, 3, n, d)
    assert separation_loss(*triplet, margin).item() == pytest.approx(
        naive(*triplet, margin)
    )


def test_gradient():
    # Distances far from the kink of the hinge, on both of its sides.
    anchor, positive = differentiable(0, 4, 3), differentiable(1, 4, 3)
    negative = tensor(2, 4, 3)
    negative[:2] += 10
    negative.requires_grad_()
    assert gradcheck(
        lambda a, p, g: separation_loss(a, p, g, 0.3), (anchor, positive, negative)
    )


@given(seeds, st.floats(0, 1))
def test_zero_beyond_the_margin(seed, margin):
    anchor = torch.nn.functional.normalize(tensor(seed, 5, 3), dim=1)
    # On the unit sphere the opposite point is at squared distance 4.
    assert separation_loss(anchor, anchor, -anchor, margin) == 0


@given(seeds, st.floats(0, 4))
def test_margin_where_positive_and_negative_are_equally_far(seed, margin):
    anchor, other = tensor(seed, 2, 6, 3)
    loss = separation_loss(anchor, other, other, margin)
    assert loss.item() == pytest.approx(margin, abs=1e-12)


@given(seeds, st.permutations(range(6)))
def test_order_of_triplets_does_not_matter(seed, order):
    triplet = tensor(seed, 3, 6, 2)
    torch.testing.assert_close(
        separation_loss(*triplet[:, list(order)], 0.2), separation_loss(*triplet, 0.2)
    )


def test_no_triplet_gives_a_differentiable_zero():
    anchor = torch.zeros(0, 3, requires_grad=True)
    loss = separation_loss(anchor, anchor, anchor, 0.2)
    assert loss == 0
    assert loss.ndim == 0
    loss.backward()
    assert anchor.grad is not None
    assert anchor.grad.shape == (0, 3)
