from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk.graph.settings import CONTEST, FULL, LARGE, search_for


@given(st.integers(8, 20_000), st.integers(2, 100))
def test_there_are_nodes_and_eigenvectors_enough(n_nodes, n_clusters):
    n_clusters = min(n_clusters, n_nodes)
    search = search_for(n_nodes)
    counts = search.neighbor_counts(n_nodes, n_clusters)
    widths = search.widths(n_nodes, n_clusters)
    for values in (counts, widths):
        assert values == sorted(set(values))
        assert 1 <= values[0] <= values[-1] <= n_nodes - 1
    assert counts[-1] <= max(5, n_nodes / n_clusters / 12)


@pytest.mark.parametrize(
    ("search", "size", "counts"),
    [
        (FULL, 42, [5]),
        (FULL, 72, [6]),
        (FULL, 150, [10, 12]),
        (LARGE, 1_200, [10, 15]),
        (CONTEST, 42, [10]),
        (CONTEST, 20, [5]),
    ],
)
def test_small_clusters_get_few_links(search, size, counts):
    assert search.neighbor_counts(20 * size, 20) == counts


def test_the_fewer_nodes_the_harder_the_search():
    few, many = astuple(search_for(5_000)), astuple(search_for(12_000))
    assert few[0] > many[0]
    assert few[1:] == many[1:]
