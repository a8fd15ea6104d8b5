"""DECClusterer, deep embedded clustering: the baseline of the field."""

from typing import Any, ClassVar, Self

import torch
from sklearn.utils._param_validation import StrOptions

from deepcluster_sk.augmentation.view import View
from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.parameters import MODULE_CONSTRAINTS
from deepcluster_sk.base.start import Start, is_by_graph
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.methods.dec.objective import AutoencoderPretraining, DECClustering
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.objectives import Objective
from deepcluster_sk.training.strategy import WEIGHT
from deepcluster_sk.training.targets import (
    PseudoLabels,
    SelfTraining,
    update_interval_of,
)

#: Optimiser steps of pretraining, and epochs at least.
PRETRAINING = (1_500, 15)
#: The same of augmented views whose latent is to make clusters by itself, and epochs at
#: most, which are those of its paper.
AUGMENTED_PRETRAINING = (7_500, 15, 500)
#: Share of joint training in which clusters are held to the labels of their start,
#: where a graph made them and where they are a mixture on the latent of augmented
#: views. By self-training alone they lose what is nearer to other centres: digits
#: .984 → .860 from a graph, .941 → .863 from a mixture.
HELD_BY_GRAPH, HELD = 0.5, 0.1


class DECClusterer(BaseDeepClusterer):
    """Deep embedded clustering (DEC), and IDEC by `reconstruction_weight`.

    An autoencoder is trained, its latent space is partitioned by k-means, and then
    encoder and centres are trained to bring the assignments near a sharper version of
    themselves. The baseline that methods of deep clustering are compared with.

    Parameters
    ----------
    {n_clusters}
    reconstruction_weight : float, default=0.0
        Weight of the reconstruction error beside the clustering term. At 0, DEC, the
        decoder is let go once the clusters are trained; 10 is IDEC, which weights
        reconstruction and clustering as 1 and 0.1.
    architecture : {"auto", "shallow", "deep", "residual", "mlp"}, callable or \
            Module, default="auto"
        Autoencoder, as :class:`DeepTripletClusterer` takes it, but without batch
        normalisation where there is no augmentation.
    augmentation : "auto", str, dict, callable or None, default=None
        None is the method as published. Otherwise the autoencoder learns from augmented
        views, and the assignments of one view of each image are pulled to targets that
        come from the images themselves. See :class:`DeepTripletClusterer`.
    init : {"auto", "graph", "kmeans", "mixture", "agglomerative", "random"}, \
            estimator, array or callable, default="auto"
        The start, as :class:`DeepTripletClusterer` takes it. "auto" is k-means on the
        latent, as published, and "mixture" where there is `augmentation`.
    pretraining : {"auto", "reconstruction"}, Reconstruction or None, default="auto"
        The autoencoder; "auto" makes about 1,500 optimiser steps, or 7,500 where views
        are augmented and `init` makes no graph, and 15 epochs at least. With
        ``Reconstruction(from_views=True)`` it is the samples that are rebuilt from
        their augmented views, instead of the views themselves.
    targets : {"auto", "pseudo-labels", "self-training"} or object, default="auto"
        What assignments are pulled to; "auto", as published, is self-training, which
        takes over from the labels of the start after half of joint training where a
        graph made them, after a tenth where there is `augmentation` and no graph. See
        :class:`DeepTripletClusterer`.
    max_epochs : int or "auto", default="auto"
        Epochs of joint training, at most; "auto" makes about 900 optimiser steps.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    DeepTripletClusterer : With separation and balance, on a sphere.

    References
    ----------
    J. Xie, R. Girshick, A. Farhadi (2016), "Unsupervised deep embedding for clustering
    analysis", arXiv:1511.06335.

    X. Guo, L. Gao, X. Liu, J. Yin (2017), "Improved deep embedded clustering with local
    structure preservation", IJCAI.

    X. Guo, E. Zhu, X. Liu, J. Yin (2018), "Deep embedded clustering with data
    augmentation", ACML.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from deepcluster_sk import DECClusterer
    >>> X = load_digits().images
    >>> model = DECClusterer(n_clusters=10, random_state=0)
    >>> labels = model.fit_predict(X)  # doctest: +SKIP
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDeepClusterer._parameter_constraints,
        "reconstruction_weight": [WEIGHT],
        "init": [
            StrOptions({"auto"}),
            *BaseDeepClusterer._parameter_constraints["init"],
        ],
    }
    _module_constraints = MODULE_CONSTRAINTS
    _joint_parameters = BaseDeepClusterer._joint_parameters | {"reconstruction_weight"}
    _rebuilds_from_views = True

    def __init__(
        self,
        n_clusters: NClusters = 8,
        *,
        reconstruction_weight: float = 0.0,
        latent_dim: int | str = "auto",
        architecture: Any = "auto",
        image_shape: Any = None,
        channel_axis: int | None = None,
        max_pixels: int | str | None = "auto",
        augmentation: Any = None,
        init: Any = "auto",
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
        self.reconstruction_weight = reconstruction_weight

    @classmethod
    def from_paper(cls, n_clusters: NClusters = 8, **overrides: Any) -> Self:
        """Make DEC with the network of its paper, a perceptron of 500-500-2000 units.

        Parameters
        ----------
        n_clusters : int, "auto" or (int, int), default=8
        **overrides
            Parameters that are to differ.

        Returns
        -------
        DECClusterer
        """
        recipe: dict[str, Any] = {
            "architecture": "mlp",
            "module__channels": (500, 500, 2000),
            "latent_dim": 10,
        }
        return cls(n_clusters, **{**recipe, **overrides})

    def _init(self) -> Any:
        if isinstance(self.init, str) and self.init == "auto":
            return "kmeans" if self.augmentation is None else "mixture"
        return self.init

    def _default_targets(self) -> PseudoLabels | SelfTraining:
        if is_by_graph(self.init):
            return PseudoLabels(HELD_BY_GRAPH)
        return SelfTraining() if self.augmentation is None else PseudoLabels(HELD)

    def _auto_contrast(self) -> str:
        # As published, of images as they are.
        is_published = self.augmentation is None and not is_by_graph(self.init)
        return "none" if is_published else "auto"

    def _module(
        self, context: FitContext, start: Start
    ) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        return ClusteringAutoencoder, {
            "architecture": self.architecture,
            "sample_shape": context.layout.shape,
            "n_clusters": context.n_clusters,
            "latent_dim": self._latent_dim(context, start),
            "radius": None,
            "contrast": start.contrast,
            # As published. With batch norm usps gets .60, without .62.
            "batch_norm": self.augmentation is not None,
        }

    def _pretraining(
        self, context: FitContext, start: Start, streams: Streams
    ) -> tuple[Objective, int]:
        view = View(self._augmentation(context.layout), streams.generator)
        objective = AutoencoderPretraining(view, self._reconstruction().from_views)
        clusters_views = self.augmentation is not None and not is_by_graph(self.init)
        steps = AUGMENTED_PRETRAINING if clusters_views else PRETRAINING
        return objective, self._pretraining_epochs(context, steps)

    def _clustering(
        self, context: FitContext, start: Start, streams: Streams, held: dict[str, Any]
    ) -> tuple[Objective, int]:
        targets = self._targets()
        objective = DECClustering(
            View(self._augmentation(context.layout), streams.generator),
            self.reconstruction_weight,
            on_views=targets.on_views,
            from_views=self._reconstruction().from_views,
            update_interval=update_interval_of(targets),
            **held,
        )
        return objective, self._joint_epochs(context, start)
