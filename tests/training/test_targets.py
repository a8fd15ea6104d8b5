import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk import PseudoLabels


@pytest.mark.parametrize(
    ("duration", "elapsed", "share"),
    [
        (0, 0, 0),
        (0.5, 0, 1),
        (0.5, 0.5, 1),
        (0.5, 0.625, 0.5),
        (0.5, 0.75, 0),
        (1, 0.3, 1),
        (1, 1, 1),
        (0.4, 0.9, 0),
    ],
)
def test_labels_are_held_and_then_fade(duration, elapsed, share):
    assert PseudoLabels(duration).share(elapsed) == pytest.approx(share)


@given(*[st.floats(0, 1)] * 3)
def test_the_share_never_rises(duration, one, other):
    strategy = PseudoLabels(duration)
    early, late = strategy.share(min(one, other)), strategy.share(max(one, other))
    assert 0 <= late <= early <= 1
