"""How many graphs of a data set are made, and how many links each has."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GraphSettings:
    """Graphs to make of a data set; one partition is made of every combination.

    The trials are in ``benchmarks/notes``: "The start" and "Many small clusters".
    Figures are accuracies unless another is named.
    """

    n_graphs: int
    """Independent draws of augmented views. One partition of digits has .82 to .985, by
    chance of the seed; a consensus over draws and eigenvectors .967 to .968."""
    n_views: int
    """Augmented views of each sample in a draw. Of the ten nearest of a digit .972 are
    of its class with 8, .976 with 16, .978 with 32."""
    n_neighbors: tuple[int, ...]
    """Neighbours a node is linked to. Of the ten nearest in pixels .965 (digits) and
    .91 (usps) are of the same class; on COIL-20 .88 of the tenth alone."""
    extra_vectors: tuple[int, ...]
    """Eigenvectors used beyond one for each cluster: small groups of odd samples take
    some of the first. None: .86 to .96 on digits. Half of K more: .96 → .80 on 68
    faces; K more: .74 to .93 on usps. A few more: .967 and up."""
    most_linked: float | None = 1 / 12
    """Share of a cluster, of equal size, that a node is linked to at most; None links
    whatever the size. A quarter, an eighth, a twelfth, a sixteenth: COIL-20 .845, .854,
    .910, .910; 600 images of MNIST .798, .854, .893 with the first three."""
    min_neighbors: int = 5
    """A node is linked to no fewer, however small the clusters. On 300 images of four
    sets five, six and seven are within .02 of each other."""

    def neighbor_counts(self, n_nodes: int, n_clusters: int) -> list[int]:
        """Neighbours of a node: as wanted, but no more than there are to link."""
        most = self.most_neighbors(n_nodes, n_clusters)
        return sorted({min(k, most) for k in self.n_neighbors})

    def most_neighbors(self, n_nodes: int, n_clusters: int) -> int:
        """Neighbours of a node beyond which clusters would be linked to each other."""
        if self.most_linked is None:
            return n_nodes - 1
        most = int(self.most_linked * n_nodes / n_clusters)
        return min(max(self.min_neighbors, most), n_nodes - 1)

    def widths(self, n_nodes: int, n_clusters: int) -> list[int]:
        """Eigenvectors to partition by, no more than there are."""
        return sorted({min(n_clusters + k, n_nodes - 1) for k in self.extra_vectors})


SMALL = GraphSettings(1, 8, (10,), (0, 2))
LARGE = GraphSettings(1, 16, (10, 15), (0, 1, 2, 3, 4, 5))
FULL = GraphSettings(3, 16, (10, 15), (0, 1, 2, 3, 4, 5))
#: Of the contest of contrasts and kinds: fewer views than the start has, for time.
CONTEST = GraphSettings(1, 8, (10,), (0, 2, 4))
#: Below so many nodes the search is small, since fifty samples are to take no time; up
#: to so many it is full: a draw costs the square of the nodes.
SMALL_NODES, FULL_NODES = 500, 5_000


def settings_for(n_nodes: int) -> GraphSettings:
    """Choose settings by which the search is the harder, the fewer nodes there are."""
    if n_nodes < SMALL_NODES:
        return SMALL
    return FULL if n_nodes <= FULL_NODES else LARGE
