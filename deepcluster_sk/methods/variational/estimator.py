"""VariationalClusterer, a Gaussian-mixture variational autoencoder."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_scalar

from deepcluster_sk.augmentation.view import View
from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import Run
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph.consensus import Partition
from deepcluster_sk.methods.variational.network import MixtureVAE
from deepcluster_sk.methods.variational.objective import (
    VariationalClustering,
    VariationalPretraining,
)
from deepcluster_sk.networks.inference import collect, evaluating
from deepcluster_sk.training.objectives import Objective, SelfTraining
from deepcluster_sk.training.pseudo_labels import Anchor
from deepcluster_sk.training.schedule import epochs_for

#: Distance between neighbouring means of the mixture at the start, in standard
#: deviations of its Gaussians.
SEPARATION = 4.0


class VariationalClusterer(BaseDeepClusterer):
    """Deep clustering by a Gaussian-mixture variational autoencoder.

    A model of how the data come about: a cluster is drawn, a latent vector from the
    Gaussian of that cluster, and the sample from the decoder. All of it is learned
    together, by the evidence lower bound, so that new samples can be drawn
    (:meth:`sample`) and the likelihood of given ones be bounded
    (:meth:`score_samples`). ``predict_proba`` gives q(k|x), ``transform`` the posterior
    mean of the latent vector.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
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
    anchor_weight : float or "auto", default="auto"
        Weight, in nats, of the cross-entropy that holds q(k|x) of a view of each image
        to the start; "auto" is half the number of features.
    latent_dim : int or "auto", default="auto"
        Dimensions of the latent space; "auto" is `n_clusters`, within 10 and 64.
    architecture : {"auto", "shallow", "deep", "mlp"}, callable or Module, \
            default="auto"
        Encoder, as :class:`DeepTripletClusterer` takes it. The decoder is an MLP,
        unless the network is one's own.
    channels : sequence of int, default=None
        Widths of the encoder's convolutions or hidden layers.
    image_shape : tuple, default=None
        Shape of the images in flat rows: ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)``.
    channel_axis : {1, -1}, default=None
        Axis of the channels in 4-D input, where sizes do not tell.
    max_pixels : int, None or "auto", default="auto"
        Images of more pixels (height times width) are averaged down to about so many.
        "auto" is 1,024, or None where `architecture` is a module.
    contrast : {"auto", "none", "image", "local"}, default="auto"
        Contrast normalisation the encoder sees images under. "auto" takes the one whose
        neighbour graph falls into clusters best, if `init` makes one, else none.
    augmentation : "auto", str, dict, callable or None, default="auto"
        Views in which the start looks for neighbours, and that are held to it. The
        model is of the images themselves. See :class:`DeepTripletClusterer`.
    init : {"consensus", "spectral", "kmeans", "random"}, array or callable, \
            default="consensus"
        The start. "consensus" and "spectral" partition a neighbour graph of the
        samples; "kmeans" and "random" the latent, which wants pretraining. An array of
        shape ``(n_clusters, latent_dim)`` gives the means of the mixture; a callable is
        asked for them as ``init(latent, n_clusters, random_state=...)``.
    anchoring : float, default=0.5
        Share of joint training, in [0, 1], for which q(k|x) is held to the start. Over
        half as long again the hold fades out; what remains is the bound alone.
    n_restarts : int, default=2
        How often the labels found so far are refined on the graph of the start and the
        latent space together, to be the targets of what follows, at equal distances
        over joint training.
    pretrain_epochs : int or "auto", default=0
        Epochs of reconstruction alone; "auto" is 0: everything is learned together.
    max_epochs : int or "auto", default="auto"
        Epochs of joint training, at most; "auto" makes about 900 optimiser steps.
    tol : float, default=1e-3
        The labels have settled once less than this fraction of them changes over an
        epoch. Training ends then, unless its targets are still anchored.
    batch_size : int or "auto", default="auto"
        Images in a batch; "auto" is a power of 2 from 64 to 256 that makes some thirty
        batches an epoch.
    lr : float, default=1e-3
        Learning rate of Adam.
    lr_schedule : {"cosine"} or None, default="cosine"
        Whether the learning rate falls to 0 along a half cosine in each phase.
    precision : {"auto", "float32", "bf16"}, default="auto"
        What training computes in; "auto" is bf16 mixed precision where that is
        faster. Results are always computed in float32.
    device : str or torch.device, default="auto"
        "auto", "cpu", "cuda", "cuda:1", "mps"; "auto" takes a GPU where there is one.
    data_on_device : bool or "auto", default="auto"
        Whether training reads the data from a copy on the GPU; "auto" makes one where
        it takes no more than a quarter of the memory that is free there.
    callbacks : list of skorch callbacks, default=None
        Told of pretraining and of joint training.
    memory : None, str or object with the joblib.Memory interface, default=None
        Cache of the start and of pretraining, for fits that differ in what comes later.
    random_state : int, RandomState or None, default=None
        An int makes the result the same on every run, on one machine and with one
        number of threads. Global random streams are left alone.
    verbose : int, default=0
        1 shows a progress bar with the terms of the loss.
    **net_params
        Settings of the skorch net: ``optimizer__weight_decay``,
        ``iterator_train__num_workers``.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of each training sample; the same as ``predict`` gives.
    cluster_centers_ : ndarray of shape (n_clusters, latent_dim)
        Means of the mixture, in the space of ``transform``.
    initial_labels_ : ndarray of shape (n_samples,)
        The start, to see what training bought.
    history_ : list of dict
        One row an epoch: the phase, the terms, the loss (``train_loss``), the fraction
        of labels that changed, the seconds (``dur``).
    n_iter_ : int
        Epochs of joint training.
    n_features_in_ : int
        Features of a flat row.
    feature_names_in_ : ndarray of shape (n_features,)
        Only where `X` had feature names that are all strings.
    image_shape_ : tuple (C, H, W) or None
        Shape of the images, None for vectors.
    contrast_ : str
        The contrast normalisation used.
    device_ : str
        Where the network was trained.
    net_ : ClusteringNet
        The fitted skorch net.

    See Also
    --------
    sklearn.mixture.GaussianMixture : A mixture without a network.

    Notes
    -----
    Left to itself from the start, such a model tends to put everything into one
    cluster. The start, the hold and the warm-up are there to prevent it; a warning
    tells if clusters are empty all the same. ``anchoring=0`` trains the bound alone.

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
        "anchor_weight": [
            Interval(Real, 0, None, closed="left"),
            StrOptions({"auto"}),
        ],
    }
    _joint_parameters: ClassVar[frozenset[str]] = (
        BaseDeepClusterer._joint_parameters | {"warmup", "anchor_weight"}
    )

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        likelihood: str = "auto",
        relaxation: str = "marginal",
        warmup: float = 0.3,
        anchor_weight: float | str = "auto",
        latent_dim: int | str = "auto",
        architecture: Any = "auto",
        channels: Any = None,
        image_shape: Any = None,
        channel_axis: int | None = None,
        max_pixels: int | str | None = "auto",
        contrast: str = "auto",
        augmentation: Any = "auto",
        init: Any = "consensus",
        anchoring: float = 0.5,
        n_restarts: int = 2,
        pretrain_epochs: int | str = 0,
        max_epochs: int | str = "auto",
        tol: float = 1e-3,
        batch_size: int | str = "auto",
        lr: float = 1e-3,
        lr_schedule: str | None = "cosine",
        precision: str = "auto",
        device: Any = "auto",
        data_on_device: bool | str = "auto",
        callbacks: list[Any] | None = None,
        memory: Any = None,
        random_state: Any = None,
        verbose: int = 0,
        **net_params: Any,
    ) -> None:
        self.n_clusters = n_clusters
        self.likelihood = likelihood
        self.relaxation = relaxation
        self.warmup = warmup
        self.anchor_weight = anchor_weight
        self.latent_dim = latent_dim
        self.architecture = architecture
        self.channels = channels
        self.image_shape = image_shape
        self.channel_axis = channel_axis
        self.max_pixels = max_pixels
        self.contrast = contrast
        self.augmentation = augmentation
        self.init = init
        self.anchoring = anchoring
        self.n_restarts = n_restarts
        self.pretrain_epochs = pretrain_epochs
        self.max_epochs = max_epochs
        self.tol = tol
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.precision = precision
        self.device = device
        self.data_on_device = data_on_device
        self.callbacks = callbacks
        self.memory = memory
        self.random_state = random_state
        self.verbose = verbose
        self._store_net_params(net_params)

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
        """Evidence lower bound of each sample, with z at its posterior mean.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`.

        Returns
        -------
        bound : ndarray of shape (n_samples,), float32
            In nats, of the scaled features; low for samples unlike those fitted on.
        """
        rows, layout = self._rows(X)
        self._embed(rows, layout)  # refuses what is too large
        net = self.net_
        reader = SampleReader(layout, net.reader.scaler)
        with evaluating(net.module_):
            bound = collect(
                net.module_.elbo, RowDataset(rows), reader, net.torch_device
            )
        return bound.cpu().numpy()

    def _module(self, run: Run) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        return MixtureVAE, {
            "architecture": self.architecture,
            "sample_shape": run.layout.shape,
            "n_clusters": self.n_clusters,
            "latent_dim": self._latent_dim(run),
            "likelihood": self._likelihood(run.layout),
            "relaxation": self.relaxation,
            "channels": self.channels,
            "contrast": run.contrast,
        }

    def _start(
        self, run: Run, first: Partition | None, latent: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        labels, centers = super()._start(run, first, latent)
        # The scale of an untrained latent means nothing; Gaussians of variance 1 that
        # lie on top of each other would never become clusters of their own.
        return labels, _spread(centers) if isinstance(self.init, str) else centers

    def _likelihood(self, layout: RowLayout) -> str:
        if self.likelihood == "auto":
            grey = layout.is_image and layout.n_channels == 1
            return "bernoulli" if grey else "gaussian"
        return self.likelihood

    def _scaler(self, rows: NDArray[Any], layout: RowLayout) -> PixelScaler:
        if self._likelihood(layout) == "bernoulli":
            return PixelScaler.to_range(rows, layout, 0.0, 1.0)
        return super()._scaler(rows, layout)

    def _pretraining(self, run: Run) -> Objective:
        return VariationalPretraining()

    def _clustering(self, run: Run, anchor: Anchor) -> SelfTraining:
        weight = self.anchor_weight
        if weight == "auto":
            # The reconstruction grows with the number of features, and so must this.
            weight = 0.5 * run.layout.n_features
        return VariationalClustering(
            View(run.views.augmentation, run.views.generator),
            self.warmup,
            float(weight),
            tol=self.tol,
            anchor=anchor,
        )

    def _epochs(self, run: Run) -> tuple[int, int]:
        pretrain, cluster = self.pretrain_epochs, self.max_epochs
        if pretrain == "auto":
            pretrain = 0
        if cluster == "auto":
            cluster = epochs_for(run.n_samples, run.batch_size, 900, 4, 60)
        return int(pretrain), int(cluster)


def _spread(centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale centres about their mean until neighbours are well apart."""
    if len(centers) == 1:
        return centers
    gaps = np.linalg.norm(centers[:, None] - centers, axis=2)
    np.fill_diagonal(gaps, np.inf)
    mean = centers.mean(axis=0)
    gap = max(float(gaps.min(axis=1).mean()), 1e-6)
    return mean + (centers - mean) * np.float32(SEPARATION / gap)
