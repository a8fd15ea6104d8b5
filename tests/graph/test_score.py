import numpy as np
import pytest
import scipy.sparse
import torch

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph import score
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.score import (
    SCORE,
    ScoreSettings,
    forget_scoring_graphs,
    mean_agreement,
    scoring_graph,
)
from deepcluster_sk.runtime.kept import Kept
from tests.made import make_images, make_vectors

CPU = torch.device("cpu")
GREY = RowLayout("HW", (1, 8, 8))


@pytest.fixture
def images():
    X, y = make_images(n=90)
    return X.reshape(len(X), -1), y


def test_links_are_symmetric_and_to_others(images):
    X, _ = images
    weights = scoring_graph(X, GREY, CPU).weights
    assert weights.shape == (90, 90)
    assert not weights.diagonal().any()
    assert abs(weights - weights.T).max() == 0
    assert (weights.getnnz(axis=1) >= SCORE.n_neighbors).all()


@pytest.mark.parametrize("contrast", ["none", "image", "local"])
def test_linked_images_show_the_same(images, contrast):
    X, y = images
    links = scoring_graph(X, GREY, CPU, contrast).weights.tocoo()
    same = links.data[y[links.row] == y[links.col]].sum()
    assert same / links.data.sum() > 0.9


def test_linked_vectors_lie_together():
    X, y = make_vectors(n=90)
    graph = scoring_graph(X, RowLayout("vector", (6,)), CPU)
    assert graph.modularity(y) > 0.6


def test_the_true_clusters_score_higher_than_worse_ones(images):
    X, y = images
    graph = scoring_graph(X, GREY, CPU)
    rng = np.random.default_rng(0)
    scores = []
    for share in (0, 0.2, 0.5, 1):
        labels = np.where(rng.random(90) < share, rng.integers(0, 3, 90), y)
        scores.append(graph.modularity(labels))
    assert scores == sorted(scores, reverse=True)
    merged = np.where(y == 2, 1, y)
    assert graph.modularity(merged) < graph.modularity(y)


def test_only_the_samples_decide(images):
    """Neither global streams nor the scale of the pixels nor what was scored before."""
    X, _ = images
    first = scoring_graph(X, GREY, CPU).weights
    forget_scoring_graphs()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    again = scoring_graph(X, GREY, CPU).weights
    assert torch.equal(torch.get_rng_state(), state)
    assert (first != again).nnz == 0
    scaled = scoring_graph(X * 4 + 8, GREY, CPU).weights
    np.testing.assert_allclose(scaled.toarray(), first.toarray(), atol=1e-3)


def test_graphs_are_kept_until_they_are_forgotten(images):
    X, _ = images
    first = scoring_graph(X, GREY, CPU)
    assert scoring_graph(X.copy(), GREY, CPU) is first
    assert scoring_graph(X, GREY, CPU, "image") is not first
    forget_scoring_graphs()
    assert len(score._kept) == 0
    again = scoring_graph(X, GREY, CPU)
    assert again is not first
    assert (again.weights != first.weights).nnz == 0


def test_no_more_is_kept_than_there_is_room_for(images, monkeypatch):
    X, _ = images
    monkeypatch.setattr(score, "_kept", Kept(scoring_graph(X, GREY, CPU).n_bytes))
    first = scoring_graph(X, GREY, CPU)
    assert scoring_graph(X, GREY, CPU) is first
    scoring_graph(X[:80], GREY, CPU)
    assert scoring_graph(X, GREY, CPU) is not first


def test_many_samples_are_sampled(images):
    X, y = images
    graph = scoring_graph(X, GREY, CPU, "image", ScoreSettings(max_nodes=60))
    assert graph.weights.shape == (60, 60)
    assert len(np.unique(graph.nodes)) == 60
    assert graph.modularity(y) > 0.4


def test_copies_do_not_vouch_for_each_other(images):
    X, y = images
    wrong = np.random.RandomState(0).permutation(y)
    for labels in (y, wrong):
        once = scoring_graph(X, GREY, CPU).modularity(labels)
        copied = scoring_graph(np.repeat(X, 6, 0), GREY, CPU)
        assert copied.modularity(np.repeat(labels, 6)) == once


def test_one_sample_has_no_links(images):
    X, _ = images
    graph = scoring_graph(X[:1], GREY, CPU)
    assert scipy.sparse.issparse(graph.weights)
    assert graph.modularity(np.zeros(1, int)) == 0


def test_two_samples_are_linked(images):
    X, _ = images
    assert scoring_graph(X[:2], GREY, CPU).weights.nnz == 2


def test_agreement_is_the_share_of_links_within_clusters_over_all_graphs():
    weights = np.array([[0, 2, 0, 1], [2, 0, 0, 0], [0, 0, 0, 3], [1, 0, 3, 0.0]])
    graph = Graph(np.array([3, 0, 1, 2]), scipy.sparse.csr_matrix(weights))
    labels = np.array([0, 1, 1, 0])  # of the nodes 0, 0, 1, 1
    assert mean_agreement([graph], labels) == pytest.approx(5 / 6)
    none = Graph(np.arange(4), scipy.sparse.csr_matrix((4, 4)))
    assert mean_agreement([none], labels) == 1  # nothing is torn apart
    assert mean_agreement([graph, none], labels) == pytest.approx(11 / 12)
