"""How hard to look for a partition of a data set."""

from dataclasses import dataclass

#: A node is linked to no fewer neighbours, however small the clusters.
MIN_NEIGHBORS = 5
#: Below so many nodes the search is small, and up to so many it is full.
SMALL_NODES, FULL_NODES = 500, 5_000


@dataclass(frozen=True)
class Search:
    """How hard to look for a partition; one is made for every combination.

    Attributes
    ----------
    n_graphs : int
        Independent draws of augmented views.
    n_views : int
        Augmented views of each sample in a draw.
    n_neighbors : tuple of int
        Neighbours a node is linked to.
    extra_vectors : tuple of int
        Eigenvectors used beyond one for each cluster. Small groups of odd samples take
        some of the first; a few more are needed to tell apart what nearly touches.
    most_linked : float, default=1/12
        Share of a cluster, of equal size, that a node is linked to at most: views of an
        object from all around, which make a cluster, are near to few of their own.
    """

    n_graphs: int
    n_views: int
    n_neighbors: tuple[int, ...]
    extra_vectors: tuple[int, ...]
    most_linked: float = 1 / 12

    def neighbor_counts(self, n_nodes: int, n_clusters: int) -> list[int]:
        """Neighbours of a node: as wanted, but no more than there are to link."""
        most = self.most_neighbors(n_nodes, n_clusters)
        return sorted({min(k, most) for k in self.n_neighbors})

    def most_neighbors(self, n_nodes: int, n_clusters: int) -> int:
        """Neighbours of a node beyond which clusters would be linked to each other."""
        most = int(self.most_linked * n_nodes / n_clusters)
        return min(max(MIN_NEIGHBORS, most), n_nodes - 1)

    def widths(self, n_nodes: int, n_clusters: int) -> list[int]:
        """Eigenvectors to partition by, no more than there are."""
        return sorted({min(n_clusters + k, n_nodes - 1) for k in self.extra_vectors})


ONE = Search(1, 16, (10,), (5,))
SMALL = Search(1, 8, (10,), (0, 2))
LARGE = Search(1, 16, (10, 15), (0, 1, 2, 3, 4, 5))
FULL = Search(3, 16, (10, 15), (0, 1, 2, 3, 4, 5))
#: Of contrasts, to find the better. With few links even graphs that mean little fall
#: into clusters.
CONTEST = Search(1, 8, (10,), (0, 2, 4, 6, 8), most_linked=1 / 4)


def search_for(n_nodes: int) -> Search:
    """Search the harder, the fewer nodes there are."""
    if n_nodes < SMALL_NODES:
        return SMALL
    return FULL if n_nodes <= FULL_NODES else LARGE
