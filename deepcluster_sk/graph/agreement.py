"""What graphs of the same nodes have in common, and how far each can be relied on."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from deepcluster_sk.graph.graph import Graph

#: Reliability is taken to be no more than this: no graph silences the others.
MOST_RELIABLE = 0.95


def shared_links(graph: Graph, other: Graph) -> float:
    """Share of the links of two graphs of the same nodes that both have, in [0, 1]."""
    shared, most = _shared(graph, other)
    return float(shared.nnz / most)


def links_shared_by_nodes(graph: Graph, other: Graph) -> NDArray[np.float64]:
    """Links of each node that two graphs of the same nodes share, ``(n_nodes,)``.

    In units in which their mean is what :func:`shared_links` gives.
    """
    shared, most = _shared(graph, other)
    counts = np.asarray(shared.sum(axis=1)).ravel()
    return counts * len(counts) / most


def _shared(graph: Graph, other: Graph) -> tuple[scipy.sparse.csr_matrix, float]:
    """Links that two graphs of the same nodes have both, and how many could be."""
    first, second = graph.weights > 0, other.weights > 0
    return first.multiply(second), max(np.sqrt(first.nnz * second.nnz), 1.0)


def shares_by_agreement(graphs: Sequence[Graph]) -> NDArray[np.float64]:
    r"""Find what share each of three graphs should have in their sum.

    Three witnesses that err independently of each other agree no more than each of them
    is right. With a_ij the share of links that graphs i and j have in common, graph i
    has the reliability

    .. math:: r_i = \sqrt{a_{ij} a_{ik} / a_{jk}},

    and the share r_i / (1 - r_i^2), scaled to a sum of 1.

    Parameters
    ----------
    graphs : sequence of Graph
        Of the same nodes.

    Returns
    -------
    ndarray of shape (n_graphs,), float64
        Equal shares of fewer graphs, or where two have no link in common.

    References
    ----------
    Spearman (1927), "The Abilities of Man", for the reliability; Bartlett (1937), "The
    statistical conception of mental factors", for the shares.
    """
    n = len(graphs)
    equal = np.full(n, 1 / n)
    if n != 3:
        return equal
    one, two, three = graphs
    agreements = np.array(
        [shared_links(two, three), shared_links(one, three), shared_links(one, two)]
    )
    if not agreements.all():
        return equal
    # Of each graph: the product of all three over the square of the others' own.
    reliabilities = np.sqrt(agreements.prod()) / agreements
    reliabilities = np.minimum(reliabilities, MOST_RELIABLE)
    shares = reliabilities / (1 - reliabilities**2)
    return np.asarray(shares / shares.sum())
