"""DepictClusterer, the method of arXiv:1704.06327."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import Run
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.losses.clustering import target_distribution
from deepcluster_sk.methods.depict.losses import depict_target, exact_depict_target
from deepcluster_sk.methods.depict.network import DepictNetwork
from deepcluster_sk.methods.depict.objective import DepictClustering, DepictPretraining
from deepcluster_sk.training.objectives import Objective, SelfTraining
from deepcluster_sk.training.pseudo_labels import Anchor
from deepcluster_sk.training.schedule import epochs_for

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
    n_clusters : int, default=8
        Number of clusters.
    target : {"paper", "exact", "dec"}, default="paper"
        Targets from the assignments p of all samples. "paper" is p over the square root
        of each cluster's sum, a closed form that treats the normalisers of all rows as
        equal; "exact" the minimiser the closed form approximates; "dec" the squares
        over the sums, as in :class:`DECClusterer` and in the authors' program.
    clustering_weight : float, default=1.0
        Weight of the cross-entropy between targets and noisy assignments.
    reconstruction_weight : float, default=1.0
        Weight of the reconstruction error.
    hidden_weight : float, default=0.1
        Weight of the hidden layers in that error, against 1 for the input.
    dropout : float, default=0.1
        Probability that a number of the input or of the first layer is dropped.
    pull_clean : bool, default=True
        Whether the assignments of the clean pathway are pulled to the targets as well
        or, as in the paper, only those of the noisy one. A network trained through
        noise alone may be at a loss without it.
    latent_dim : int or "auto", default="auto"
        Dimensions of the latent space; "auto" is `n_clusters`, within 10 and 64.
    architecture : {"auto", "shallow", "deep", "mlp"}, default="auto"
        Two ("shallow") or three ("deep") convolutions of stride 2, or dense layers.
        "auto" takes the first for images, the last for vectors.
    channels : sequence of int, default=None
        Widths of the layers; 50 maps each by default.
    image_shape : tuple, default=None
        Shape of the images in flat rows: ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)``.
    channel_axis : {1, -1}, default=None
        Axis of the channels in 4-D input, where sizes do not tell.
    max_pixels : int, None or "auto", default="auto"
        Images of more pixels (height times width) are averaged down to about so many.
        "auto" is 1,024, or None where `architecture` is a module.
    contrast : {"auto", "none", "image", "local"}, default="auto"
        Contrast normalisation the network sees images under. "auto" takes the one whose
        neighbour graph falls into clusters best, if `init` makes one, else none.
    augmentation : "auto", str, dict, callable or None, default="auto"
        Views in which the start looks for neighbours; training uses none. See
        :class:`DeepTripletClusterer`.
    init : {"consensus", "spectral", "kmeans", "random"}, array or callable, \
            default="consensus"
        The start. "consensus" and "spectral" partition a neighbour graph of the
        samples; "kmeans" and "random" the pretrained latent. An array of shape
        ``(n_clusters, latent_dim)`` gives centres; a callable is asked for them as
        ``init(latent, n_clusters, random_state=...)``.
    anchoring : float, default=0.5
        Share of joint training, in [0, 1], whose targets are the start's labels. Over
        half as long again they fade out in favour of the method's own, which are all
        there is at 0, as in the paper.
    n_restarts : int, default=2
        How often the labels found so far are refined on the graph of the start and the
        latent space together, to be the targets of what follows, at equal distances
        over joint training.
    pretrain_epochs : int or "auto", default="auto"
        Epochs of pretraining; "auto" makes about 100 optimiser steps.
    max_epochs : int or "auto", default="auto"
        Epochs of joint training, at most; "auto" makes about 1500 optimiser steps.
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
        Means of the latent of the training samples, weighted by ``predict_proba``: the
        softmax itself has no centres.
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
    DeepTripletClusterer : Views in place of noise, centres in place of a softmax.

    Notes
    -----
    The paper's schedule: ``pull_clean=False, contrast="none", init="kmeans",
    anchoring=0, n_restarts=0, lr=1e-4, lr_schedule=None, batch_size=100``, with
    thousands of epochs.

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
        "clustering_weight": [Interval(Real, 0, None, closed="left")],
        "reconstruction_weight": [Interval(Real, 0, None, closed="left")],
        "hidden_weight": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "pull_clean": ["boolean"],
        "update_interval": [Interval(Integral, 1, None, closed="left"), None],
    }
    _joint_parameters: ClassVar[frozenset[str]] = (
        BaseDeepClusterer._joint_parameters
        | {
            *("target", "pull_clean", "update_interval"),
            *("clustering_weight", "reconstruction_weight"),
        }
    )

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        target: str = "paper",
        clustering_weight: float = 1.0,
        reconstruction_weight: float = 1.0,
        hidden_weight: float = 0.1,
        dropout: float = 0.1,
        pull_clean: bool = True,
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
        self.target = target
        self.clustering_weight = clustering_weight
        self.reconstruction_weight = reconstruction_weight
        self.hidden_weight = hidden_weight
        self.dropout = dropout
        self.pull_clean = pull_clean
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
        return DepictNetwork, {
            "architecture": self.architecture,
            "sample_shape": run.layout.shape,
            "n_clusters": self.n_clusters,
            "latent_dim": self._latent_dim(run),
            "channels": self.channels,
            "dropout": self.dropout,
            "contrast": run.contrast,
        }

    def _scaler(self, rows: NDArray[Any], layout: RowLayout) -> PixelScaler:
        if layout.is_image:
            # What the decoder's tanh can reach.
            return PixelScaler.to_range(rows, layout, -1.0, 1.0)
        return super()._scaler(rows, layout)

    def _pretraining(self, run: Run) -> Objective:
        return DepictPretraining(self.hidden_weight)

    def _clustering(self, run: Run, anchor: Anchor) -> SelfTraining:
        weights = {
            "clustering": self.clustering_weight,
            "reconstruction": self.reconstruction_weight,
        }
        return DepictClustering(
            weights,
            self.hidden_weight,
            self.pull_clean,
            tol=self.tol,
            update_interval=self.update_interval,
            target=_TARGETS[self.target],
            anchor=anchor,
        )

    def _epochs(self, run: Run) -> tuple[int, int]:
        pretrain, cluster = self.pretrain_epochs, self.max_epochs
        if pretrain == "auto":
            pretrain = epochs_for(run.n_samples, run.batch_size, 100, 1, 60)
        if cluster == "auto":
            cluster = epochs_for(run.n_samples, run.batch_size, 1500, 4, 60)
        return int(pretrain), int(cluster)
