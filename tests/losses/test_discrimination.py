import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from deepcluster_sk.losses.discrimination import discrimination_loss
from tests.losses.strategies import differentiable, tensor

seeds = st.integers(0, 2**32 - 1)
temperatures = st.floats(0.1, 2)


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.hypot(*a) / math.hypot(*b)


def naive(first, second, temperature):
    """Loop over views and their rivals."""
    views = [*first.tolist(), *second.tolist()]
    n, total = len(first), 0.0
    for i, view in enumerate(views):
        weights = [
            math.exp(cosine(view, other) / temperature) if j != i else 0.0
            for j, other in enumerate(views)
        ]
        total -= math.log(weights[(i + n) % (2 * n)] / sum(weights))
    return total / (2 * n)


@given(seeds, st.integers(1, 6), st.integers(1, 5), temperatures)
def test_equals_a_loop_over_views(seed, n, d, temperature):
    first, second = tensor(seed, 2, n, d)
    assert discrimination_loss(first, second, temperature).item() == pytest.approx(
        naive(first, second, temperature)
    )


def test_gradient():
    views = differentiable(0, 4, 3), differentiable(1, 4, 3)
    assert gradcheck(lambda a, b: discrimination_loss(a, b, 0.5), views)


@given(seeds, temperatures)
def test_the_two_views_may_change_places(seed, temperature):
    first, second = tensor(seed, 2, 5, 3)
    torch.testing.assert_close(
        discrimination_loss(first, second, temperature),
        discrimination_loss(second, first, temperature),
    )


@given(seeds, st.permutations(range(6)), st.floats(0.1, 10))
def test_order_and_length_do_not_matter(seed, order, length):
    first, second = tensor(seed, 2, 6, 3)
    torch.testing.assert_close(
        discrimination_loss(length * first[list(order)], second[list(order)], 0.2),
        discrimination_loss(first, second, 0.2),
    )


def test_a_single_image_has_no_rivals():
    assert discrimination_loss(torch.ones(1, 3), torch.ones(1, 3), 0.2) == 0


def test_images_apart_whose_views_agree_are_told_apart():
    views = torch.eye(4)
    assert discrimination_loss(views, views, 0.05) < 1e-6
    # Where all are alike, each of the other seven views is as likely.
    alike = discrimination_loss(torch.ones(4, 3), torch.ones(4, 3), 0.05)
    assert alike.item() == pytest.approx(math.log(7), rel=1e-5)
