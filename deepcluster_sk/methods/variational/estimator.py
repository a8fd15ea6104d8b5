"""VariationalClusterer, a Gaussian-mixture variational autoencoder."""

from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_scalar

from deepcluster_sk.augmentation.view import View
from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.parameters import MODULE_CONSTRAINTS
from deepcluster_sk.base.start import Start, gives_centers
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.methods.variational.network import MixtureVAE
from deepcluster_sk.methods.variational.objective import (
    VariationalClustering,
    VariationalPretraining,
)
from deepcluster_sk.networks.inference import collect, evaluating
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.objectives import Objective
from deepcluster_sk.training.pretraining import Reconstruction
from deepcluster_sk.training.strategy import WEIGHT
from deepcluster_sk.training.targets import PseudoLabels, SelfTraining

#: Distance between neighbouring means of the mixture at the start, in standard
#: deviations of its Gaussians.
SEPARATION = 4.0
#: Draws of the latent vector that the bound of a sample is the mean of; even.
N_DRAWS = 8
#: Optimiser steps of pretraining, where it is asked for, and epochs at least.
PRETRAINING = (1_500, 15)
#: Weight of the labels of the start, by the number of features: so grows the
#: reconstruction, and so must this.
START_WEIGHT = 0.5


class VariationalClusterer(BaseDeepClusterer):
    """Deep clustering by a Gaussian-mixture variational autoencoder.

    A model of how the data come about: a cluster is drawn, a latent vector from the
    Gaussian of that cluster, and the sample from the decoder. All of it is learned
    together, by the evidence lower bound, so that new samples can be drawn
    (:meth:`sample`) and the likelihood of given ones be estimated
    (:meth:`score_samples`). ``predict_proba`` gives q(k|x), ``transform`` the posterior
    mean of the latent vector.

    Parameters
    ----------
    {n_clusters}
    likelihood : {"auto", "bernoulli", "gaussian"}, default="auto"
        Bernoulli on samples scaled to [0, 1], or Gaussian with one learned variance on
        standardised ones. "auto" takes the first for grey images.
    relaxation : {"marginal", "gumbel"}, default="marginal"
        "marginal" sums over clusters exactly, at one pass of the decoder for each;
        "gumbel" draws one relaxed cluster, for one pass in all: cheaper with many
        clusters, and noisier.
    warmup : float, default=0.3
        Share of joint training, in [0, 1], over which the divergences of the bound rise
        to their full weight.
    start_weight : float or "auto", default="auto"
        Weight, in nats, of the cross-entropy that holds q(k|x) of a view of each image
        to the labels of the start; "auto" is half the number of features.
    architecture : {"auto", "shallow", "deep", "residual", "mlp"}, callable or \
            Module, default="auto"
        Encoder, as :class:`DeepTripletClusterer` takes it. The decoder is an MLP,
        unless the network is one's own.
    augmentation : "auto", str, dict, callable or None, default="auto"
        Views in which the start looks for neighbours, and that are held to it. The
        model is of the images themselves. See :class:`DeepTripletClusterer`.
    init : {"graph", "kmeans", "mixture", "agglomerative", "random"}, estimator, array \
            or callable, default="graph"
        The start, as :class:`DeepTripletClusterer` takes it. All but "graph" partition
        the latent, which wants pretraining; centres are the means of the mixture.
    pretraining : {"auto", "reconstruction"}, Reconstruction or None, default="auto"
        Reconstruction alone; "auto" is None: everything is learned together. With
        ``Reconstruction(from_views=True)`` the posterior of each image is that which a
        view of it gives, in joint training as well.
    targets : {"auto", "pseudo-labels", "self-training"} or object, default="auto"
        What holds q(k|x) for a while; "auto" is the labels of the start for the first
        half, which then fade out until the bound alone remains. "self-training" is the
        bound alone, throughout, and little more than chance decides what it finds.
    max_epochs : int or "auto", default="auto"
        Epochs of joint training, at most; "auto" makes about 900 optimiser steps.
    {parameters}

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, latent_dim)
        Means of the mixture, in the space of ``transform``.
    {attributes}

    See Also
    --------
    sklearn.mixture.GaussianMixture : A mixture without a network.

    References
    ----------
    V. Prasad, D. Das, B. Bhowmick (2020), "Variational clustering: leveraging
    variational autoencoders for image clustering", arXiv:2005.04613.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from deepcluster_sk import VariationalClusterer
    >>> X = load_digits().images
    >>> model = VariationalClusterer(n_clusters=10, random_state=0)
    >>> labels = model.fit_predict(X)  # doctest: +SKIP
    >>> drawn, _ = model.sample(5, cluster=3)  # doctest: +SKIP
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseDeepClusterer._parameter_constraints,
        "likelihood": [StrOptions({"auto", "bernoulli", "gaussian"})],
        "relaxation": [StrOptions({"marginal", "gumbel"})],
        "warmup": [Interval(Real, 0, 1, closed="both")],
        "start_weight": [WEIGHT, StrOptions({"auto"})],
    }
    _module_constraints = MODULE_CONSTRAINTS
    _joint_parameters = BaseDeepClusterer._joint_parameters | {"warmup", "start_weight"}
    _rebuilds_from_views = True

    def __init__(
        self,
        n_clusters: NClusters = 8,
        *,
        likelihood: str = "auto",
        relaxation: str = "marginal",
        warmup: float = 0.3,
        start_weight: float | str = "auto",
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
        self.likelihood = likelihood
        self.relaxation = relaxation
        self.warmup = warmup
        self.start_weight = start_weight

    @classmethod
    def from_paper(cls, n_clusters: NClusters = 8, **overrides: Any) -> Self:
        """Make the system of the paper: no graph, one network from first to last.

        The divergences of the bound weigh nothing at first. Once the latent tells
        images apart, the mixture is placed in it; its clusters hold q(k|x) for half of
        what follows, and then the bound is left alone. The posterior of an image is
        that which an augmented view of it gives.

        Parameters
        ----------
        n_clusters : int, "auto" or (int, int), default=8
        **overrides
            Parameters that are to differ.

        Returns
        -------
        VariationalClusterer
        """
        recipe: dict[str, Any] = {
            "augmentation": "distorted",
            "init": "mixture",
            "module__contrast": "none",
            "pretraining": Reconstruction(from_views=True),
        }
        return cls(n_clusters, **{**recipe, **overrides})

    def sample(
        self, n_samples: int = 1, cluster: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Draw new samples from the model.

        Parameters
        ----------
        n_samples : int, default=1
        cluster : int, default=None
            Cluster to draw from; None draws it as well, evenly.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), float32
            Means of p(x|z), as flat rows in the units of the data fitted on; the same
            on every call where `random_state` is an int.
        labels : ndarray of shape (n_samples,)
            Cluster each was drawn from.

        Raises
        ------
        ValueError, TypeError
            If there is no such cluster, or nothing is to be drawn.
        """
        check_is_fitted(self)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        random_state = check_random_state(self.random_state)
        module = self.net_.module_
        n_clusters = module.n_clusters
        if cluster is None:
            labels = random_state.randint(n_clusters, size=n_samples)
        else:
            check_scalar(
                cluster, "cluster", Integral, min_val=0, max_val=n_clusters - 1
            )
            labels = np.full(n_samples, int(cluster))
        with torch.no_grad():
            mean, log_variance = (part.cpu().numpy() for part in module.prior())
        noise = random_state.standard_normal((n_samples, module.latent_dim))
        latent = mean[labels] + noise * np.exp(0.5 * log_variance[labels])
        return self.inverse_transform(latent.astype(np.float32)), labels

    def score_samples(self, X: ArrayLike) -> NDArray[np.float32]:
        """Evidence lower bound of the log-likelihood of each sample.

        Its expectation over the latent vector is the mean over eight draws, in pairs
        that mirror each other, the same on every call and for every sample.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`.

        Returns
        -------
        bound : ndarray of shape (n_samples,), float32
            In nats, of the scaled features; low for samples unlike those fitted on.

        Raises
        ------
        ValueError
            If `X` holds values so large that the bound is not finite.
        """
        rows, layout = self._rows(X)
        self._embed(rows, layout)  # refuses what is too large
        net = self.net_
        half = np.random.RandomState(0).standard_normal(
            (N_DRAWS // 2, net.module_.latent_dim)
        )
        noise = torch.as_tensor(np.concatenate([half, -half]), dtype=torch.float32)
        elbo = partial(net.module_.elbo, noise=noise.to(net.torch_device))
        reader = self._fitted_reader(layout)
        with evaluating(net.module_):
            bound = collect(elbo, RowDataset(rows), reader, net.torch_device)
        if not bound.isfinite().all():
            raise ValueError(
                "The bound of X is not finite: X holds values too large for a "
                f"{type(self).__name__} fitted on data of another scale."
            )
        return bound.cpu().numpy()

    def _default_targets(self) -> PseudoLabels | SelfTraining:
        return PseudoLabels(duration=0.5)

    def _module(
        self, context: FitContext, start: Start
    ) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        return MixtureVAE, {
            "architecture": self.architecture,
            "sample_shape": context.layout.shape,
            "n_clusters": context.n_clusters,
            "latent_dim": self._latent_dim(context, start),
            "likelihood": self._likelihood(context.layout),
            "relaxation": self.relaxation,
            "contrast": start.contrast,
        }

    def _first_clusters(
        self,
        start: Start,
        latent: NDArray[np.float32],
        draw: Callable[[int], list[NDArray[np.float32]]],
        n_clusters: int,
        random_state: np.random.RandomState,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        labels, centers = super()._first_clusters(
            start, latent, draw, n_clusters, random_state
        )
        if gives_centers(self.init):
            return labels, centers
        # The scale of an untrained latent means nothing; Gaussians of variance 1 that
        # lie on top of each other would never become clusters of their own.
        return labels, _spread(centers)

    def _likelihood(self, layout: RowLayout) -> str:
        if self.likelihood == "auto":
            grey = layout.is_image and layout.n_channels == 1
            return "bernoulli" if grey else "gaussian"
        return self.likelihood

    def _scaler(self, rows: NDArray[Any], layout: RowLayout) -> PixelScaler:
        if self._likelihood(layout) == "bernoulli":
            return PixelScaler.to_range(rows, layout, 0.0, 1.0)
        return super()._scaler(rows, layout)

    def _pretraining(
        self, context: FitContext, start: Start, streams: Streams
    ) -> tuple[Objective, int]:
        view = None
        if self._reconstruction().from_views:
            view = View(self._augmentation(context.layout), streams.generator)
        epochs = 0
        if self.pretraining != "auto":
            epochs = self._pretraining_epochs(context, PRETRAINING)
        return VariationalPretraining(view), epochs

    def _clustering(
        self, context: FitContext, start: Start, streams: Streams, held: dict[str, Any]
    ) -> tuple[Objective, int]:
        weight = self.start_weight
        if weight == "auto":
            weight = START_WEIGHT * context.layout.n_features
        objective = VariationalClustering(
            View(self._augmentation(context.layout), streams.generator),
            0.0 if context.goes_on else self.warmup,
            float(weight),
            self._targets().on_views,
            self._reconstruction().from_views,
            **held,
        )
        return objective, self._joint_epochs(context, start)


def _spread(centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale centres about their mean until neighbours are well apart."""
    if len(centers) == 1:
        return centers
    gaps = np.linalg.norm(centers[:, None] - centers, axis=2)
    np.fill_diagonal(gaps, np.inf)
    mean = centers.mean(axis=0)
    gap = max(float(gaps.min(axis=1).mean()), 1e-6)
    return mean + (centers - mean) * np.float32(SEPARATION / gap)
