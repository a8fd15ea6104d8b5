"""Labels that flow along the links of a graph: from a network's, or a few known ones.

Modularity wants clusters of some size, and tears samples apart where most of the
clusters are missing; what flows along links only follows neighbours.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from deepcluster_sk.graph.graph import Graph, slack_for
from deepcluster_sk.graph.spectral import Labels, degrees
from deepcluster_sk.metrics import pair_counts


@dataclass(frozen=True)
class PropagationSettings:
    """How far labels flow.

    The trials are in ``benchmarks/notes/training.md``, under "Going on".
    """

    damping: float = 0.9
    """Share of a sample's label that comes from its neighbours. Of 8,800 unseen USPS
    digits the network labels .9925, at 0.9 .9949, at 0.5 .9938."""
    n_rounds: int = 20
    """After which next to nothing changes at this damping."""


PROPAGATION = PropagationSettings()
#: So that a few known samples reach all of a cluster.
FAR = PropagationSettings(damping=0.99, n_rounds=200)


def propagated(
    graph: Graph,
    shares: NDArray[np.floating],
    settings: PropagationSettings = PROPAGATION,
    otherwise: Labels | None = None,
) -> Labels:
    """Labels of samples after their shares of clusters have flowed along the links.

    Parameters
    ----------
    graph : Graph
    shares : ndarray of shape (n, n_clusters)
        What is known of each sample by itself; zeros where nothing is.
    settings : PropagationSettings
    otherwise : ndarray of shape (n,), int64, default=None
        Labels of nodes that nothing flows to; None is what they are by themselves.

    Returns
    -------
    ndarray of shape (n,), int64
        Rows that are no nodes follow those near to them.

    References
    ----------
    Zhou et al. (2003), "Learning with local and global consistency".
    """
    norm = 1 / np.sqrt(np.maximum(degrees(graph.weights), 1e-12))
    links = scipy.sparse.diags(norm) @ graph.weights @ scipy.sparse.diags(norm)
    own = shares[graph.nodes].astype(np.float64)
    found = own
    for _ in range(settings.n_rounds):
        found = settings.damping * (links @ found) + (1 - settings.damping) * own
    labels = shares.argmax(axis=1) if otherwise is None else otherwise.copy()
    reached = found.any(axis=1)
    labels[graph.nodes[reached]] = found[reached].argmax(axis=1)
    return graph.spread(labels)


def pinned(labels: Labels, known: Labels | None) -> Labels:
    """Labels ``(n,)``, but those that are known, where `known` is not -1."""
    return labels if known is None else np.where(known >= 0, known, labels)


def told_by_nodes(graph: Graph, known: Labels) -> Labels:
    """Pass known labels of samples that are no nodes on to nodes, ``(n,)``.

    Labels flow from node to node only. So each of these samples gives its label to the
    node nearest to it, unless the label of that node is known; of several labels a node
    takes the most frequent.
    """
    if graph.voters is None:
        return known
    rest = graph.beside(len(known))
    is_known = known[rest] >= 0
    nearest = graph.nodes[graph.voters[is_known, 0]]
    said = pair_counts(
        nearest, known[rest[is_known]], len(known), known.max(initial=0) + 1
    )
    tells = (known < 0) & said.any(axis=1)
    return np.where(tells, said.argmax(axis=1), known)


def numbers_by(shares: NDArray[np.floating], known: Labels) -> Labels:
    """Find the number of each cluster by the samples whose number is known.

    Most of these samples are doubtful ones, for that is why somebody looked at them. So
    it is not the cluster that most are assigned to that counts, but how likely all of
    their assignments are together.

    Parameters
    ----------
    shares : ndarray of shape (n, n_clusters)
        Of each sample; rows sum to 1.
    known : ndarray of shape (n,), int64
        -1 where nothing is known.

    Returns
    -------
    ndarray of shape (n_clusters,), int64
        The permutation under which what is known is the most likely. Clusters that
        nothing is known of keep their numbers where they can.
    """
    n_clusters = shares.shape[1]
    likely = np.eye(n_clusters) * _KEEPS
    is_known = known >= 0
    each = np.log(np.maximum(shares[is_known], _LEAST_SHARE))
    np.add.at(likely.T, known[is_known], each)
    return linear_sum_assignment(likely, maximize=True)[1].astype(np.int64)


def shares_near(graph: Graph, labels: Labels, n_clusters: int) -> NDArray[np.floating]:
    """Shares of the clusters among the neighbours of each sample, ``(n, n_clusters)``.

    What a sample itself is labelled does not count.
    """
    one_hot = np.eye(n_clusters)
    shares = one_hot[labels]
    links = graph.weights
    total = np.maximum(degrees(links), 1e-12)[:, np.newaxis]
    shares[graph.nodes] = links @ one_hot[labels[graph.nodes]] / total
    if graph.voters is not None:
        rest = graph.beside(len(labels))
        shares[rest] = one_hot[labels[graph.nodes][graph.voters]].mean(axis=1)
    return shares


def seeded_labels(
    graph: Graph | None,
    labels: Labels,
    known: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
) -> Labels:
    """Bring a partition into line with the samples whose clusters are known.

    Clusters take the numbers that are known, and labels flow from them. Where the
    neighbours of those that are known are mostly in other clusters, the partition may
    not be the one that is wanted: clusters are then found anew, from the known samples
    and from the clusters that hold none, and are taken if what is known agrees with
    them better, and the graph hardly less.

    Parameters
    ----------
    graph : Graph or None
        None only numbers, and sets what is known.
    labels, known : ndarray of shape (n,), int64
        -1 where nothing is known.
    n_clusters : int
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n,), int64
        With `known` where that is not -1.
    """
    one_hot = np.eye(n_clusters)
    near = one_hot[labels] if graph is None else shares_near(graph, labels, n_clusters)
    labels = numbers_by(near, known)[labels]
    if graph is None or (known < 0).all():
        return pinned(labels, known)
    told = told_by_nodes(graph, known)
    if not _all_at_home(graph, labels, known, n_clusters):
        found = _found_anew(graph, labels, told, n_clusters, random_state)
        least = graph.modularity(labels) - slack_for(n_clusters)
        as_good = graph.modularity(found) >= least
        agreed = [
            _agreement(graph, one, known, n_clusters).mean() for one in (labels, found)
        ]
        if as_good and agreed[1] > agreed[0]:
            return pinned(found, known)
    return pinned(propagated(graph, one_hot[pinned(labels, told)]), known)


#: What a cluster's own number is worth where nothing speaks against it, and the least
#: share that a sample can have of a cluster: networks are sure of their errors, too.
_KEEPS, _LEAST_SHARE = 1e-3, 1e-2


def _agreement(
    graph: Graph, labels: Labels, known: Labels, n_clusters: int
) -> NDArray[np.floating]:
    """Share of the neighbours of each known sample that are where it belongs."""
    is_known = known >= 0
    near = shares_near(graph, labels, n_clusters)[is_known]
    return np.take_along_axis(near, known[is_known][:, np.newaxis], 1)[:, 0]


def _all_at_home(graph: Graph, labels: Labels, known: Labels, n_clusters: int) -> bool:
    """Whether, of every number, the known samples' neighbours mostly are there."""
    numbers = known[known >= 0]
    agreed = _agreement(graph, labels, known, n_clusters)
    return all(agreed[numbers == number].mean() >= 0.5 for number in np.unique(numbers))


def _found_anew(
    graph: Graph,
    labels: Labels,
    known: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
) -> Labels:
    """Clusters from the known samples, and from the clusters that hold none."""
    seeds = np.where(np.isin(labels, known[known >= 0]), -1, labels)
    seeds = pinned(seeds, known)
    shares = np.eye(n_clusters)[seeds] * (seeds >= 0)[:, np.newaxis]
    # A number with more known samples is not a larger cluster.
    shares /= np.maximum(shares.sum(axis=0), 1)
    found = propagated(graph, shares, FAR, otherwise=labels)
    return graph.refined(found, n_clusters, random_state)
