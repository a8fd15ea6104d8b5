from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.runtime.kept import Kept


def graph_of(n):
    return Graph(np.arange(n), csr_matrix(np.ones((n, n))))


def test_bytes_are_those_of_all_arrays():
    graph = Graph(np.arange(3), csr_matrix(np.eye(3)), voters=np.zeros((2, 4), int))
    links = graph.weights
    indices = links.indices.nbytes + links.indptr.nbytes
    assert graph.n_bytes == 3 * 8 + 3 * 8 + indices + 8 * 8
    kept = Kept(10**6)
    kept.put("a", graph)
    kept.put("b", graph_of(4))
    assert kept.n_bytes == graph.n_bytes + graph_of(4).n_bytes


def test_those_not_asked_for_longest_go_first():
    graph = graph_of(10)
    kept = Kept(3 * graph.n_bytes)
    for key in "abc":
        kept.put(key, graph)
    assert kept.get("a") is graph
    kept.put("d", graph)
    assert [key for key in "abcd" if kept.get(key) is None] == ["b"]
    # A large one takes the room of several.
    kept.put("e", graph_of(15))
    assert kept.n_bytes <= 3 * graph.n_bytes
    assert kept.get("e") is not None
    assert len(kept) == 1


def test_one_too_large_by_itself_is_not_kept():
    kept = Kept(graph_of(10).n_bytes)
    kept.put("a", graph_of(11))
    assert kept.get("a") is None
    assert kept.n_bytes == 0


def test_a_key_has_its_last_graph_once():
    kept = Kept(10**6)
    first, second = graph_of(3), graph_of(3)
    kept.put("a", first)
    kept.put("a", second)
    assert kept.get("a") is second
    assert kept.n_bytes == second.n_bytes
    kept.clear()
    assert len(kept) == 0
    assert kept.get("a") is None


@pytest.mark.parametrize("n_threads", [8])
def test_threads_may_share_it(n_threads):
    graphs = {n: graph_of(n) for n in range(2, 30)}
    kept = Kept(4 * graphs[29].n_bytes)

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(500):
            n = int(rng.integers(2, 30))
            found = kept.get(n)
            assert found is None or found is graphs[n]
            kept.put(n, graphs[n])
            if rng.random() < 0.01:
                kept.clear()

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, range(n_threads)))
    assert 0 < kept.n_bytes <= kept.max_bytes
