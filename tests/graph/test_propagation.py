"""Labels that flow along links, and are true to what is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from deepcluster_sk.graph import propagation
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.propagation import (
    FAR,
    PropagationSettings,
    numbers_by,
    pinned,
    propagated,
    seeded_labels,
    shares_near,
    told_by_nodes,
)

RANDOM = np.random.RandomState


def groups(*sizes, within=0.3, between=0.01, seed=0):
    """A random graph of groups that are linked within more than between each other."""
    random = RANDOM(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    share = np.where(y[:, None] == y, within, between)
    links = np.triu(random.uniform(size=share.shape) < share, 1).astype(float)
    weights = scipy.sparse.csr_matrix(links + links.T)
    return Graph(np.arange(len(y)), weights), y


def by_loop(weights, shares, damping, n_rounds):
    n = len(shares)
    degree = weights.sum(1)
    found = shares
    for _ in range(n_rounds):
        flown = np.zeros_like(found)
        for i in range(n):
            for j in range(n):
                if weights[i, j]:
                    link = weights[i, j] / np.sqrt(degree[i] * degree[j])
                    flown[i] += link * found[j]
        found = damping * flown + (1 - damping) * shares
    return found.argmax(1)


def test_a_plain_loop_flows_as_far():
    graph, _ = groups(8, 6)
    shares = RANDOM(1).uniform(size=(14, 3))
    for damping, n_rounds in ((0.9, 4), (0.5, 1), (0.9, 0)):
        settings = PropagationSettings(damping, n_rounds)
        expected = by_loop(graph.weights.toarray(), shares, damping, n_rounds)
        assert_array_equal(propagated(graph, shares, settings), expected)


def test_the_scale_of_the_links_does_not_matter():
    graph, _ = groups(12, 9, between=0.1)
    shares = RANDOM(1).uniform(size=(21, 4))
    expected = propagated(graph, shares)
    for scale in (1e-6, 1e6):
        scaled = replace(graph, weights=graph.weights * scale)
        assert_array_equal(propagated(scaled, shares), expected)


def test_errors_are_mended_and_missing_clusters_stay_missing():
    graph, y = groups(60, 40)
    wrong = RANDOM(0).uniform(size=len(y)) < 0.15
    # Ten clusters there might be; modularity would fill them.
    shares = np.eye(10)[np.where(wrong, (y + 1) % 10, y)]
    assert (propagated(graph, shares) == y).all()


def test_rows_that_are_no_nodes_follow_those_near_to_them():
    graph, y = groups(20, 20)
    nodes = np.arange(0, 80, 2)
    whole = Graph(nodes, graph.weights, voters=np.arange(40)[:, None])
    shares = np.zeros((80, 2))
    shares[nodes] = np.eye(2)[y]
    assert_array_equal(propagated(whole, shares), np.repeat(y, 2))


def test_what_nothing_flows_to_stays_what_it_was():
    graph, y = groups(20, 20, 6, between=0)
    shares = np.eye(3)[y] * (y < 2)[:, None]
    before = np.where(y == 2, 2, -1)
    assert_array_equal(propagated(graph, shares, FAR, otherwise=before), y)


def test_what_is_known_beside_the_nodes_flows_as_well():
    graph, y = groups(40, 40, 40)
    # Of the nodes nothing is known; of three samples beside each cluster it is.
    nodes = np.arange(120)
    beside = np.array([0, 1, 2, 40, 41, 42, 80, 81, 82])
    whole = Graph(nodes, graph.weights, voters=beside[:, None])
    truth = np.concatenate([y, y[beside]])
    known = np.where(np.arange(len(truth)) < 120, -1, truth)
    # Two kinds in one cluster, one kind in two: what is wanted nobody else tells.
    start = np.where(truth == 1, 0, truth)
    start[:120] = np.where((y == 2) & (nodes % 2 == 0), 1, start[:120])
    assert_array_equal(seeded_labels(whole, start, known, 3, RANDOM(0)), truth)


def test_a_node_that_is_known_itself_tells_of_nobody_else():
    graph, _ = groups(10, 10)
    beside = np.array([[0], [1], [1], [1]])
    whole = Graph(np.arange(20), graph.weights, voters=beside)
    known = np.full(24, -1)
    known[[0, 20, 21, 22, 23]] = 1, 0, 0, 0, 1  # of three the last errs
    told = told_by_nodes(whole, known)
    assert told[0] == 1
    assert told[1] == 0
    assert (told[2:20] == -1).all()


@given(st.permutations(range(5)))
def test_clusters_take_the_numbers_of_their_known_samples(order):
    labels = np.repeat(np.arange(5), 4)
    known = np.full(20, -1)
    known[::4] = order
    found = numbers_by(np.eye(5)[labels], known)
    assert_array_equal(found, order)
    assert_array_equal(pinned(found[labels], known)[::4], order)


def test_clusters_that_nothing_is_known_of_keep_their_numbers():
    labels = np.repeat(np.arange(4), 3)
    known = np.full(12, -1)
    assert_array_equal(numbers_by(np.eye(4)[labels], known), np.arange(4))
    known[:3] = 1
    found = numbers_by(np.eye(4)[labels], known)
    assert found[0] == 1
    assert sorted(found) == [0, 1, 2, 3]
    assert_array_equal(found[2:], [2, 3])


@pytest.mark.parametrize("n_known", [1, 3])
def test_a_few_known_samples_bring_a_partition_into_line(n_known):
    graph, y = groups(40, 40, 40)
    wanted = (y + 1) % 3
    known = np.full(len(y), -1)
    for number in range(3):
        known[np.flatnonzero(wanted == number)[:n_known]] = number
    wrong = RANDOM(0).uniform(size=len(y)) < 0.1
    start = np.where(wrong, (y + 1) % 3, y)
    found = seeded_labels(graph, start, known, 3, RANDOM(0))
    assert_array_equal(found, wanted)


def test_a_partition_that_is_not_the_wanted_one_is_found_anew():
    graph, y = groups(40, 40, 40, 40)
    # Two kinds in one cluster, one kind in two.
    start = np.where(y == 1, 0, np.where((y == 2) & (np.arange(160) % 2 == 0), 1, y))
    known = np.full(len(y), -1)
    for number in range(3):  # of the fourth nothing is known
        known[np.flatnonzero(y == number)[:3]] = number
    assert (start != y).mean() > 0.3
    assert_array_equal(seeded_labels(graph, start, known, 4, RANDOM(0)), y)


def test_samples_in_doubt_number_clusters_by_all_they_could_be():
    # All are assigned to one cluster, and are not quite sure of that.
    shares = np.array([[0.4, 0.5, 0.1], [0.1, 0.6, 0.3], [0.05, 0.55, 0.4]])
    assert_array_equal(numbers_by(shares, np.array([2, 0, 1])), [2, 0, 1])


def test_known_samples_at_the_borders_leave_a_good_partition_alone():
    graph, y = groups(40, 40, 40, between=0.05)
    near = graph.weights.toarray() @ np.eye(3)[y]
    known = np.full(len(y), -1)
    for number in range(3):  # those with the most links to others
        members = np.flatnonzero(y == number)
        known[members[np.argsort(near[members, number])[:3]]] = number
    assert_array_equal(seeded_labels(graph, (y + 1) % 3, known, 3, RANDOM(0)), y)


def test_without_a_graph_what_is_known_is_set():
    known = np.array([1, -1, -1, 0])
    found = seeded_labels(None, np.array([0, 0, 1, 1]), known, 2, RANDOM(0))
    assert_array_equal(found, [1, 1, 0, 0])


def test_a_plain_loop_finds_the_same_shares_near():
    random = RANDOM(0)
    weights = np.triu(random.uniform(size=(9, 9)) < 0.5, 1) * random.uniform(size=9)
    weights[:, 4] = weights[4] = 0  # linked to none
    weights = 0.01 * (weights + weights.T)  # all links of a node weigh less than one
    nodes, labels = np.arange(1, 10), random.randint(3, size=12)
    voters = random.randint(9, size=(3, 4))
    graph = Graph(nodes, scipy.sparse.csr_matrix(weights), voters=voters)
    found = shares_near(graph, labels, 3)
    for row, node in enumerate(nodes):
        shares = np.zeros(3)
        for other in range(9):
            shares[labels[nodes[other]]] += weights[row, other]
        total = weights[row].sum()
        np.testing.assert_allclose(found[node], shares / total if total else shares)
    for row, votes in zip([0, 10, 11], voters, strict=True):
        counts = np.bincount(labels[nodes[votes]], minlength=3)
        np.testing.assert_allclose(found[row], counts / 4)


@pytest.mark.parametrize(("at_home", "anew"), [(2, False), (1, True)])
def test_clusters_are_found_anew_where_most_are_not_at_home(at_home, anew, monkeypatch):
    """Of one known sample, so many of four neighbours are where it belongs."""
    calls = []
    monkeypatch.setattr(
        propagation, "_found_anew", lambda graph, labels, *_: calls.append(1) or labels
    )
    weights = np.zeros((7, 7))
    weights[0, 1:5] = weights[1:5, 0] = 1
    weights[5, 6] = weights[6, 5] = 1  # and those of another are all
    graph = Graph(np.arange(7), scipy.sparse.csr_matrix(weights))
    labels = np.array([0, *[0] * at_home, *[2] * (4 - at_home), 1, 1])
    known = np.array([0, -1, -1, -1, -1, 1, -1])
    near = np.arange(3)
    monkeypatch.setattr(propagation, "numbers_by", lambda shares, known: near)
    seeded_labels(graph, labels, known, 3, RANDOM(0))
    assert bool(calls) == anew


def test_every_number_flows_from_as_much_however_much_is_known_of_it(monkeypatch):
    given = []
    monkeypatch.setattr(
        propagation, "propagated", lambda graph, shares, *_, **__: given.append(shares)
    )
    graph = SimpleNamespace(refined=lambda found, *_: found)
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    known = np.array([0, 0, -1, 1, -1, -1, -1, -1])
    propagation._found_anew(graph, labels, known, 4, RANDOM(0))
    ((shares),) = given
    expected = np.zeros((8, 4))
    expected[[0, 1], 0] = 1 / 2
    expected[3, 1] = 1
    expected[5:, 2] = 1 / 3  # of which nothing is known: all that are in it
    np.testing.assert_allclose(shares, expected)


class Judge:
    """Stands for a graph: what it finds of two partitions is told."""

    voters = None

    def __init__(self, gain):
        self.merits = {(0, 0, 1, 1): 0.5, (0, 1, 1, 1): 0.5 + gain}

    def modularity(self, labels):
        return self.merits[tuple(labels)]


@pytest.mark.parametrize(
    ("n_clusters", "gain", "agreed", "taken"),
    [
        (2, 0.1, 0.6, True),
        (2, 0.0, 0.6, True),
        (2, -0.0099, 0.6, True),  # a tenth of a tenth may be lost
        (2, -0.0101, 0.6, False),
        (10, -0.0099, 0.6, True),
        (10, -0.0101, 0.6, False),
        (20, -0.0049, 0.6, True),  # and less of more clusters
        (20, -0.0051, 0.6, False),
        (2, 0.1, 0.5, False),  # what is known agrees no better
        (2, 0.1, 0.4, False),
        (2, -0.1, 0.4, False),
    ],
)
def test_what_is_found_anew_is_taken_where_it_agrees_better_and_hardly_loses(
    n_clusters, gain, agreed, taken, monkeypatch
):
    old, new = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    agreement = {tuple(old): np.full(1, 0.5), tuple(new): np.full(1, agreed)}
    replaced = {
        "shares_near": lambda graph, labels, n: np.eye(n)[labels],
        "_all_at_home": lambda *_: False,
        "_found_anew": lambda *_: new,
        "_agreement": lambda graph, labels, *_: agreement[tuple(labels)],
        "propagated": lambda graph, shares: shares.argmax(1),
    }
    for name, stand_in in replaced.items():
        monkeypatch.setattr(propagation, name, stand_in)
    known = np.array([0, -1, -1, 1])
    found = seeded_labels(Judge(gain), old, known, n_clusters, RANDOM(0))
    assert_array_equal(found, new if taken else old)


def test_one_known_number_is_enough_for_labels_to_flow():
    graph, y = groups(40, 40)
    known = np.full(80, -1)
    known[:3] = 0
    strayed = np.where(np.arange(80) % 9 == 5, 1 - y, y)
    assert_array_equal(seeded_labels(graph, strayed, known, 2, RANDOM(0)), y)
    # And where nothing is known, none does.
    nothing = np.full(80, -1)
    assert_array_equal(seeded_labels(graph, strayed, nothing, 2, RANDOM(0)), strayed)


@pytest.mark.parametrize(
    ("agreed", "at_home"),
    [
        ([0.2, 1.0, 1.0, 1.0], False),  # those of one number are not
        ([0.2, 0.8, 1.0, 1.0], True),  # of the first there are two
        ([0.2, 0.7, 1.0, 1.0], False),
    ],
)
def test_the_known_of_every_number_are_to_be_at_home(agreed, at_home, monkeypatch):
    numbers = [0, 1, 2, 2] if agreed[1] == 1 else [0, 0, 1, 2]
    known = np.array([*numbers, -1])
    monkeypatch.setattr(propagation, "_agreement", lambda *_: np.array(agreed))
    assert propagation._all_at_home(None, known, known, 3) == at_home
