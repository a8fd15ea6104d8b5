import pytest
from torch.autograd import gradcheck

from deepcluster_sk.losses.cross_entropy import cross_entropy_loss
from tests.losses.strategies import differentiable, tensor


def test_cross_entropy_equals_a_loop():
    q, log_p = tensor(0, 5, 3).softmax(1), tensor(1, 5, 3).log_softmax(1)
    expected = -sum(
        q[i, k].item() * log_p[i, k].item() for i in range(5) for k in range(3)
    )
    assert cross_entropy_loss(q, log_p).item() == pytest.approx(expected / 5)
    assert gradcheck(
        lambda x: cross_entropy_loss(q, x.log_softmax(1)), (differentiable(1, 5, 3),)
    )
