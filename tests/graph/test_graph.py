from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.graph import graph as graph_module
from deepcluster_sk.graph.features import pixel_features
from deepcluster_sk.graph.graph import (
    CutSettings,
    Graph,
    neighbor_graph,
    neighbor_graphs,
    resolution_for,
    summed,
)
from deepcluster_sk.graph.settings import GraphSettings
from tests.graph.test_neighbors import views_of
from tests.made import make_images, make_textures


@pytest.mark.parametrize("n_nodes", [60, 150])
def test_a_sum_of_graphs_is_cut_as_one(n_nodes):
    """Features that cannot tell two of the clusters apart, and others that can."""
    X, y = make_images(n=150)
    views = views_of(X, "auto")
    nodes = np.random.default_rng(0).permutation(150)[:n_nodes]

    def blind(x):
        # Sees no more than one cluster, and noise.
        bright = x[:, 0, :4, :4].mean((1, 2))
        noise = torch.randn(len(x), 1, generator=torch.Generator().manual_seed(0))
        return torch.cat([5 * bright[:, None], noise], 1)

    def score(graph):
        found = graph.cut(3, 150, np.random.RandomState(0))
        np.testing.assert_array_equal(graph.spread(found), found)
        return adjusted_rand_score(y, found)

    pixels = neighbor_graph(views, pixel_features(views, "none"), nodes, 3, 4)
    alone = neighbor_graph(views, blind, nodes, 3, 4)
    assert score(alone) < 0.9
    assert score(summed([alone, pixels])) > 0.95


def test_the_best_of_many_cuts_is_taken():
    X = make_textures(n=90)[0][:, 0]
    views = views_of(X, "auto")
    features = pixel_features(views, "none")
    graph = neighbor_graph(views, features, np.arange(90), 5, 0)

    def merits(n_cuts):
        settings = CutSettings(n_cuts)
        found = [graph.cut(5, 90, np.random.RandomState(s), settings) for s in range(8)]
        return np.array([graph.modularity(labels) for labels in found])

    one, many = merits(1), merits(10)
    assert many.mean() > one.mean()
    assert many.min() >= one.min()


def test_a_cut_leaves_hardly_a_node_that_would_rather_be_elsewhere():
    X = make_textures(n=90)[0][:, 0]
    views = views_of(X, "auto")
    graph = neighbor_graph(views, pixel_features(views, "none"), np.arange(90), 5, 0)
    labels = graph.cut(5, 90, np.random.RandomState(0), CutSettings(1))
    again = graph.refined(labels, 5, np.random.RandomState(0))
    assert graph.modularity(again) < graph.modularity(labels) + 1e-3


def test_spread_gives_other_rows_what_most_of_their_voters_have():
    nodes = np.array([5, 1, 2])
    voters = np.array([[0, 1, 1], [0, 2, 0], [1, 0, 2]])
    graph = Graph(nodes, csr_matrix((3, 3)), voters=voters)
    # Labels of the nodes are 7, 4, 4; those of the other rows do not count.
    labels = np.array([-1, 4, 4, 0, 9, 7])
    np.testing.assert_array_equal(graph.spread(labels), [4, 4, 4, 7, 4, 7])
    np.testing.assert_array_equal(replace(graph, voters=None).spread(labels), labels)


def test_other_rows_are_looked_up_in_parts(monkeypatch):
    X, _ = make_images(n=150)
    views = views_of(X, "auto")
    features = pixel_features(views, "none")

    def voters():
        return neighbor_graph(views, features, np.arange(60), 3, 0).voters

    expected = voters()
    monkeypatch.setattr(graph_module, "VOTE_ROWS", 40)
    found = voters()
    assert found.shape == (90, 5)
    assert (found == expected).mean() > 0.99


def test_every_draw_makes_a_graph_of_each_number_of_neighbors():
    X, _ = make_images(n=150)
    views = views_of(X, "auto")
    features, nodes = pixel_features(views, "none"), np.arange(20, 140)
    settings = GraphSettings(2, 4, (6, 3, 99), (0,))
    graphs = neighbor_graphs(views, features, nodes, 1, settings)
    # No more than a twelfth of a cluster's nodes.
    links = [np.diff(graph.weights.indptr).mean() for graph in graphs]
    assert len(graphs) == 2 * 3
    assert links[0] < links[1] < links[2] < 2 * 10
    assert (graphs[0].weights != graphs[3].weights).nnz
    assert all(graph.voters.shape == (30, 10) for graph in graphs)
    [*_, alone] = neighbor_graphs(views, features, nodes, 1, settings, True)
    assert alone.voters is None


def test_summed_graphs_weigh_the_same():
    X, _ = make_images(n=80)
    views = views_of(X, "auto")
    nodes = np.arange(10, 70)
    features = [pixel_features(views, contrast) for contrast in ("none", "local")]
    graphs = [neighbor_graph(views, seen, nodes, 3, 0) for seen in features]
    both = summed(graphs)
    parts = [graph.weights.toarray() / graph.weights.sum() for graph in graphs]
    np.testing.assert_allclose(both.weights.toarray(), sum(parts))
    voters = np.hstack([graph.voters for graph in graphs])
    np.testing.assert_array_equal(both.voters, voters)
    # So does a sum of two beside one more.
    more = summed([both, graphs[0]]).voters
    np.testing.assert_array_equal(more, np.hstack([voters, *2 * [graphs[0].voters]]))
    # Those nearest to a row vote for it.
    rest = np.r_[0:10, 70:80]
    rows = views.draw(features[0], torch.arange(80)).numpy()
    gaps = ((rows[rest][:, None] - rows[nodes][None]) ** 2).sum(2)
    assert graphs[0].voters.shape == (20, 5)
    for row, voters in zip(gaps, graphs[0].voters, strict=True):
        assert row[voters].max() <= np.partition(row, 4)[4] + 1e-3


@pytest.mark.parametrize("n_clusters", [10, 20, 68])
def test_merging_two_of_many_clusters_costs_what_it_costs_at_ten(n_clusters):
    cost = 2 * resolution_for(n_clusters) / n_clusters**2
    assert cost * n_clusters == pytest.approx(0.2)
