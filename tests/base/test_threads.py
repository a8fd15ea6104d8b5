"""Nothing a fitted estimator does writes to it: threads may share one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from torch import nn

from deepcluster_sk import DeepTripletClusterer, Reconstruction
from deepcluster_sk.model_selection import get_scorer, get_scorer_names

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def together(call, n_threads=8, n_calls=48):
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(lambda _: call(), range(n_calls)))


def state_of(estimator):
    module = estimator.net_.module_
    return {name: value.clone() for name, value in module.state_dict().items()}


def assert_untouched(estimator, before):
    for name, value in estimator.net_.module_.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(part.training for part in estimator.net_.module_.modules())


def test_threads_get_what_one_caller_gets(fitted, images):
    before = state_of(fitted)
    calls = [fitted.predict_proba, fitted.transform, fitted.predict]
    if hasattr(fitted, "score_samples"):
        calls.append(fitted.score_samples)
    for call in calls:
        expected = call(images)
        for found in together(lambda call=call: call(images)):
            assert_array_equal(found, expected)
    assert_untouched(fitted, before)


@pytest.mark.usefixtures("decoding")
def test_threads_may_decode(fitted):
    before = state_of(fitted)
    decoded = fitted.inverse_transform(fitted.cluster_centers_)
    for found in together(lambda: fitted.inverse_transform(fitted.cluster_centers_)):
        assert_array_equal(found, decoded)
    assert_untouched(fitted, before)


def test_threads_may_score(fitted, images):
    before = state_of(fitted)
    y = np.arange(len(images)) % 3
    for name in sorted(get_scorer_names()):
        scorer = get_scorer(name)
        expected = scorer(fitted, images, y)
        found = together(lambda s=scorer: s(fitted, images, y), n_calls=8)
        assert found == [expected] * 8, name
    assert_untouched(fitted, before)


def test_threads_that_draw_at_random_take_turns(fitted, images):
    before = torch.get_rng_state()
    for draw in (fitted.confidence, lambda X: clone(fitted).fit(X).predict_proba(X)):
        expected = draw(images)
        for found in together(lambda d=draw: d(images), n_threads=4, n_calls=4):
            assert_array_equal(found, expected)
    assert torch.equal(torch.get_rng_state(), before)


class Noisy(nn.Module):
    """A user's network, with batch norm and dropout."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        n = int(np.prod(sample_shape))
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(n, 16),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(16, latent_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, n), nn.Unflatten(1, sample_shape)
        )

    def encode(self, x):
        return self.encoder(x)

    def decode(self, latent):
        return self.decoder(latent)


def test_threads_share_a_network_of_the_users_own(images):
    model = DeepTripletClusterer(
        3,
        latent_dim=4,
        architecture=Noisy,
        pretraining=Reconstruction(2),
        max_epochs=2,
        random_state=0,
    )
    model.fit(images)
    before = state_of(model)
    expected = model.predict_proba(images)
    for found in together(lambda: model.predict_proba(images)):
        assert_array_equal(found, expected)
    assert_untouched(model, before)
