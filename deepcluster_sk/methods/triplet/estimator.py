"""DeepTripletClusterer, the method of arXiv:1901.06474."""

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.augmentation.presets import (
    AugmentationLike,
    kind_of,
    make_augmentation,
)
from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.parameters import MODULE_CONSTRAINTS
from deepcluster_sk.base.start import Start
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.contest import ImageKind
from deepcluster_sk.methods.triplet.architecture import architecture_of
from deepcluster_sk.methods.triplet.discrimination import (
    InstanceDiscriminationPretraining,
)
from deepcluster_sk.methods.triplet.lengths import (
    PRETRAINING,
    joint_epochs,
    pretraining_epochs,
)
from deepcluster_sk.methods.triplet.objective import (
    ReconstructionPretraining,
    TripletClustering,
    TripletMarginPretraining,
    Triplets,
)
from deepcluster_sk.methods.triplet.recipe import DEEP, LITERAL, PAPER
from deepcluster_sk.methods.triplet.strategies import (
    DatasetNegatives,
    InstanceDiscrimination,
    TripletMargin,
)
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.objectives import Objective
from deepcluster_sk.training.pretraining import Reconstruction
from deepcluster_sk.training.strategy import POSITIVE, WEIGHT
from deepcluster_sk.training.targets import update_interval_of

#: Weight of the separation term in pretraining by reconstruction that is named only.
PRETRAIN_OMEGA = 0.3
#: Telling single images apart takes more latent dimensions than telling clusters apart.
TOLD_APART_DIM = 64
#: Multiple of the learning rate that instance discrimination and the joint training
#: behind it rise to: networks with batch norm, as all of ours have it, learn
#: photographs best there.
LR_PEAK = 10.0


