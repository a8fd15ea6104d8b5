import pytest
import torch

from deepcluster_sk.losses.total import total_loss

WEIGHTS = {"reconstruction": 1.0, "clustering": 0.8, "balance": 0.01}


def make_terms():
    values = {"reconstruction": 2.0, "clustering": 0.5, "balance": -1.0}
    return {k: torch.tensor(v, requires_grad=True) for k, v in values.items()}


def test_is_the_weighted_sum():
    terms = make_terms()
    loss = total_loss(terms, WEIGHTS)
    assert loss.item() == pytest.approx(1.0 * 2.0 + 0.8 * 0.5 - 0.01)
    loss.backward()
    for name, term in terms.items():
        assert term.grad.item() == pytest.approx(WEIGHTS[name])


def test_a_term_of_weight_zero_may_be_left_out():
    terms = make_terms()
    del terms["balance"]
    assert total_loss(terms, {**WEIGHTS, "balance": 0}).item() == pytest.approx(2.4)


def test_a_missing_term_is_an_error():
    terms = make_terms()
    del terms["balance"]
    with pytest.raises(KeyError, match="balance"):
        total_loss(terms, WEIGHTS)


def test_a_term_without_weight_is_an_error():
    with pytest.raises(KeyError, match=r"'separation' has no weight.*clustering"):
        total_loss({**make_terms(), "separation": torch.zeros(())}, WEIGHTS)


def test_weights_of_zero_leave_a_differentiable_zero():
    terms = make_terms()
    loss = total_loss(terms, dict.fromkeys(WEIGHTS, 0.0))
    loss.backward()
    assert loss == 0
    assert all(term.grad == 0 for term in terms.values())


def test_a_nan_in_a_term_of_weight_zero_does_not_reach_the_sum():
    terms = {**make_terms(), "balance": torch.tensor(torch.nan)}
    assert total_loss(terms, {**WEIGHTS, "balance": 0}).isfinite()
