import pytest
import torch

from deepcluster_sk.losses.balance import balance_loss
from deepcluster_sk.losses.clustering import clustering_loss, squared_distances
from deepcluster_sk.losses.precision import at_least_float32
from deepcluster_sk.losses.reconstruction import reconstruction_loss
from deepcluster_sk.losses.separation import separation_loss


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_is_widened_and_double_kept(given, expected):
    x = torch.rand(4, 3, dtype=given)
    assert at_least_float32(x).dtype == expected
    assert squared_distances(x, x).dtype == expected
    assert reconstruction_loss(x, x).dtype == expected
    assert separation_loss(x, x, x, margin=0.2).dtype == expected
    log_q = at_least_float32(x).log_softmax(1)
    assert clustering_loss(log_q.exp(), log_q).dtype == expected
    assert balance_loss(log_q).dtype == expected


def test_wide_tensors_are_not_copied():
    x = torch.rand(3)
    assert at_least_float32(x) is x
