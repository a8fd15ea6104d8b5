"""The graph start as an estimator of its own: clusters without a network."""

from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.base.parameters import CONSTRAINTS
from deepcluster_sk.counting.bounds import NClusters, bounds_of, is_given
from deepcluster_sk.counting.count import count_clusters
from deepcluster_sk.counting.profile import ClusterCount
from deepcluster_sk.counting.subdivision import spread, tree_of
from deepcluster_sk.counting.tree import ClusterTreeMixin, border_tree
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler
from deepcluster_sk.data.resizing import MAX_PIXELS, shrunk, small_shape
from deepcluster_sk.graph.contest import ImageKind
from deepcluster_sk.graph.merge_split import links_between
from deepcluster_sk.graph.outliers import OutlierDetector
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.graph.start import (
    MIN_NODES,
    START,
    GraphStart,
    contrasts_for,
    distinct_rows,
)
from deepcluster_sk.graph.voting import NodeVoters
from deepcluster_sk.methods.neighbor_graph.as_init import StartMixin
from deepcluster_sk.methods.neighbor_graph.clustering import (
    check_cluster_size,
    check_sizes,
    cluster_nodes,
)
from deepcluster_sk.methods.neighbor_graph.context import GraphContext
from deepcluster_sk.methods.neighbor_graph.fitted import VotingMixin
from deepcluster_sk.networks.contrast import CONTRASTS
from deepcluster_sk.runtime.device import resolve_device
from deepcluster_sk.runtime.modes import computing
from deepcluster_sk.runtime.seeding import drawn_seed
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.runtime.wholeness import whole_or_not_at_all

#: Parameters that take what those of the deep clusterers do.
_SHARED = (
    *("n_clusters", "augmentation", "image_shape", "channel_axis", "max_pixels"),
    *("device", "random_state"),
)


