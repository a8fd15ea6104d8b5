"""TEMIClusterer: embeddings of a pretrained network, by pairs of neighbours."""

from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.fitted import to_numpy
from deepcluster_sk.base.parameters import MODULE_CONSTRAINTS
from deepcluster_sk.base.start import Start, is_by_graph
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.graph.settings import GraphSettings, settings_for
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.methods.temi.network import TEMINetwork
from deepcluster_sk.methods.temi.objective import TEMIClustering, seen_by
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.centers import kmeans_start
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.objectives import Objective
from deepcluster_sk.training.strategy import POSITIVE
from deepcluster_sk.training.targets import PseudoLabels, SelfTraining

#: Share of an average cluster that a sample is linked to in the graph, and that one of
#: its neighbours is drawn from: not more than are probably of its kind. The graph of
#: images has a twelfth; with a fifth it has .69 for .66 on vectors of MoCo.
SHARE_OF_CLUSTER = 1 / 5
#: Neighbours that one is drawn from, at most.
MOST_NEIGHBORS = 50
#: Latent dimensions.
WIDTH = 128


class TEMIClusterer(BaseDeepClusterer):
    """Deep clustering of embeddings by self-distillation on neighbours (TEMI).

    For vectors of a pretrained or self-supervised network, whose nearest neighbours by
    cosine are mostly of one kind. Small perceptrons begin with the clusters of a
    neighbour graph or of k-means, and learn to assign each sample to the cluster that
    moving averages of themselves assign its neighbours to. Pairs that they agree on
    count most. Images are taken as flat vectors of pixels, which it is not made for:
    embed them first, or use :class:`DeepTripletClusterer`.

    Parameters
    ----------
    {n_clusters}
    n_heads : int, default=4
        Perceptrons that are trained side by side. Together they say how much a pair of
        neighbours counts; the first is the model.
    n_neighbors : int or "auto", default="auto"
        Neighbours of a sample, of which one is drawn in every epoch. "auto" is a fifth
        of the samples that a cluster has on average, and 50 at most.
    beta : float, default=0.6
        In (0.5, 1]: the smaller, the more even are the clusters.
    momentum : float, default=0.99
        In [0, 1): what the moving average keeps of itself at each step.
    latent_dim : int or "auto", default="auto"
        Dimensions of the latent space; "auto" is 128.
    architecture : {"auto", "mlp"}, default="auto"
        Perceptrons, under both names; ``module__channels`` are the widths of their
        hidden layers.
    augmentation : "auto", str, dict, callable or None, default="auto"
        Views in which a start by graph looks for neighbours; training uses none. See
        :class:`DeepTripletClusterer`.
    init : {"graph", "kmeans", "mixture", "agglomerative", "random"}, estimator, array \
            or callable, default="graph"
        The start, as :class:`DeepTripletClusterer` takes it. By "graph" the first half
        of the heads start, the others by k-means, so that they have something to tell
        each other. k-means is of the vectors at unit length. All else partitions the
        latent, of which every head has its own, with nothing learned yet.
    pretraining : {"auto"} or None, default="auto"
        There is none: somebody else's network has been trained already.
    targets : {"auto", "pseudo-labels", "self-training"} or object, default="auto"
        What assignments are pulled to; "auto" is what the neighbours are assigned to,
        and so is "self-training". Pseudo-labels hold them to the start for a while.
    max_epochs : int or "auto", default="auto"
        Epochs of training, at most; "auto" makes about 1,000 optimiser steps. Of few
        samples many epochs are needed: it is the steps that count.
    {parameters}

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, latent_dim)
        Directions of the clusters in the space of ``transform``, of unit length.
    {attributes}

    See Also
    --------
    DeepTripletClusterer : For images.
    NeighborGraphClusterer : For images and vectors, without a network.

    Notes
    -----
    Neighbours are looked for among all samples: time grows with the square of their
    number, and is seconds for ten thousand vectors.

    ``transform`` gives what the last map of the perceptron is given: its last layer
    before the clusters, at unit length.

    ``module__temperature`` divides cosines with the directions before the softmax, 0.1
    where nothing is said.

    References
    ----------
    N. Adaloglou, F. Michels, H. Kalisch, M. Kollmann (2023), "Exploring the limits of
    deep image clustering using pretrained models", arXiv:2303.17896.

    Examples
    --------
    >>> import numpy as np
    >>> from deepcluster_sk import TEMIClusterer
    >>> rng = np.random.default_rng(0)
    >>> kinds = rng.normal(size=(3, 16)).repeat(40, axis=0)
    >>> X = kinds + 0.2 * rng.normal(size=kinds.shape)  # embeddings of images, say
    >>> model = TEMIClusterer(n_clusters=3, random_state=0).fit(X)
    >>> np.bincount(model.labels_)
    array([40, 40, 40])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDeepClusterer._parameter_constraints,
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "n_neighbors": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "beta": [Interval(Real, 0.5, 1, closed="right")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "architecture": [StrOptions({"auto", "mlp"})],
        "pretraining": [StrOptions({"auto"}), None],
    }
    _module_constraints: ClassVar[dict[str, list[Any]]] = {
        **MODULE_CONSTRAINTS,
        "temperature": [POSITIVE],
    }
    _joint_steps = (1_000, 4, 200)

    def __init__(
        self,
        n_clusters: NClusters = 8,
        *,
        n_heads: int = 4,
        n_neighbors: int | str = "auto",
        beta: float = 0.6,
        momentum: float = 0.99,
        latent_dim: int | str = "auto",
        architecture: Any = "auto",
        image_shape: Any = None,
        channel_axis: int | None = None,
        max_pixels: int | str | None = "auto",
        augmentation: Any = "auto",
        init: Any = "graph",
        pretraining: Any = "auto",
        targets: Any = "auto",
        max_epochs: int | str = "auto",
        tol: float = 1e-3,
        batch_size: int | str = "auto",
        lr: float = 1e-3,
        precision: str = "auto",
        device: Any = "auto",
        callbacks: list[Any] | None = None,
        memory: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        **net_params: Any,
    ) -> None:
        super().__init__(
            n_clusters,
            latent_dim=latent_dim,
            architecture=architecture,
            image_shape=image_shape,
            channel_axis=channel_axis,
            max_pixels=max_pixels,
            augmentation=augmentation,
            init=init,
            pretraining=pretraining,
            targets=targets,
            max_epochs=max_epochs,
            tol=tol,
            batch_size=batch_size,
            lr=lr,
            precision=precision,
            device=device,
            callbacks=callbacks,
            memory=memory,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            **net_params,
        )
        self.n_heads = n_heads
        self.n_neighbors = n_neighbors
        self.beta = beta
        self.momentum = momentum

    def _default_targets(self) -> PseudoLabels | SelfTraining:
        return SelfTraining()

    def _graph_settings(self, n_nodes: int) -> GraphSettings:
        return replace(settings_for(n_nodes), most_linked=SHARE_OF_CLUSTER)

    def _latent_dim(self, context: FitContext, start: Start) -> int:
        if context.latent_dim is None and self.latent_dim == "auto":
            return WIDTH
        return super()._latent_dim(context, start)

    def _module(
        self, context: FitContext, start: Start
    ) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        return TEMINetwork, {
            "sample_shape": context.layout.shape,
            "n_clusters": context.n_clusters,
            "latent_dim": self._latent_dim(context, start),
            # Of a network that is there already one is left.
            "n_heads": 1 if context.latent_dim is not None else int(self.n_heads),
            "contrast": start.contrast,
        }

    def _pretraining(
        self, context: FitContext, start: Start, streams: Streams
    ) -> tuple[Objective, int]:
        return Objective(), 0

    def _place_clusters(
        self, net: ClusteringNet, context: FitContext, start: Start, streams: Streams
    ) -> Labels:
        module = net.module_
        for head in reversed(range(module.n_heads)):  # the first has the last word
            module.speaking = head
            second_half = 2 * head >= module.n_heads
            begun = replace(start, graph=None) if second_half else start
            if not context.goes_on and self._starts_by_kmeans(begun):
                # Not of a latent that nothing has been learned in: it blurs them.
                seen = to_numpy(seen_by(net, context.dataset))
                labels = kmeans_start(seen, context.n_clusters, streams.random_state)
                begun = replace(begun, labels=labels)
            labels = super()._place_clusters(net, context, begun, streams)
        return labels

    def _starts_by_kmeans(self, start: Start) -> bool:
        """Whether clusters begin as those of k-means."""
        if is_by_graph(self.init):
            return start.graph is None
        return isinstance(self.init, str) and self.init == "kmeans"

    def _train(self, net: ClusteringNet, context: FitContext, start: Start) -> Labels:
        labels = super()._train(net, context, start)
        net.module_.keep_first()
        net.module__n_heads = 1  # as it is to be built when it is read from a file
        net.initialize_optimizer()  # of the weights that are left
        return labels

    def _clustering(
        self, context: FitContext, start: Start, streams: Streams, held: dict[str, Any]
    ) -> tuple[Objective, int]:
        objective = TEMIClustering(
            self._n_neighbors(context),
            float(self.beta),
            float(self.momentum),
            streams.generator,
            # The graph of the start knows none better than the start itself.
            **{**held, "judge": None},
        )
        return objective, self._joint_epochs(context, start)

    def _n_neighbors(self, context: FitContext) -> int:
        """Neighbours of a sample that are probably of its cluster."""
        if self.n_neighbors != "auto":
            return int(self.n_neighbors)
        average = context.n_samples / context.n_clusters
        return min(MOST_NEIGHBORS, max(1, int(SHARE_OF_CLUSTER * average)))
