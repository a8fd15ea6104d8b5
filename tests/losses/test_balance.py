import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from deepcluster_sk.losses.balance import balance_loss, entropy
from tests.losses.strategies import differentiable, logits


def naive_entropy(row):
    return -sum(p * math.log(p) for p in row if p > 0)


def naive_balance(q):
    n, k = len(q), len(q[0])
    rows = sum(naive_entropy(row) for row in q) / n
    mean = [sum(q[i][j] for i in range(n)) / n for j in range(k)]
    return rows - naive_entropy(mean)


@given(logits())
def test_equals_a_double_loop(x):
    q = x.softmax(1)
    assert entropy(q).tolist() == pytest.approx(
        [naive_entropy(row) for row in q.tolist()], abs=1e-9
    )
    assert balance_loss(x.log_softmax(1)).item() == pytest.approx(
        naive_balance(q.tolist()), abs=1e-9
    )


def test_gradient():
    assert gradcheck(
        lambda x: balance_loss(x.log_softmax(1)), (differentiable(0, 5, 3),)
    )
    assert gradcheck(lambda x: entropy(x.softmax(1)), (differentiable(1, 5, 3),))


@given(logits())
def test_lies_between_minus_log_k_and_zero(x):
    loss = balance_loss(x.log_softmax(1)).item()
    assert -math.log(x.shape[1]) - 1e-9 <= loss <= 1e-9


@given(logits(), st.randoms(use_true_random=False))
def test_order_of_rows_and_of_clusters_does_not_matter(x, random):
    n, k = x.shape
    rows, columns = random.sample(range(n), n), random.sample(range(k), k)
    torch.testing.assert_close(
        balance_loss(x[rows][:, columns].log_softmax(1)),
        balance_loss(x.log_softmax(1)),
    )


def test_least_for_certain_and_even_assignments():
    certain = torch.eye(4, dtype=torch.float64).clamp_min(1e-30).log()
    assert balance_loss(certain).item() == pytest.approx(-math.log(4))


@pytest.mark.parametrize("row", [[1.0, 1e-30, 1e-30], [1 / 3] * 3])
def test_zero_where_all_rows_are_alike(row):
    # Collapsed onto one cluster, or undecided between all: nothing was learnt.
    log_q = torch.tensor([row] * 5, dtype=torch.float64).log()
    assert balance_loss(log_q).item() == pytest.approx(0, abs=1e-9)


def test_entropy_of_certainty_is_zero_and_differentiable():
    certain = torch.tensor([1.0, 0.0])
    assert entropy(certain) == 0
