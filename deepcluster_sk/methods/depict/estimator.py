"""DepictClusterer, the method of arXiv:1704.06327."""

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Self

import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.parameters import MODULE_CONSTRAINTS
from deepcluster_sk.base.start import Start, is_by_graph
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.losses.clustering import target_distribution
from deepcluster_sk.methods.depict.losses import depict_target, exact_depict_target
from deepcluster_sk.methods.depict.network import DepictNetwork
from deepcluster_sk.methods.depict.objective import DepictClustering, DepictPretraining
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.objectives import Objective
from deepcluster_sk.training.strategy import WEIGHT
from deepcluster_sk.training.targets import (
    PseudoLabels,
    SelfTraining,
    update_interval_of,
)

#: Optimiser steps of pretraining, and epochs at least and at most, by whether the start
#: is by graph. One in the latent wants a latent that has learned what there is to see.
PRETRAINING = {True: (100, 1, 60), False: (3_000, 1, 120)}

_TARGETS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "paper": depict_target,
    "exact": exact_depict_target,
    "dec": target_distribution,
}


class DepictClusterer(BaseDeepClusterer):
    """Deep image clustering by joint autoencoding and relative entropy (DEPICT).

    A softmax on the code of an autoencoder gives the assignments. Seen through dropout
    they are trained on targets from the network without it, made even by the
    frequencies of the clusters in the whole data set, while the decoder rebuilds every
    layer of the encoder.

    Parameters
    ----------
    {n_clusters}
    target : {"paper", "exact", "dec"}, default="paper"
        How targets come from the assignments p of all samples. "paper" is p over the
        square root of each cluster's sum, a closed form that treats the normalisers of
        all rows as equal; "exact" the minimiser the closed form approximates; "dec" the
        squares over the sums, as in :class:`DECClusterer` and in the authors' program.
    reconstruction_weight : float, default=1.0
        Weight of the reconstruction error beside the cross-entropy between targets and
        noisy assignments.
    hidden_weight : float, default=0.1
        Weight of the hidden layers in that error, against 1 for the input.
    pull_clean : bool, default=True
        Whether the assignments of the clean pathway are pulled to the targets as well
        or, as in the paper, only those of the noisy one. A network trained through
        noise alone may be at a loss without it.
    architecture : {"auto", "shallow", "deep", "mlp"}, default="auto"
        Two ("shallow") or three ("deep") convolutions of stride 2, or dense layers.
        "auto" takes the first for images, the last for vectors.
    augmentation : "auto", str, dict, callable or None, default="auto"
        Views in which the start looks for neighbours; training uses none. See
        :class:`DeepTripletClusterer`.
    pretraining : {"auto", "reconstruction"}, Reconstruction or None, default="auto"
        Reconstruction of all layers from noisy codes; "auto" makes about 100 optimiser
        steps, or 3,000 where the clusters start in the latent.
    targets : {"auto", "pseudo-labels", "self-training"} or object, default="auto"
        What assignments are pulled to; "auto" is the labels of the start for the first
        half, which then fade out in favour of the method's own. See
        :class:`DeepTripletClusterer`.
    max_epochs : int or "auto", default="auto"
        Epochs of joint training, at most; "auto" makes about 1500 optimiser steps.
    {parameters}

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, latent_dim)
        Means of the latent of the training samples, weighted by ``predict_proba``: the
        softmax itself has no centres.
    {attributes}

    See Also
    --------
    DeepTripletClusterer : Views in place of noise, centres in place of a softmax.

    Notes
    -----
    ``module__dropout`` is the share of the input and of the first layer that the noisy
    pathway is without, 0.1 where nothing is said.

    References
    ----------
    K. Ghasedi Dizaji, A. Herandi, C. Deng, W. Cai, H. Huang (2017), "Deep clustering
    via joint convolutional autoencoder embedding and relative entropy minimization",
    arXiv:1704.06327.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from deepcluster_sk import DepictClusterer
    >>> X = load_digits().images
    >>> model = DepictClusterer(n_clusters=10, random_state=0)
    >>> labels = model.fit_predict(X)  # doctest: +SKIP
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDeepClusterer._parameter_constraints,
        # The layers are rebuilt one by one: a network of one's own has no such layers.
        "architecture": [StrOptions({"auto", "shallow", "deep", "mlp"})],
        "target": [StrOptions(set(_TARGETS))],
        "reconstruction_weight": [WEIGHT],
        "hidden_weight": [WEIGHT],
        "pull_clean": ["boolean"],
    }
    _module_constraints: ClassVar[dict[str, list[Any]]] = {
        **MODULE_CONSTRAINTS,
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }
    _joint_steps = (1500, 4)
    _joint_parameters = BaseDeepClusterer._joint_parameters | {
        *("target", "pull_clean", "reconstruction_weight"),
    }

    def __init__(
        self,
        n_clusters: NClusters = 8,
        *,
        target: str = "paper",
        reconstruction_weight: float = 1.0,
        hidden_weight: float = 0.1,
        pull_clean: bool = True,
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
        self.target = target
        self.reconstruction_weight = reconstruction_weight
        self.hidden_weight = hidden_weight
        self.pull_clean = pull_clean

    @classmethod
    def from_paper(cls, n_clusters: NClusters = 8, **overrides: Any) -> Self:
        """Make the system of the paper: no graph, noisy assignments alone are pulled.

        It starts from clean codes that are joined by the links between nearest
        neighbours (``init="agglomerative"``), as the authors' program does, and is held
        to these labels for half of joint training: by its own targets alone it loses
        part of them.

        Parameters
        ----------
        n_clusters : int, "auto" or (int, int), default=8
        **overrides
            Parameters that are to differ. The paper trains for thousands of epochs at a
            constant rate: ``max_epochs=4000, lr=1e-4, callbacks__lr_decay=None``.

        Returns
        -------
        DepictClusterer
        """
        recipe: dict[str, Any] = {
            "pull_clean": False,
            "init": "agglomerative",
            "module__contrast": "none",
            "targets": PseudoLabels(duration=0.5),
        }
        return cls(n_clusters, **{**recipe, **overrides})

    def _default_targets(self) -> PseudoLabels | SelfTraining:
        return PseudoLabels(duration=0.5)

    def _module(
        self, context: FitContext, start: Start
    ) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        return DepictNetwork, {
            "architecture": self.architecture,
            "sample_shape": context.layout.shape,
            "n_clusters": context.n_clusters,
            "latent_dim": self._latent_dim(context, start),
            "contrast": start.contrast,
        }

    def _scaler(self, rows: NDArray[Any], layout: RowLayout) -> PixelScaler:
        if layout.is_image:
            # What the decoder's tanh can reach.
            return PixelScaler.to_range(rows, layout, -1.0, 1.0)
        return super()._scaler(rows, layout)

    def _pretraining(
        self, context: FitContext, start: Start, streams: Streams
    ) -> tuple[Objective, int]:
        steps = PRETRAINING[is_by_graph(self.init)]
        epochs = self._pretraining_epochs(context, steps)
        return DepictPretraining(self.hidden_weight), epochs

    def _clustering(
        self, context: FitContext, start: Start, streams: Streams, held: dict[str, Any]
    ) -> tuple[Objective, int]:
        objective = DepictClustering(
            self.reconstruction_weight,
            self.hidden_weight,
            self.pull_clean,
            update_interval=update_interval_of(self._targets()),
            target=_TARGETS[self.target],
            **held,
        )
        return objective, self._joint_epochs(context, start)
