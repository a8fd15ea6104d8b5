"""Samples that another cluster of a softmax is to have."""

import pytest
import torch

from deepcluster_sk.networks.heads import START_MARGIN, claim_by_head


@pytest.fixture
def head():
    return torch.nn.Linear(5, 4)


def test_a_cluster_is_ahead_where_its_samples_are_and_level_half_way(head):
    seeds, others = torch.randn(9, 5) + 3, torch.randn(12, 5) - 1
    with torch.no_grad():
        head.weight *= 9
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


def test_a_border_between_near_copies_is_no_steeper_than_the_others(head):
    seeds = torch.randn(9, 5) / 1e4
    first = int(head(seeds).argmax(1)[0])
    others = [k for k in range(4) if k != first]
    borders = (head.weight[others] - head.weight[first]).norm(dim=1)
    with torch.no_grad():
        claim_by_head(head, others[0], seeds, seeds[:4])
    tilt = (head.weight[others[0]] - head.weight[first]).norm()
    torch.testing.assert_close(tilt, borders.min())


def test_of_samples_like_the_others_the_cluster_is_as_likely_as_theirs(head):
    alike = torch.rand(5).repeat(11, 1)  # sums of so many are rounded
    first = int(head(alike).argmax(1)[0])
    new = (first + 2) % 4
    with torch.no_grad():
        claim_by_head(head, new, alike, alike[:9])
    assert torch.equal(head.weight[new], head.weight[first])
    assert torch.equal(head.bias[new], head.bias[first])
