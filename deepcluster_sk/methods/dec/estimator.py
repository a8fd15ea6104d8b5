"""DECClusterer, deep embedded clustering: the baseline of the field."""

from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval

from deepcluster_sk.augmentation.view import View
from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import Run
from deepcluster_sk.methods.dec.objective import AutoencoderPretraining, DECClustering
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from deepcluster_sk.training.objectives import Objective, SelfTraining
from deepcluster_sk.training.pseudo_labels import Anchor
from deepcluster_sk.training.schedule import epochs_for


class DECClusterer(BaseDeepClusterer):
    """Deep embedded clustering (DEC), and IDEC by `reconstruction_weight`.

    An autoencoder is trained, its latent space is partitioned by k-means, and then
    encoder and centres are trained to bring the assignments near a sharper version of
    themselves. The baseline that methods of deep clustering are compared with.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
    reconstruction_weight : float, default=0.0
        Weight of the reconstruction error beside the clustering term. At 0, DEC, the
        decoder is let go once the clusters are trained; 10 is IDEC, which weights
        reconstruction and clustering as 1 and 0.1.
    latent_dim : int or "auto", default="auto"
        Dimensions of the latent space; "auto" is `n_clusters`, within 10 and 64.
    architecture : {"auto", "shallow", "deep", "mlp"}, callable or Module, \
            default="auto"
        Autoencoder, as :class:`DeepTripletClusterer` takes it, but without batch
        normalisation where there is no augmentation. The network that was published is
        ``architecture="mlp", channels=(500, 500, 2000), latent_dim=10``.
    channels : sequence of int, default=None
        Widths of the convolutions, or of the MLP's hidden layers.
    image_shape : tuple, default=None
        Shape of the images in flat rows: ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)``.
    channel_axis : {1, -1}, default=None
        Axis of the channels in 4-D input, where sizes do not tell.
    max_pixels : int, None or "auto", default="auto"
        Images of more pixels (height times width) are averaged down to about so many.
        "auto" is 1,024, or None where `architecture` is a module.
    contrast : {"auto", "none", "image", "local"}, default="none"
        Contrast normalisation the network sees images under. "auto" takes the one whose
        neighbour graph falls into clusters best, if `init` makes one, else none.
    augmentation : "auto", str, dict, callable or None, default=None
        None is the method as published. Otherwise the autoencoder learns from augmented
        views, and the assignments of one view of each image are pulled to targets that
        come from the images themselves. See :class:`DeepTripletClusterer`.
    init : {"kmeans", "consensus", "spectral", "random"}, array or callable, \
            default="kmeans"
        The start. "kmeans" and "random" partition the latent of the autoencoder;
        "consensus" and "spectral" a neighbour graph of the samples. An array of shape
        ``(n_clusters, latent_dim)`` gives the centres; a callable is asked for them as
        ``init(latent, n_clusters, random_state=...)``.
    anchoring : float, default=0.0
        Share of joint training, in [0, 1], whose targets are the start's labels. At 0,
        as published, they are the sharpened assignments throughout.
    n_restarts : int, default=0
        How often the labels found from a start by graph are refined on that graph and
        the latent space together.
    pretrain_epochs : int or "auto", default="auto"
        Epochs of the autoencoder; "auto" makes about 1500 optimiser steps, and 15
        epochs at least.
    max_epochs : int or "auto", default="auto"
        Epochs of joint training, at most; "auto" makes about 900 optimiser steps.
    update_interval : int, default=None
        Batches between two refreshes of the targets; None refreshes after every epoch.
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
        Centres, in the space of ``transform``.
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
        "reconstruction_weight": [Interval(Real, 0, None, closed="left")],
        "update_interval": [Interval(Integral, 1, None, closed="left"), None],
    }
    _joint_parameters: ClassVar[frozenset[str]] = (
        BaseDeepClusterer._joint_parameters
        | {"reconstruction_weight", "update_interval"}
    )

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        reconstruction_weight: float = 0.0,
        latent_dim: int | str = "auto",
        architecture: Any = "auto",
        channels: Any = None,
        image_shape: Any = None,
        channel_axis: int | None = None,
        max_pixels: int | str | None = "auto",
        contrast: str = "none",
        augmentation: Any = None,
        init: Any = "kmeans",
        anchoring: float = 0.0,
        n_restarts: int = 0,
        pretrain_epochs: int | str = "auto",
        max_epochs: int | str = "auto",
        update_interval: int | None = None,
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
        self.reconstruction_weight = reconstruction_weight
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
        self.update_interval = update_interval
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

    def _module(self, run: Run) -> tuple[type[torch.nn.Module], dict[str, Any]]:
        return ClusteringAutoencoder, {
            "architecture": self.architecture,
            "sample_shape": run.layout.shape,
            "n_clusters": self.n_clusters,
            "latent_dim": self._latent_dim(run),
            "radius": None,
            "channels": self.channels,
            "contrast": run.contrast,
            # As published. With batch norm usps gets .60, without .62.
            "batch_norm": self.augmentation is not None,
        }

    def _pretraining(self, run: Run) -> Objective:
        return AutoencoderPretraining(_view(run))

    def _clustering(self, run: Run, anchor: Anchor) -> SelfTraining:
        return DECClustering(
            _view(run),
            self.reconstruction_weight,
            tol=self.tol,
            update_interval=self.update_interval,
            anchor=anchor,
        )

    def _epochs(self, run: Run) -> tuple[int, int]:
        pretrain, cluster = self.pretrain_epochs, self.max_epochs
        if pretrain == "auto":
            pretrain = epochs_for(run.n_samples, run.batch_size, 1500, 15, 60)
        if cluster == "auto":
            cluster = epochs_for(run.n_samples, run.batch_size, 900, 4, 60)
        return int(pretrain), int(cluster)


def _view(run: Run) -> View:
    return View(run.views.augmentation, run.views.generator)
