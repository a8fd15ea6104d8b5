import numpy as np
import pytest
import scipy.sparse
import torch

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph import score
from deepcluster_sk.graph.score import judging_graph
from tests.made import make_images, make_vectors

CPU = torch.device("cpu")
GREY = RowLayout("HW", (1, 8, 8))


@pytest.fixture
def images():
    X, y = make_images(n=90)
    return X.reshape(len(X), -1), y


def test_links_are_symmetric_and_to_others(images):
    X, _ = images
    weights = judging_graph(X, GREY, CPU).weights
    assert weights.shape == (90, 90)
    assert not weights.diagonal().any()
    assert abs(weights - weights.T).max() == 0
    assert (weights.getnnz(axis=1) >= score.JUDGE_NEIGHBORS).all()


@pytest.mark.parametrize("contrast", ["none", "image", "local"])
def test_linked_images_show_the_same(images, contrast):
    X, y = images
    links = judging_graph(X, GREY, CPU, contrast).weights.tocoo()
    same = links.data[y[links.row] == y[links.col]].sum()
    assert same / links.data.sum() > 0.9


def test_linked_vectors_lie_together():
    X, y = make_vectors(n=90)
    graph = judging_graph(X, RowLayout("vector", (6,)), CPU)
    assert graph.modularity(y) > 0.6


def test_the_true_clusters_score_higher_than_worse_ones(images):
    X, y = images
    graph = judging_graph(X, GREY, CPU)
    rng = np.random.default_rng(0)
    scores = []
    for share in (0, 0.2, 0.5, 1):
        labels = np.where(rng.random(90) < share, rng.integers(0, 3, 90), y)
        scores.append(graph.modularity(labels))
    assert scores == sorted(scores, reverse=True)
    merged = np.where(y == 2, 1, y)
    assert graph.modularity(merged) < graph.modularity(y)


def test_only_the_samples_decide(images):
    """Neither global streams nor the scale of the pixels nor what was judged before."""
    X, _ = images
    first = judging_graph(X, GREY, CPU).weights
    score._graphs.clear()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    again = judging_graph(X, GREY, CPU).weights
    assert torch.equal(torch.get_rng_state(), state)
    assert (first != again).nnz == 0
    scaled = judging_graph(X * 4 + 8, GREY, CPU).weights
    np.testing.assert_allclose(scaled.toarray(), first.toarray(), atol=1e-3)


def test_few_graphs_are_kept(images):
    X, _ = images
    for n in range(20, 20 + 2 * score._KEPT):
        judging_graph(X[:n], GREY, CPU)
    assert len(score._graphs) == score._KEPT
    assert judging_graph(X[:n], GREY, CPU) is judging_graph(X[:n].copy(), GREY, CPU)


def test_many_samples_are_sampled(images, monkeypatch):
    X, y = images
    monkeypatch.setattr(score, "JUDGE_NODES", 60)
    graph = judging_graph(X + 0, GREY, CPU, "image")
    assert graph.weights.shape == (60, 60)
    assert len(np.unique(graph.nodes)) == 60
    assert graph.modularity(y) > 0.4


def test_one_sample_has_no_links(images):
    X, _ = images
    graph = judging_graph(X[:1], GREY, CPU)
    assert scipy.sparse.issparse(graph.weights)
    assert graph.modularity(np.zeros(1, int)) == 0
