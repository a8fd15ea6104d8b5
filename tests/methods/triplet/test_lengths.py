from types import SimpleNamespace

import pytest

from deepcluster_sk import PseudoLabels, SelfTraining
from deepcluster_sk.base.start import Start
from deepcluster_sk.methods.triplet.lengths import joint_epochs, pretraining_epochs
from deepcluster_sk.methods.triplet.strategies import (
    InstanceDiscrimination,
    TripletMargin,
)


def steps(n_clusters=10, targets=None, photographs=False):
    """Optimiser steps that joint training is to have."""
    return joint(n_clusters, targets, photographs)[0]


def joint(n_clusters=10, targets=None, photographs=False, n_samples=300):
    """Bounds of joint training."""
    context = SimpleNamespace(
        n_clusters=n_clusters, n_samples=n_samples, epochs=lambda *bounds: bounds
    )
    start = Start("none", "photograph" if photographs else "drawing")
    return joint_epochs("auto", targets or PseudoLabels(), start, context)


def test_more_clusters_take_longer_up_to_three_times():
    assert {steps(k) for k in range(1, 11)} == {steps(10)}
    for k in (20, 40, 60):
        assert steps(k) == pytest.approx(steps(10) * (k / 10) ** 0.5, abs=1)
    assert steps(90) == steps(1_000) == 3 * steps(10)


def test_photographs_and_own_targets_take_about_twice_as_long():
    assert steps(photographs=True) == 2 * steps()
    assert 1.8 * steps() < steps(targets=SelfTraining()) < steps(photographs=True)
    longest = steps(targets=SelfTraining(), photographs=True)
    assert longest == steps(photographs=True)


def test_what_is_stated_is_taken():
    assert joint_epochs(7, PseudoLabels(), None, None) == 7


def pretraining(strategy, architecture, n_samples=300):
    """Bounds of pretraining, by a context that hands on what it is given."""
    context = SimpleNamespace(n_samples=n_samples, epochs=lambda *bounds: bounds)
    return pretraining_epochs(strategy, context, architecture)


def test_a_residual_network_is_pretrained_for_longer():
    residual = pretraining(InstanceDiscrimination(), "residual")
    shallow = pretraining(InstanceDiscrimination(), "auto")
    assert residual[0] == 10 * shallow[0]
    assert len(residual) == 3  # and may see its images more often
    for architecture in ("residual", "auto"):
        assert pretraining(InstanceDiscrimination(7), architecture) == 7
        assert pretraining(TripletMargin(), architecture)[:2] == (600, 4)


@pytest.mark.parametrize(
    ("n_samples", "most"), [(1, 30), (450, 30), (600, 40), (900, 60), (70_000, 60)]
)
def test_few_drawings_are_seen_less_often(n_samples, most):
    assert pretraining(TripletMargin(), "auto", n_samples)[2] == most
    assert joint(n_samples=n_samples)[2] == most


def test_what_learns_slowly_is_seen_as_often_as_ever():
    """Photographs, and what a network learns by its own targets."""
    assert len(pretraining(InstanceDiscrimination(), "auto")) == 2
    assert len(joint(photographs=True)) == len(joint(targets=SelfTraining())) == 2
