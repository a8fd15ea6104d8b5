"""What several partitions agree on, joined anew."""

import math

import numpy as np
import pytest

from deepcluster_sk.graph.agglomeration import agglomerated
from deepcluster_sk.graph.coarsening import contracted
from deepcluster_sk.graph.consensus import _rejoined
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.spectral import affinity
from tests.graph.test_spectral import neighbors_of
from tests.made import make_vectors


@pytest.mark.parametrize("shares", [(1 / 3, 2 / 3, 1), (0.2,)])
def test_the_best_most_and_all_are_asked_in_this_order(shares):
    X, y = make_vectors(n=60)
    graph = Graph(np.arange(60), affinity(neighbors_of(X, 6), 6), resolution=1.3)
    rng = np.random.default_rng(0)
    spoilt = [
        np.where(rng.random(60) < share, rng.integers(0, 3, 60), y)
        for share in (0.6, 0.1, 0.3, 0.0, 0.8)
    ]
    best_first = [spoilt[i] for i in (3, 1, 2, 0, 4)]
    merits = [graph.node_modularity(labels) for labels in best_first]
    assert merits == sorted(merits, reverse=True)
    found = _rejoined(spoilt, graph, 3, shares)
    for share, labels in zip(shares, found, strict=True):
        kept = best_first[: math.ceil(share * 5)]
        together = list(zip(*kept, strict=True))
        names = sorted(set(together))
        groups = np.array([names.index(pattern) for pattern in together])
        joined = agglomerated(contracted(graph.weights, groups), 3, 1.3)
        np.testing.assert_array_equal(labels, joined[groups])


def test_no_more_clusters_come_out_than_groups_agree():
    graph = Graph(np.arange(40), affinity(neighbors_of(make_vectors(n=40)[0], 6), 6))
    half = np.arange(40) // 20
    for found in _rejoined([half, half], graph, 5, (1,)):
        np.testing.assert_array_equal(found, half)
