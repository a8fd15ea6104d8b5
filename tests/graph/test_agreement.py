import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose

from deepcluster_sk.graph.agreement import (
    links_shared_by_nodes,
    shared_links,
    shares_by_agreement,
)
from deepcluster_sk.graph.graph import Graph, summed


def graph_of(links, n=6):
    """Graph of `n` nodes with these links."""
    rows, columns = np.array(links).reshape(-1, 2).T
    upper = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), (n, n))
    return Graph(np.arange(n), (upper + upper.T).tocsr())


def graph_with(n_true, n_own, place, n=400):
    """Graph with the first links of a common list, and others that no other has."""
    pairs = np.transpose(np.triu_indices(n, 1))
    true, own = pairs[:1000], pairs[1000 * (place + 1) :]
    rng = np.random.default_rng(place)
    kept = true[rng.permutation(1000)[:n_true]]
    return graph_of(np.concatenate([kept, own[:n_own]]), n)


def test_shared_links_are_counted():
    first = graph_of([(0, 1), (1, 2), (2, 3), (3, 4)])
    second = graph_of([(0, 1), (4, 5)])
    assert shared_links(first, second) == pytest.approx(1 / np.sqrt(4 * 2))
    assert shared_links(first, first) == pytest.approx(1)
    assert shared_links(first, graph_of([])) == 0


def test_shared_links_are_those_of_the_nodes():
    first = graph_of([(0, 1), (1, 2), (2, 3), (3, 4)])
    second = graph_of([(0, 1), (1, 2), (4, 5)])
    found = links_shared_by_nodes(first, second)
    assert_allclose(found / found[0], np.r_[1, 2, 1, np.zeros(len(found) - 3)])
    assert found.mean() == pytest.approx(shared_links(first, second))
    assert not links_shared_by_nodes(first, graph_of([])).any()


@pytest.fixture(scope="module")
def graphs():
    """Three that have ever less in common with the truth."""
    return [graph_with(900, 100, 0), graph_with(800, 600, 1), graph_with(500, 500, 2)]


def test_shares_are_those_of_a_common_factor(graphs):
    """Each graph's agreement with the truth is found from theirs with each other."""
    truth = graph_with(1000, 0, 5)
    reliability = np.array([shared_links(graph, truth) for graph in graphs])
    expected = reliability / (1 - reliability**2)
    shares = shares_by_agreement(graphs)
    assert_allclose(shares, expected / expected.sum(), atol=0.03)
    assert shares[0] > shares[1] > shares[2]
    assert shares.sum() == pytest.approx(1)


def test_shares_follow_their_graphs(graphs):
    turned = shares_by_agreement([*graphs[1:], graphs[0]])
    assert_allclose(turned, np.roll(shares_by_agreement(graphs), -1))


def test_no_graph_silences_the_others():
    same = graph_of([(0, 1), (2, 3)])
    other = graph_of([(0, 1), (4, 5)])
    shares = shares_by_agreement([same, same, other])
    assert (shares > 0.01).all()
    assert shares[0] == shares[1] > shares[2]


@pytest.mark.parametrize(
    "links",
    [
        [[(0, 1)]],
        [[(0, 1)], [(0, 1), (2, 3)]],
        [[(0, 1)], [(0, 1), (2, 3)], [(2, 3), (4, 5)]],
    ],
    ids=["one", "two", "three, of which two have nothing in common"],
)
def test_without_three_that_agree_all_count_the_same(links):
    graphs = [graph_of(these) for these in links]
    assert_allclose(shares_by_agreement(graphs), 1 / len(graphs))


def test_the_sum_has_the_shares():
    graphs = [graph_of([(0, 1)]), graph_of([(0, 1), (2, 3), (4, 5)])]
    found = summed(graphs, np.array([0.75, 0.25])).weights.toarray()
    assert found[0, 1] == pytest.approx(0.75 / 2 + 0.25 / 6)
    assert found[2, 3] == found[4, 5] == pytest.approx(0.25 / 6)
    assert found.sum() == pytest.approx(1)
