"""The number of clusters, chosen by how clear their borders are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from deepcluster_sk.counting.borders import merged
from deepcluster_sk.graph.contest import Appearance
from deepcluster_sk.graph.spectral import Labels


@dataclass(frozen=True)
class ChoiceSettings:
    """Which borders are clear.

    The trials are in ``benchmarks/notes/n_clusters.md``.
    """

    border: float = 0.09
    """Share of links across a border from which on two clusters are one. Chosen on half
    of the sets, confirmed on the others; .08 to .1 are as good."""
    doubt: float = 1.5
    """Limits so many times higher and lower give the range of other numbers that could
    be defended. Not tuned."""
    guess: float = 2.0
    """Where that range is wider than this factor, the number is called a guess. Not
    tuned."""


CHOICE = ChoiceSettings()


@dataclass(frozen=True)
class ClusterCount:
    """How many clusters there are, and what speaks for it.

    Attributes
    ----------
    n_clusters : int
    lowest, highest : int
        Numbers that stricter and laxer ideas of a border lead to.
    profile : dict of ndarray of shape (m,)
        "n_clusters", rising; "border", the share of links that cross the least clear
        border between two of so many clusters; "modularity".
    partitions : list of ndarray of shape (n_nodes,), int64
        Labels of the nodes, in the order of the profile.
    nodes : ndarray of shape (n_nodes,), int64
        Samples that were looked at, by their row.
    appearance : Appearance or None
        Contrast that they were seen under, and kind that they were taken for.
    """

    n_clusters: int
    lowest: int
    highest: int
    profile: dict[str, NDArray[Any]]
    partitions: list[Labels]
    nodes: NDArray[np.int64]
    appearance: Appearance | None = None

    @property
    def is_guess(self) -> bool:
        """Whether other numbers have borders about as clear."""
        return self.n_clusters == 1 or self.highest > CHOICE.guess * self.lowest

    def labels_at(self, n_clusters: int) -> Labels:
        """Labels of the nodes in so many clusters.

        Parameters
        ----------
        n_clusters : int
            One of ``profile["n_clusters"]``.

        Returns
        -------
        labels : ndarray of shape (n_nodes,), int64

        Raises
        ------
        ValueError
            If nothing is known of so many clusters.
        """
        known = self.profile["n_clusters"]
        if n_clusters not in known:
            raise ValueError(
                f"n_clusters={n_clusters!r} should be between {known[0]} and "
                f"{known[-1]}, the numbers that were looked at."
            )
        return self.partitions[int(np.flatnonzero(known == n_clusters)[0])]

    def candidates(self, most: int = 4) -> list[int]:
        """List numbers of clusters that are worth a look, the chosen one first.

        After it come those between `lowest` and `highest` beyond which the borders blur
        the most.

        Parameters
        ----------
        most : int, default=4
            How many to list, at most.

        Returns
        -------
        list of int
        """
        k, border = self.profile["n_clusters"], self.profile["border"]
        blur = np.log(np.maximum(border[1:], 1e-3) / np.maximum(border[:-1], 1e-3))
        inside = (self.lowest <= k[:-1]) & (k[:-1] <= self.highest)
        inside &= k[:-1] != self.n_clusters
        order = np.argsort(-blur, kind="stable")
        others = [int(k[place]) for place in order if inside[place]]
        return [self.n_clusters, *others[: most - 1]]

    @property
    def doubt(self) -> str | None:
        """What to say where the number is a guess."""
        if not self.is_guess:
            return None
        if self.highest == 1:
            return (
                "No clear border was found, so n_clusters_=1: either the samples are "
                "one cluster, or their neighbours do not tell clusters apart, as with "
                "photographs. Give n_clusters if you know that there are several."
            )
        return (
            f"n_clusters_={self.n_clusters} is a guess: the borders of {self.lowest} "
            f"to {self.highest} clusters are about as clear. See cluster_profile_, and "
            "give n_clusters if you know better."
        )


def count_on(
    graph: scipy.sparse.csr_matrix,
    groups: Labels,
    bounds: tuple[int, int],
    random_state: np.random.RandomState,
) -> ClusterCount:
    """Count the clusters of a graph: as many as have clear borders to one another.

    Groups are merged, the two with the least clear border first, until every border is
    clear.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        Symmetric.
    groups : ndarray of shape (n,), int64
        More than there can be clusters; all labels from 0 to the largest are used.
    bounds : (int, int)
        Fewest and most clusters.
    random_state : RandomState

    Returns
    -------
    ClusterCount
    """
    merges = merged(graph, groups, random_state)
    least, most = bounds
    inside = (least <= merges.n_clusters) & (merges.n_clusters <= most)

    def clear(limit: float) -> int:
        found = merges.n_clusters[inside & (merges.border < limit)]
        return int(found.max()) if len(found) else least

    profile = {
        "n_clusters": merges.n_clusters,
        "border": merges.border,
        "modularity": merges.modularity,
    }
    return ClusterCount(
        clear(CHOICE.border),
        clear(CHOICE.border / CHOICE.doubt),
        clear(CHOICE.border * CHOICE.doubt),
        profile,
        merges.partitions,
        np.arange(graph.shape[0]),
    )
