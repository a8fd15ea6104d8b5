"""Training that diverges goes back to a good epoch, and says what to do."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from deepcluster_sk import DeepTripletClusterer, Reconstruction
from deepcluster_sk.training.net import ClusteringNet
from tests.made import make_images

IMAGES = make_images()[0]
pytestmark = pytest.mark.filterwarnings("ignore:The labels had not settled")
DIVERGED = r"diverged: the term '\w+' became nan in epoch {} \({}\).*smaller lr"


def model(**params):
    return DeepTripletClusterer(
        3,
        **{
            "module__channels": (4, 8),
            "latent_dim": 4,
            "init": "kmeans",
            "pretraining": Reconstruction(4),
            "batch_size": 16,
            "max_epochs": 4,
            "tol": 0.0,
            "random_state": 0,
            **params,
        },
    )


class Centers(Callback):
    """Centres of the clusters at the end of every epoch."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(net.module_.cluster_centers.detach().numpy().copy())


@pytest.fixture
def nan_at(monkeypatch):
    """Make the loss of one batch NaN, counted from the first of a fit."""

    def nan_at(number):
        loss, count = ClusteringNet.get_loss, iter(range(10**6))

        def spoilt(self, *args, **kwargs):
            value = loss(self, *args, **kwargs)
            if next(count) != number:
                return value
            self._epoch_sums["loss"] += torch.nan
            if self._n_losses == 1:
                self._first_loss = value * torch.nan
            return value * torch.nan

        monkeypatch.setattr(ClusteringNet, "get_loss", spoilt)

    return nan_at


# Three batches an epoch; an epoch whose first loss is no number shows that the weights
# before it were bad already.
@pytest.mark.parametrize(("batch", "n_good"), [(7, 2), (6, 1), (3, 0), (2, 0)])
@pytest.mark.parametrize("phase", ["pretrain", "cluster"])
def test_the_last_good_epoch_stays(nan_at, phase, batch, n_good):
    n_before = 4 if phase == "cluster" else 0
    epoch = n_before + 1 + batch // 3
    nan_at(3 * n_before + batch)
    estimator = model()
    said = DIVERGED.format(epoch, phase)
    if n_before + n_good == 0:
        with pytest.raises(ValueError, match=said):
            estimator.fit(IMAGES)
        assert not hasattr(estimator, "labels_")
        return
    with pytest.warns(ConvergenceWarning, match=said):
        estimator.fit(IMAGES)
    rows = [row["phase"] for row in estimator.history_]
    assert rows.count(phase) == n_good
    assert_array_equal(estimator.predict(IMAGES), estimator.labels_)
    assert np.isfinite(estimator.transform(IMAGES)).all()


def test_the_weights_are_those_of_that_epoch(nan_at):
    centers = Centers()
    nan_at(12 + 8)  # in the third epoch of joint training
    with pytest.warns(ConvergenceWarning, match="diverged"):
        fitted = model(callbacks=[centers]).fit(IMAGES)
    assert fitted.n_iter_ == 2
    assert len(centers.seen) == 6
    assert_array_equal(fitted.cluster_centers_, centers.seen[-1])
    assert not np.array_equal(*centers.seen[-2:])


def test_a_step_that_spoils_the_last_epoch_is_found(monkeypatch):
    class Spoil(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 8:
                with torch.no_grad():
                    next(net.module_.parameters()).fill_(torch.nan)

    with pytest.warns(ConvergenceWarning, match="latent of X became no number"):
        fitted = model(callbacks=[Spoil()]).fit(IMAGES)
    assert fitted.n_iter_ == 3
    assert_array_equal(fitted.predict(IMAGES), fitted.labels_)


def test_a_huge_learning_rate_is_an_error():
    with pytest.raises(ValueError, match=r"diverged.*smaller lr"):
        model(lr=1e30, batch_size=64, module__radius=None).fit(IMAGES)


def test_a_warm_start_that_diverges_goes_back_to_its_good_epochs(nan_at):
    fitted = model().fit(IMAGES)
    n_before = len(fitted.history_)
    nan_at(7)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        fitted.set_params(warm_start=True).fit(IMAGES)
    assert len(fitted.history_) == n_before + 2
    assert_array_equal(fitted.predict(IMAGES), fitted.labels_)


def test_a_warm_start_that_diverges_at_once_leaves_the_model(nan_at):
    fitted = model().fit(IMAGES)
    before = fitted.transform(IMAGES)
    nan_at(0)
    with pytest.raises(ValueError, match=r"diverged.*smaller lr"):
        fitted.set_params(warm_start=True).fit(IMAGES)
    assert_array_equal(fitted.transform(IMAGES), before)
