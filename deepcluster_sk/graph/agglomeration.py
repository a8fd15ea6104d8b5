"""A partition of a graph by joining what is near, from single nodes up."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from deepcluster_sk.graph.coarsening import MOST_LEFT, contracted, paired
from deepcluster_sk.graph.spectral import Labels, degrees


@dataclass(frozen=True)
class AgglomerationSettings:
    """How nodes are joined, one by one."""

    max_groups: int = 1_000
    """Nodes are joined in pairs while there are more than this, and then one by one:
    1.5 CPU s for six graphs of digits. 2,000: 11 CPU s, and nothing gained."""


AGGLOMERATION = AgglomerationSettings()


def agglomerated(
    graph: scipy.sparse.csr_matrix,
    n_clusters: int,
    resolution: float = 1.0,
    settings: AgglomerationSettings = AGGLOMERATION,
) -> Labels:
    r"""Join groups of nodes until as many are left as there are to be clusters.

    The next two are always those that lose the least modularity by it, or gain the
    most: for groups of degrees d_i and d_j, with w_ij between them,

    .. math:: \frac{2}{w} \left( w_{ij} - \gamma \frac{d_i d_j}{w} \right).

    In a large graph, nearest nodes are joined in pairs first. Where clusters are thin
    and lie side by side, as the views of similar objects from all around do, the
    nearest of all are of one cluster, and eigenvectors tell views rather than objects.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    n_clusters : int
        At most n.
    resolution : float, default=1.0
    settings : AgglomerationSettings

    Returns
    -------
    ndarray of shape (n,), int64

    References
    ----------
    Newman (2004), "Fast algorithm for detecting community structure in networks".
    """
    most = max(settings.max_groups, n_clusters)
    labels = np.arange(graph.shape[0])
    while graph.shape[0] > most:
        groups = paired(graph, np.zeros(graph.shape[0], np.int64))
        n_groups = groups.max() + 1
        if not n_clusters <= n_groups <= MOST_LEFT * len(groups):
            break
        graph, labels = contracted(graph, groups), groups[labels]
    degree = degrees(graph)
    total = degree.sum() or 1.0  # a graph without links
    # All that are left, but where few are each other's nearest, as around a hub.
    largest = np.sort(np.argsort(-degree, kind="stable")[:most])
    expected = resolution * np.outer(degree[largest], degree[largest]) / total
    joined = _joined(graph[largest][:, largest].toarray() - expected, n_clusters)
    member = np.eye(n_clusters)[joined]
    expected = resolution * np.outer(degree, degree[largest] @ member) / total
    found = (graph[:, largest] @ member - expected).argmax(axis=1)
    found[largest] = joined
    return found[labels]


def _joined(gain: NDArray[np.float64], n_clusters: int) -> Labels:
    """Join two of n at a time, ``(n,)``, by what each two gain, ``(n, n)``."""
    n = len(gain)
    np.fill_diagonal(gain, -np.inf)
    labels = np.arange(n)
    for _ in range(n - n_clusters):
        kept, gone = divmod(gain.argmax(), n)
        # A third that joins both gains the sum of what it gains by each.
        gain[kept] += gain[gone]
        gain[:, kept] += gain[:, gone]
        gain[gone] = gain[:, gone] = -np.inf
        labels[labels == gone] = kept
    return np.unique(labels, return_inverse=True)[1]