class DeepTripletClusterer(BaseDeepClusterer):
    """Deep image clustering by inter-class separation.

    An autoencoder, a clustering layer on its latent space and a triplet term are
    trained together: images are rebuilt, drawn to augmented views of themselves, pushed
    away from other images, and assigned to balanced clusters.

    With its defaults ``fit`` first partitions the samples by a graph of neighbours that
    augmentation makes alike; pretrains the network to tell each image from others; adds
    what is near in its latent space to the graph, chooses by it between partitions that
    were as good, and moves single samples; and then trains network and clusters on that
    partition, which is found anew in the latent space while training goes on.
    :meth:`from_paper` is the paper's own recipe.

    Parameters
    ----------
    {n_clusters}
    alpha : float, default=1.0
        Weight of the reconstruction term.
    beta : float, default=3.0
        Weight of the clustering term. The paper's 0.8 is too little to learn a good
        partition in the few epochs of the default schedule.
    gamma : float, default=0.01
        Weight of the balance term.
    omega : float, default=0.1
        Weight of the separation term.
    margin : float, default=0.24
        Margin of the separation term, in squared distance on the unit sphere.
    image_kind : {"auto", "drawing", "photograph"}, default="auto"
        What images are. Of photographs, and textures, neighbours in pixels tell little:
        they start from a graph of patches, and are told from all others of a batch in
        pretraining. "auto" looks at both graphs, if `init` makes any.
    n_views : int, default=2
        Augmented views of each image in a training pass.
    negatives : {"batch", "dataset"} or DatasetNegatives, default="batch"
        Where the separation term takes other images from: the batch, or the data set by
        the paper's Algorithm 1, see :class:`~deepcluster_sk.DatasetNegatives`.
    latent_dim : int or "auto", default="auto"
        Dimensions of the latent space; "auto" is `n_clusters_`, within 10 and 64, or 64
        where pretraining tells images apart.
    augmentation : "auto", str, dict, callable or None, default="auto"
        What makes augmented views. "auto" chooses "grey", "natural" or "vector" by the
        kind of data, and "photograph" for photographs; a dict gives the parameters of
        :class:`~deepcluster_sk.augmentation.presets.Augmentation`; a callable or module
        maps a batch to one of the same shape.
    pretraining : {"auto", "reconstruction", "triplet", "discrimination"}, object or \
            None, default="auto"
        What comes before there are clusters; None is nothing. "reconstruction" rebuilds
        images, and separates them with a weight of 0.3; "triplet" does nothing but
        separate each image from the nearest other of its batch, "discrimination" from
        all others at once. After the last two, a start by graph is looked at again: the
        neighbours in that latent and, of images, those by patches join the graph of the
        samples, and single samples move to the cluster that most of their links go to;
        between partitions that were as good on the first graph, the latent decides. Of
        photographs the clusters are found anew by both. "auto" is "triplet" for images
        where `augmentation` and `n_views` make views of them, "discrimination" if they
        are photographs, else "reconstruction". The objects are
        :class:`~deepcluster_sk.Reconstruction`, :class:`~deepcluster_sk.TripletMargin`
        and :class:`~deepcluster_sk.InstanceDiscrimination`.
    max_epochs : int or "auto", default="auto"
        Epochs of joint training, at most; "auto" makes about 450 optimiser steps, or
        900 on photographs, more where there are more than ten clusters, and 8 epochs at
        least.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    NeighborGraphClusterer : The graph alone, without a network.
    sklearn.cluster.KMeans : Clusters raw features.

    Notes
    -----
    Settings of this network alone: ``module__radius``, of the sphere the latent is kept
    on (the square root of `n_clusters`, at least 3; None leaves the latent
    unconstrained); ``module__kernel_power``, of the Student-t kernel (log10 of
    `n_clusters`, at least 1, the paper's).

    References
    ----------
    D. Das, R. Ghosh, B. Bhowmick (2019), "Deep Representation Learning Characterized by
    Inter-class Separation for Image Clustering", arXiv:1901.06474.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from deepcluster_sk import DeepTripletClusterer
    >>> X = load_digits().images
    >>> model = DeepTripletClusterer(n_clusters=10, random_state=0)
    >>> labels = model.fit_predict(X)  # doctest: +SKIP
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDeepClusterer._parameter_constraints,
        **{name: [WEIGHT] for name in ("alpha", "beta", "gamma", "omega", "margin")},
        "image_kind": [StrOptions({"auto", "drawing", "photograph"})],
        "n_views": [Interval(Integral, 0, None, closed="left")],
        "negatives": [StrOptions({"batch", "dataset"}), DatasetNegatives],
        "pretraining": [
            StrOptions({"auto", "reconstruction", "triplet", "discrimination"}),
            *PRETRAINING,
            None,
        ],
    }
    _module_constraints: ClassVar[dict[str, list[Any]]] = {
        **MODULE_CONSTRAINTS,
        "kernel_power": [POSITIVE, StrOptions({"auto"})],
        "radius": [POSITIVE, StrOptions({"auto"}), None],
    }
    _joint_parameters = BaseDeepClusterer._joint_parameters | {
        *("alpha", "beta", "gamma", "omega", "margin"),
    }

    def __init__(
        self,
        n_clusters: NClusters = 8,
        *,
        alpha: float = 1.0,
        beta: float = 3.0,
        gamma: float = 0.01,
        omega: float = 0.1,
        margin: float = 0.24,
        image_kind: str = "auto",
        n_views: int = 2,
        negatives: Any = "batch",
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
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.omega = omega
        self.margin = margin
        self.image_kind = image_kind
        self.n_views = n_views
        self.negatives = negatives

    @classmethod
    def from_paper(
        cls,
        n_clusters: NClusters = 8,
        *,
        literal: bool = False,
        **overrides: Any,
    ) -> Self:
        """Make the system of the paper: no graph, and its own targets (Eq. 3).

        Parameters
        ----------
        n_clusters : int, "auto" or (int, int), default=8
        literal : bool, default=False
            The paper to the letter, but for the sign and the sums of its equations: one
            view that only the separation term sees, a latent without bounds, the
            printed loop for negatives.
        **overrides
            Parameters that are to differ. With ``architecture="deep"`` the weights are
            those that the paper has for its deep network.

        Returns
        -------
        DeepTripletClusterer
        """
        recipe = LITERAL if literal else PAPER
        if overrides.get("architecture") == "deep":
            recipe = {**recipe, **DEEP}
        # Strategies are objects, and not to be shared between estimators.
        own = {name: clone(value, safe=False) for name, value in recipe.items()}
        return cls(n_clusters, **{**own, **overrides})

    def _module(
        self, context: FitContext, start: Start
    ) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        strategy = self._strategy(context.layout, start)
        return ClusteringAutoencoder, {
            "architecture": architecture_of(self, strategy, context),
            "sample_shape": context.layout.shape,
            "n_clusters": context.n_clusters,
            "latent_dim": self._latent_dim(context, start),
            # The largest q that K centres allow shrinks as K grows, unless R does too.
            "radius": max(3.0, float(np.sqrt(context.n_clusters))),
            "kernel_power": max(1.0, float(np.log10(context.n_clusters))),
            "contrast": start.contrast,
        }

    def _augmentation(
        self, layout: RowLayout, image_kind: ImageKind | None = None, wide: bool = False
    ) -> AugmentationLike:
        if image_kind == "photograph" and self.augmentation == "auto" and not wide:
            return make_augmentation("photograph", kind_of(layout))
        return super()._augmentation(layout, image_kind, wide)

    def _pretraining(
        self, context: FitContext, start: Start, streams: Streams
    ) -> tuple[Objective, int]:
        strategy = self._strategy(context.layout, start)
        augmentation = self._augmentation(context.layout, start.image_kind)
        objective: Objective
        if isinstance(strategy, TripletMargin):
            objective = TripletMarginPretraining(
                augmentation, streams.generator, strategy.margin
            )
        elif isinstance(strategy, InstanceDiscrimination):
            objective = InstanceDiscriminationPretraining(
                augmentation, streams.generator, strategy.temperature
            )
        else:
            objective = ReconstructionPretraining(
                self._triplets(context, start, streams),
                strategy.omega,
                strategy.margin,
                strategy.from_views,
            )
        network = architecture_of(self, strategy, context)
        return objective, pretraining_epochs(strategy, context, network)

    def _clustering(
        self, context: FitContext, start: Start, streams: Streams, held: dict[str, Any]
    ) -> tuple[Objective, int]:
        targets = self._targets()
        objective = TripletClustering(
            self._triplets(context, start, streams),
            {
                "reconstruction": self.alpha,
                "clustering": self.beta,
                "balance": self.gamma,
                "separation": self.omega,
            },
            self.margin,
            targets.on_views,
            getattr(self.pretraining, "from_views", False),
            update_interval=update_interval_of(targets),
            **held,
        )
        return objective, self._joint_epochs(context, start)

    def _joint_epochs(self, context: FitContext, start: Start) -> int:
        return joint_epochs(self.max_epochs, self._targets(), start, context)

    def _strategy(self, layout: RowLayout, start: Start) -> Any:
        """Pretraining as an object."""
        if self.pretraining is None:
            return Reconstruction(0)
        if not isinstance(self.pretraining, str):
            return self.pretraining
        name = self.pretraining
        if name == "auto":
            # Without views, images cannot be told from others by anything but pixels.
            augmentation = self._augmentation(layout, start.image_kind)
            unchanged = getattr(augmentation, "is_identity", False)
            if not layout.is_image or self.n_views == 0 or unchanged:
                name = "reconstruction"
            else:
                name = "discrimination" if start.are_photographs else "triplet"
        if name == "reconstruction":
            return Reconstruction(omega=PRETRAIN_OMEGA)
        return TripletMargin() if name == "triplet" else InstanceDiscrimination()

    def _lr_peak(self, layout: RowLayout, start: Start) -> float:
        named = isinstance(self.architecture, str)  # a user's own may not bear it
        told_apart = isinstance(self._strategy(layout, start), InstanceDiscrimination)
        return LR_PEAK if named and told_apart else 1.0

    def _looks_again(self, layout: RowLayout, start: Start) -> bool:
        """Whether single images are told apart, which makes a latent to look in."""
        strategy = self._strategy(layout, start)
        return not isinstance(strategy, Reconstruction) and strategy.epochs != 0

    def _latent_dim(self, context: FitContext, start: Start) -> int:
        is_open = self.latent_dim == "auto" and context.latent_dim is None
        if is_open and self._looks_again(context.layout, start):
            return TOLD_APART_DIM
        return super()._latent_dim(context, start)

    def _triplets(
        self, context: FitContext, start: Start, streams: Streams
    ) -> Triplets:
        return Triplets.of(
            self.negatives,
            self._augmentation(context.layout, start.image_kind),
            streams.generator,
            self.n_views,
        )