class NeighborGraphClusterer(
    ClusterTreeMixin, StartMixin, VotingMixin, ClusterMixin, BaseEstimator
):
    """Clusters of images or vectors by a graph of neighbours; no network is trained.

    Each sample is linked to those it is nearest to in any of several augmented views:
    two images of one class are often far apart in pixels only because one is a little
    turned or shifted. The graph is partitioned many times, by its leading eigenvectors
    and by joining nodes, and the consensus is refined by its modularity. Photographs,
    whose neighbours in pixels tell little, and other images that fall into clusters
    better so, are compared by their patches instead.

    It is what the deep clusterers start from by default. With settings of your own:
    ``DeepTripletClusterer(init=NeighborGraphClusterer(n_neighbors=8))``.

    Parameters
    ----------
    n_clusters : int, "auto" or (int, int), default=8
        Clusters to find. "auto" counts them, by the borders in a graph of up to 2,000
        samples; two numbers are the fewest and the most there may be. A warning says
        where the number found is a guess.
    n_neighbors : "auto" or int, default="auto"
        Neighbours a sample is linked to. "auto" makes graphs of 10 and of 15, of fewer
        where clusters would be smaller than twelve times that.
    n_views : "auto" or int, default="auto"
        Augmented views of each sample in which neighbours are looked for in pixels;
        "auto" draws 16, of fewer than 500 samples 8. 0 takes the samples alone.
    contrast : str, default="auto"
        What is taken out of images before they are compared: nothing ("none"),
        brightness and contrast of the whole ("image"), those around every pixel
        ("local"), light that falls from one side ("level"), or all colours, and which
        of object and ground is the lighter: "figure" sees how far each pixel's colour
        is from that of the ground, "edges" where colours change. "auto" takes the one
        of the first three whose links the others, and patches, confirm most, or one
        that does not see light, or colours, where two such confirm each other alone.
        Vectors have none.
    image_kind : {"auto", "drawing", "photograph"}, default="auto"
        Photographs and textures are compared by patches, drawings by pixels, patches or
        both, whichever make the better clusters; by pixels alone if contrast is given
        too. "auto" takes images for photographs where patches make the better clusters
        and link others than pixels.
    augmentation : "auto", str, dict, callable, nn.Module or None, default="auto"
        Views that show the same: turns, shifts, shears and zooms of images, noise and
        masking of vectors. A preset's name, its strengths as a dict, or any function of
        a batch; None takes the samples alone.
    min_cluster_size : int, default=1
        Clusters of fewer samples are given up: their samples go where those nearest to
        them are, or are outliers.
    outliers : bool, default=False
        Whether samples that look like none of the others are labelled -1; see
        :meth:`predict`.
    max_nodes : int, default=12000
        Samples in the graph, at most, drawn at random; the others take the label that
        most of the nodes nearest to them have. Time grows with its square.
    image_shape : tuple of int, default=None
        ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)``, where rows of `X` are flat images.
    channel_axis : {1, -1}, default=None
        Where the channels of a 4-D `X` are; None finds the axis of size 1, 3 or 4.
    max_pixels : "auto", int or None, default="auto"
        Larger images are averaged down to so many pixels. "auto" is 1,024, which are
        32x32; None keeps them as they are.
    device : str or torch.device, default="auto"
        Where distances are computed: "cpu", "cuda", "cuda:1", "mps" …; "auto" takes
        a CUDA GPU where there is one. Eigenvectors are found on the CPU.
    random_state : int, RandomState or None, default=None
        The same whole number gives the same labels.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int64
        Cluster of each sample, -1 of an outlier; the same as ``predict(X)``. Copies of
        one sample have one label.
    n_clusters_ : int
        Clusters looked for: `n_clusters`, or the number found, less those given up.
    cluster_profile_ : dict of ndarray, or None
        Where clusters were counted, what speaks for each number ("n_clusters"):
        "border", the share of links that cross the least clear border between two of
        so many clusters, and "modularity"; see
        :class:`~deepcluster_sk.plotting.ClusterProfileDisplay`.
    cluster_tree_ : ndarray of shape (n_leaves - 1, 4)
        Tree of the clusters, in the format of
        :func:`scipy.cluster.hierarchy.linkage`: which would be merged first, and the
        groups that each is made of, its leaves. ``labels_at(k)`` gives the labels in k
        clusters, fewer or more.
    graph_ : Graph
        On which the partition was found: ``graph_.weights`` is the sparse matrix of its
        links, ``graph_.nodes`` are the rows of `X` in it.
    contrast_ : {"none", "image", "local", "level", "figure", "edges"}
        The contrast normalisation images were compared under.
    image_kind_ : {"drawing", "photograph"} or None
        What images were taken for; None of vectors.
    patch_agreement_ : float or None
        Share of neighbours in pixels that are so by patches too, where it was measured.
    hubness_ : float
        Skewness of how often samples are neighbours of others.
    n_features_in_ : int
        Numbers in a sample; ``feature_names_in_`` names them, where `X` did.
    image_shape_ : tuple of int or None
        Shape of an image, in the order of the axes it came in.

    See Also
    --------
    DeepTripletClusterer : Trains a network on what is found here.

    References
    ----------
    Noack and Rotta (2009), "Multi-level algorithms for modularity clustering",
    arXiv:0812.4073.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from deepcluster_sk import NeighborGraphClusterer, clustering_accuracy_score
    >>> digits = load_digits()
    >>> model = NeighborGraphClusterer(n_clusters=10, random_state=0)
    >>> labels = model.fit_predict(digits.images)
    >>> bool(clustering_accuracy_score(digits.target, labels) > 0.95)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: CONSTRAINTS[name] for name in _SHARED},
        "n_neighbors": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "n_views": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "contrast": [StrOptions({"auto", *CONTRASTS})],
        "image_kind": [StrOptions({"auto", "drawing", "photograph"})],
        "min_cluster_size": [Interval(Integral, 1, None, closed="left")],
        "outliers": ["boolean"],
        "max_nodes": [Interval(Integral, MIN_NODES, None, closed="left")],
    }

    def __init__(
        self,
        n_clusters: NClusters = 8,
        *,
        n_neighbors: int | str = "auto",
        n_views: int | str = "auto",
        contrast: str = "auto",
        image_kind: ImageKind | Literal["auto"] = "auto",
        augmentation: Any = "auto",
        min_cluster_size: int = 1,
        outliers: bool = False,
        max_nodes: int = START.max_nodes,
        image_shape: Any = None,
        channel_axis: int | None = None,
        max_pixels: int | str | None = "auto",
        device: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors
        self.n_views = n_views
        self.contrast = contrast
        self.image_kind = image_kind
        self.augmentation = augmentation
        self.min_cluster_size = min_cluster_size
        self.outliers = outliers
        self.max_nodes = max_nodes
        self.image_shape = image_shape
        self.channel_axis = channel_axis
        self.max_pixels = max_pixels
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Find the clusters of images or feature vectors.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
            Grey or colour images of any integer or floating type, or feature vectors;
            flat rows are images where ``image_shape`` says so. Scaled inside. Or a list
            of Pillow images, or a data set of images or vectors, all of one size;
            labels in a data set are not looked at.
        y : Ignored
            Never looked at.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or `X` cannot be used; what was fitted before stays.
        """
        with whole_or_not_at_all(self):
            self._fit(X)
        return self

    def _fit(self, X: ArrayLike) -> None:
        context = self._prepare(X)
        count = None if is_given(self.n_clusters) else self._count(context)
        wanted = context.bounds[0] if count is None else count.n_clusters
        nodes, start, self._voters = self._partition(context, wanted, count)
        self._store_start(context, nodes, start)
        labels = self._give_up_small_clusters(context, nodes, wanted)
        self.labels_ = self._marked(labels, context.rows, context.reader.layout)
        self.cluster_profile_ = None if count is None else count.profile
        self._store_tree(context, labels)
        self._warn(count, wanted)

    def _partition(
        self, context: GraphContext, wanted: int, count: ClusterCount | None
    ) -> tuple[NDArray[np.int64], GraphStart, NodeVoters]:
        """Draw nodes, partition them, and let them vote."""
        rows, streams = context.rows, context.streams("start")
        nodes = distinct_rows(
            rows, context.reader.layout, wanted, streams.random_state, self.max_nodes
        )
        views = context.views(streams, rows[nodes])
        with computing(context.device), streams.seeded():
            start, voters = cluster_nodes(
                views,
                wanted,
                streams.random_state,
                contrasts=context.contrasts,
                image_kind=self.image_kind,
                settings=self._settings(len(nodes)),
                seen=None if count is None else count.appearance,
            )
        return nodes, start, voters

    def _store_start(
        self, context: GraphContext, nodes: NDArray[np.int64], start: GraphStart
    ) -> None:
        """Set how samples are read, and what was learned of them on the way."""
        self._layout = context.given
        self._small_shape = context.reader.layout.shape
        self._scaler = context.reader.scaler
        self.image_shape_ = context.given.given_shape
        self.graph_ = replace(start.graph, nodes=nodes[start.graph.nodes])
        self.contrast_, self.image_kind_ = start.contrast, start.image_kind
        self.hubness_ = start.graph.hubness
        self.patch_agreement_ = start.appearance.patch_agreement

    def _give_up_small_clusters(
        self, context: GraphContext, nodes: NDArray[np.int64], wanted: int
    ) -> Labels:
        """Label all samples by the clusters that are large enough.

        Outliers are told by the nodes in these.
        """
        rows, layout = context.rows, context.reader.layout
        labels = self._label(rows, layout)
        sizes = np.bincount(labels, minlength=wanted)
        # Where no size is asked for, empty clusters are kept: a warning tells of them.
        least = self.min_cluster_size if self.min_cluster_size > 1 else 0
        kept = np.flatnonzero(sizes >= least)
        usual = rows[nodes[np.isin(labels[nodes], kept)]]
        self._surroundings = OutlierDetector.of(RowDataset(usual), context.reader)
        self.n_clusters_ = len(kept)
        if len(kept) < wanted:
            self._voters = self._voters.only(kept)
            labels = self._label(rows, layout)
        return labels

    def _store_tree(self, context: GraphContext, labels: Labels) -> None:
        """Set the tree over the clusters and below, and each sample's place in it."""
        nodes, weights = self.graph_.nodes, self.graph_.weights
        links = links_between(weights, labels[nodes], self.n_clusters_)
        tree, found = tree_of(border_tree(links), weights, labels[nodes])
        if len(nodes) < len(labels):
            features = self._features(context.rows, context.reader.layout)
            found = spread(features, labels, nodes, found)
        else:
            found = found[np.argsort(nodes)]
        self.cluster_tree_ = tree
        self._leaves = np.where(self.labels_ < 0, -1, found)

    def _prepare(self, X: ArrayLike) -> GraphContext:
        """Check everything, and settle what does not depend on the samples' content."""
        device = resolve_device(self.device)
        # Large numbers overflow where they are looked at, and are refused then.
        with np.errstate(over="ignore", invalid="ignore"):
            rows, given = self._first_rows(X)
            least, most = bounds_of(self.n_clusters, len(rows))
            check_sizes(len(rows), least, self.max_nodes, self.n_neighbors)
            check_cluster_size(len(rows), least, self.min_cluster_size)
            contrasts = contrasts_for(self.contrast, given)
            augmentation = self._augmentation(given)
            seed = drawn_seed(check_random_state(self.random_state))
            pixels = MAX_PIXELS if isinstance(self.max_pixels, str) else self.max_pixels
            rows, layout = shrunk(rows, given, small_shape(given.shape, pixels))
            reader = SampleReader(layout, PixelScaler.standardize(rows, layout))
        most = min(most, self.max_nodes, len(rows) // self.min_cluster_size)
        return GraphContext(
            rows, given, reader, augmentation, contrasts, (least, most), seed, device
        )

    def _count(self, context: GraphContext) -> ClusterCount:
        """Count the clusters, before they are found."""
        streams = context.streams("counting")
        with computing(context.device), streams.seeded():
            return count_clusters(
                context.views(streams, context.rows),
                context.bounds,
                streams.random_state,
                contrasts=context.contrasts,
                image_kind=self.image_kind,
                by_patches_alone=True,
            )

    def _warn(self, count: ClusterCount | None, wanted: int) -> None:
        found = len(np.unique(self.labels_[self.labels_ >= 0]))
        message = None
        if self._scaler.is_constant:
            message = "X is constant: all samples are equal, so all are in one cluster."
        elif self.n_clusters_ < wanted:
            message = (
                f"{wanted - self.n_clusters_} of {wanted} clusters had fewer samples "
                f"than min_cluster_size={self.min_cluster_size}, and were given up."
            )
        elif found < self.n_clusters_:
            message = (
                f"Only {found} of n_clusters={self.n_clusters_} clusters are used, the "
                "others are empty. A smaller n_clusters may fit the data better."
            )
        elif count is not None:
            message = count.doubt
        if message is not None:
            warn(message, ConvergenceWarning)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
