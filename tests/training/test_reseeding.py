"""Clusters that lose all their samples begin anew, where the network is in doubt."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    Reconstruction,
    SelfTraining,
)
from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.training import reseeding
from deepcluster_sk.training.reseeding import reseed_lost
from tests.made import make_images, quick

IMAGES, PLACES = make_images(96, 4)


def twice_the_same(latent, n_clusters, random_state=None):
    """Centres of which two are one: no sample is ever nearer to the second."""
    drawn = random_state.choice(len(latent), n_clusters, replace=False)
    centers = latent[drawn]
    centers[-1] = centers[0]
    return centers


def model(cls, **params):
    settings = {
        "init": twice_the_same,
        "pretraining": Reconstruction(2),
        "max_epochs": 8,
        "targets": SelfTraining(),
        "module__contrast": "none",
    }
    return quick(cls, 4, **{**settings, **params})


@pytest.mark.parametrize("cls", [DeepTripletClusterer, DECClusterer, DepictClusterer])
def test_a_lost_cluster_begins_anew(cls):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The labels had not settled")
        with pytest.warns(ConvergenceWarning, match="lost all its .* began anew"):
            fitted = model(cls).fit(IMAGES)
    assert len(np.unique(fitted.initial_labels_)) == 3
    assert len(np.unique(fitted.labels_)) == 4
    assert sum(row.get("reseeded", 0) for row in fitted.history_) >= 1


def test_pseudo_labels_see_to_their_clusters_themselves():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = model(DECClusterer, targets="pseudo-labels", init="graph").fit(IMAGES)
    assert not any("began anew" in str(w.message) for w in caught)
    assert not any("reseeded" in row for row in fitted.history_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_none_begins_anew_where_nothing_tells_samples_apart_or_it_is_too_late(
    monkeypatch,
):
    constant = model(DECClusterer).fit(np.ones((20, 8, 8)))
    assert not any("reseeded" in row for row in constant.history_)
    never = reseeding.ReseedingSettings(last=-1.0)
    monkeypatch.setattr("deepcluster_sk.training.self_training.RESEEDING", never)
    late = model(DECClusterer).fit(IMAGES)
    assert len(np.unique(late.labels_)) == 3


class Asked(torch.nn.Module):
    """Stands for a network; remembers which cluster was to take what."""

    def reseed(self, cluster, seeds, others):
        self.asked = cluster, seeds[:, 0].tolist(), others[:, 0].tolist()


class AskedOften(torch.nn.Module):
    """Remembers every time."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def reseed(self, cluster, seeds, others):
        self.asked.append((cluster, seeds[:, 0].tolist(), others[:, 0].tolist()))


class Reader:
    """Stands for a reader: rows are what they are."""

    @staticmethod
    def read(rows, device):
        return rows


def test_samples_are_taken_from_those_most_in_doubt():
    net = SimpleNamespace(
        module_=Asked(), reader=Reader, torch_device=torch.device("cpu")
    )
    dataset = RowDataset(np.arange(40.0)[:, None])
    labels = np.repeat([0, 2, 3], [20, 10, 10])
    shares = np.full((40, 4), 0.01)  # the second has none
    shares[np.arange(40), labels] = 0.9
    shares[[3, 5, 7, 11], 0] = 0.4
    shares[25, 2] = 0.3
    assert reseed_lost(net, dataset, torch.tensor(shares)) == 1
    cluster, seeds, others = net.module_.asked
    assert cluster == 1
    assert set(seeds) == {3, 5, 7, 11}
    assert set(others) == set(range(20)) - set(seeds)
    assert reseed_lost(net, dataset, torch.tensor(shares[:, [0, 2, 3]])) == 0


def test_a_cluster_of_one_sample_gives_none_away():
    net = quick(DECClusterer, 4, max_epochs=0).fit(IMAGES).net_
    dataset = RowDataset(IMAGES[:3].reshape(3, -1))
    before = {n: w.clone() for n, w in net.module_.state_dict().items()}
    assert reseed_lost(net, dataset, torch.eye(4)[:3]) == 0
    after = net.module_.state_dict()
    assert all(torch.equal(after[name], w) for name, w in before.items())


@pytest.mark.parametrize("n_lost", [1, 2])
def test_as_many_are_in_doubt_as_half_a_cluster_has_for_each_that_is_lost(n_lost):
    net = SimpleNamespace(
        module_=AskedOften(), reader=Reader, torch_device=torch.device("cpu")
    )
    n, n_clusters = 60, 2 + n_lost
    labels = np.repeat([0, 1], 30)
    sureness = np.linspace(0.5, 0.9, n)
    order = np.random.default_rng(0).permutation(n)
    shares = np.zeros((n, n_clusters))
    shares[np.arange(n), labels] = sureness[order]
    n_doubtful = round(0.5 * n / n_clusters) * n_lost
    doubtful = np.argsort(sureness[order])[:n_doubtful]
    assert reseed_lost(net, RowDataset(np.arange(60.0)[:, None]), torch.tensor(shares))
    assert [cluster for cluster, *_ in net.module_.asked] == list(range(2, n_clusters))
    by_doubt = np.argsort(-np.bincount(labels[doubtful]))
    for giver, (_, seeds, others) in zip(by_doubt, net.module_.asked, strict=False):
        # No more than half of what the cluster has.
        expected = doubtful[labels[doubtful] == giver][:15]
        assert seeds == expected.tolist()
        assert set(others) == set(np.flatnonzero(labels == giver)) - set(expected)


def test_half_of_a_cluster_stays_though_all_of_it_is_in_doubt():
    net = SimpleNamespace(
        module_=AskedOften(), reader=Reader, torch_device=torch.device("cpu")
    )
    shares = np.zeros((20, 3))
    shares[:18, 0], shares[18:, 1] = 0.9, 0.4
    assert reseed_lost(net, RowDataset(np.arange(20.0)[:, None]), torch.tensor(shares))
    ((cluster, seeds, others),) = net.module_.asked
    assert cluster == 2
    assert (seeds, others) in (([18], [19]), ([19], [18]))


@pytest.mark.parametrize(
    ("n_begun", "said"), [(1, "in training once, and"), (2, "in training 2 times, and")]
)
def test_how_often_is_said(n_begun, said):
    with pytest.warns(ConvergenceWarning, match=said):
        reseeding.warn_of_reseeding(n_begun)


def test_of_none_nothing_is_said(recwarn):
    reseeding.warn_of_reseeding(0)
    assert not recwarn
