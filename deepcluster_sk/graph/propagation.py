"""Labels that flow along the links of a graph: from a network's, or a few known ones.

Modularity wants clusters of some size, and tears samples apart where most of the
clusters are missing; what flows along links only follows neighbours.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.spectral import Labels, degrees


@dataclass(frozen=True)
class PropagationSettings:
    """How far labels flow.

    The trials are in ``benchmarks/notes``: "Going on".
    """

    damping: float = 0.9
    """Share of a sample's label that comes from its neighbours. Of 8,800 unseen USPS
    digits the network labels .9925, at 0.9 .9949, at 0.5 .9938."""
    n_rounds: int = 20
    """After which next to nothing changes at this damping."""


PROPAGATION = PropagationSettings()


def propagated(
    graph: Graph,
    shares: NDArray[np.floating],
    settings: PropagationSettings = PROPAGATION,
) -> Labels:
    """Labels of samples after their shares of clusters have flown along the links.

    Parameters
    ----------
    graph : Graph
    shares : ndarray of shape (n, n_clusters)
        Of each sample, what it is known by itself; zeros where nothing is known.
    settings : PropagationSettings

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
    labels = shares.argmax(axis=1)
    labels[graph.nodes] = found.argmax(axis=1)
    return graph.spread(labels)


def pinned(labels: Labels, known: Labels | None) -> Labels:
    """Labels ``(n,)``, but those that are known, where `known` is not -1."""
    return labels if known is None else np.where(known >= 0, known, labels)


def numbers_by(labels: Labels, known: Labels, n_clusters: int) -> Labels:
    """Find the number of each cluster by the samples whose number is known.

    Parameters
    ----------
    labels, known : ndarray of shape (n,), int64
        -1 where nothing is known.
    n_clusters : int

    Returns
    -------
    ndarray of shape (n_clusters,), int64
        A permutation; clusters that nothing is known of keep theirs where they can.
    """
    is_known = known >= 0
    counts = np.eye(n_clusters) / 2
    np.add.at(counts, (labels[is_known], known[is_known]), 1)
    return linear_sum_assignment(counts, maximize=True)[1].astype(np.int64)


def seeded_labels(
    graph: Graph | None,
    labels: Labels,
    known: Labels,
    n_clusters: int,
    random_state: np.random.RandomState,
) -> Labels:
    """Bring a partition into line with the samples whose clusters are known.

    Clusters take the numbers of most of their known samples, and labels flow from
    these. Where most known samples of a number are in a cluster that another number
    has, the partition is not the one that is wanted: clusters are then found anew,
    from the known samples and from the clusters that hold none.

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
    labels = numbers_by(labels, known, n_clusters)[labels]
    if graph is None:
        return pinned(labels, known)
    one_hot = np.eye(n_clusters)
    if _fits(labels, known):
        shares = one_hot[pinned(labels, known)]
        return pinned(propagated(graph, shares), known)
    is_known = known >= 0
    seeds = np.where(np.isin(labels, known[is_known]), -1, labels)
    seeds = pinned(seeds, known)
    shares = one_hot[seeds] * (seeds >= 0)[:, np.newaxis]
    # A number with more known samples is not a larger cluster.
    shares /= np.maximum(shares.sum(axis=0), 1)
    far = PropagationSettings(damping=0.99, n_rounds=200)
    found = propagated(graph, shares, far)
    return pinned(graph.refined(found, n_clusters, random_state), known)


def _fits(labels: Labels, known: Labels) -> bool:
    """Whether most known samples of every number are in the cluster of the number."""
    is_known = known >= 0
    right = labels[is_known] == known[is_known]
    numbers = known[is_known]
    return all(right[numbers == number].mean() >= 0.5 for number in np.unique(numbers))
