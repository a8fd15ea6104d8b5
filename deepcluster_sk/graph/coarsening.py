"""Nodes of a graph joined to groups, and the graph of the groups."""

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from deepcluster_sk.graph.spectral import Labels, degrees

#: Joining in pairs ends where it leaves more than this share of the groups: around a
#: hub it could go on for as many rounds as there are nodes.
MOST_LEFT = 0.95


def contracted(
    graph: scipy.sparse.csr_matrix, groups: NDArray[np.int64]
) -> scipy.sparse.csr_matrix:
    """Graph of the groups that nodes ``(n,)`` belong to: links between them, summed.

    Links inside a group become one to itself, so that no partition of the groups
    changes its modularity.
    """
    n = len(groups)
    member = scipy.sparse.csr_matrix((np.ones(n), (np.arange(n), groups)))
    return (member.T @ graph @ member).tocsr()


def paired(graph: scipy.sparse.csr_matrix, labels: Labels) -> NDArray[np.int64]:
    """Join in pairs the nodes of a cluster that are each other's nearest, ``(n,)``.

    Nearest is the one whose link, over both degrees, is the strongest.
    """
    links, degree = graph.tocoo(), degrees(graph)
    inside = labels[links.row] == labels[links.col]
    inside &= (links.row != links.col) & (links.data > 0)
    row, column = links.row[inside], links.col[inside]  # in the order of rows
    strength = links.data[inside] / (degree[row] * degree[column])
    own = np.arange(len(labels))
    nearest = own.copy()
    if len(row):
        _, first, counts = np.unique(row, return_index=True, return_counts=True)
        most = np.repeat(np.maximum.reduceat(strength, first), counts)
        # Backwards, so that of equals the first stays.
        strongest = np.flatnonzero(strength == most)[::-1]
        nearest[row[strongest]] = column[strongest]
    mutual = nearest[nearest] == own
    first_of_pair = np.where(mutual, np.minimum(own, nearest), own)
    return np.unique(first_of_pair, return_inverse=True)[1]
