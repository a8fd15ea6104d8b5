"""Samples that another cluster of a softmax is to have."""

import pytest
import torch

from deepcluster_sk.networks.heads import START_MARGIN, claim_by_head


@pytest.fixture
def head():
    return torch.nn.Linear(5, 4)


def test_a_cluster_is_ahead_where_its_samples_are_and_level_half_way(head):
    seeds, others = torch.randn(9, 5) + 3, torch.randn(12, 5) - 1
    first = int(head(seeds).argmax(1).mode().values)
    new = (first + 1) % 4
    before = [part.clone() for part in head.parameters()]
    with torch.no_grad():
        claim_by_head(head, new, seeds, others)
        here, there = seeds.mean(0), others.mean(0)
        for place, margin in (
            (here, START_MARGIN),
            ((here + there) / 2, 0.0),
            (there, -START_MARGIN),
        ):
            logits = head(place)
            assert float(logits[new] - logits[first]) == pytest.approx(margin, abs=1e-4)
    # Along the line between the two alone.
    away, tilt = here - there, head.weight[new] - head.weight[first]
    torch.testing.assert_close(tilt * away.norm() ** 2, tilt.dot(away) * away)
    for part, old in zip(head.parameters(), before, strict=True):
        kept = torch.arange(4) != new
        assert torch.equal(part[kept], old[kept])


def test_where_nothing_is_left_nothing_changes(head):
    before = [part.clone() for part in head.parameters()]
    with torch.no_grad():
        claim_by_head(head, 1, torch.randn(3, 5), torch.zeros(0, 5))
    for part, old in zip(head.parameters(), before, strict=True):
        assert torch.equal(part, old)


def test_of_samples_like_the_others_the_cluster_is_as_likely_as_theirs(head):
    alike = torch.ones(3, 5)
    first = int(head(alike).argmax(1)[0])
    new = (first + 2) % 4
    with torch.no_grad():
        claim_by_head(head, new, alike, alike[:2])
    assert torch.equal(head.weight[new], head.weight[first])
    assert torch.equal(head.bias[new], head.bias[first])
