"""DeepTripletClusterer, the method of arXiv:1901.06474."""

from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.augmentation.presets import kind_of, make_augmentation
from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.base.context import Run
from deepcluster_sk.graph.consensus import Partition
from deepcluster_sk.methods.triplet.discrimination import DiscriminationPretraining
from deepcluster_sk.methods.triplet.objective import (
    SeparationPretraining,
    TripletClustering,
    TripletPretraining,
    Triplets,
)
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from deepcluster_sk.training.objectives import Objective, SelfTraining
from deepcluster_sk.training.pseudo_labels import Anchor
from deepcluster_sk.training.schedule import epochs_for

#: Optimiser steps of each kind of pretraining, and epochs at least. Telling single
#: images apart takes more of them than telling clusters apart, and more latent
#: dimensions.
PRETRAINING_LENGTH = {
    "reconstruction": (100, 1),
    "separation": (1_000, 1),
    "discrimination": (2_000, 20),
}
TOLD_APART_DIM = 64
#: Optimiser steps of joint training. Of photographs, whose views differ more, the
#: network would forget part of the start in as few as serve others.
JOINT_STEPS, PHOTOGRAPH_STEPS = 450, 900
#: Margin of pretraining by separation, in squared distance on the unit sphere. The
#: nearest of a batch is soon at the paper's .24, and nothing is learned beyond.
SEPARATION_MARGIN = 1.0
#: Temperature of pretraining by discrimination, and the multiple of the learning rate
#: it and the joint training behind it rise to: networks with batch norm, as all of ours
#: have it, learn photographs best there.
TEMPERATURE = 0.2
LR_PEAK = 10.0


class DeepTripletClusterer(BaseDeepClusterer):
    """Deep image clustering by inter-class separation.

    An autoencoder, a clustering layer on its latent space and a triplet term are
    trained together: images are rebuilt, drawn to augmented views of themselves, pushed
    away from other images, and assigned to balanced clusters.

    With its defaults ``fit`` first partitions the samples by a graph of neighbours that
    augmentation makes alike; pretrains the network to tell each image from all others;
    adds what is near in its latent space to the graph, and moves single samples by it;
    and then trains network and clusters on that partition, which is found anew in the
    latent space while training goes on. The notes say which parameters give the paper's
    schedule.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
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
    latent_dim : int or "auto", default="auto"
        Dimensions of the latent space; "auto" is `n_clusters`, within 10 and 64, or 64
        where pretraining is by separation or discrimination.
    radius : float, None or "auto", default="auto"
        Radius of the sphere the latent is kept on; "auto" is the square root of
        `n_clusters`, at least 3. None leaves the latent unconstrained.
    kernel_power : float or "auto", default="auto"
        Power of the Student-t kernel; "auto" is log10 of `n_clusters`, at least 1, the
        paper's.
    architecture : {"auto", "shallow", "deep", "mlp"}, callable or Module, \
            default="auto"
        Autoencoder. "auto" takes the shallow convolutional one for images, and an MLP
        for vectors; "deep" has five convolutions instead of three. A module, or a
        callable that builds one from ``(sample_shape, latent_dim)``, needs the methods
        ``encode`` and ``decode``; see
        :class:`~deepcluster_sk.networks.autoencoders.Autoencoder`.
    channels : sequence of int, default=None
        Widths of the convolutions, or of the MLP's hidden layers.
    image_shape : tuple, default=None
        Shape of the images in flat rows: ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)``.
    channel_axis : {1, -1}, default=None
        Axis of the channels in 4-D input, where sizes do not tell.
    max_pixels : int, None or "auto", default="auto"
        Images of more pixels (height times width) are averaged down to about so many
        before anything else, since what training takes grows with them. None leaves
        them as they are. "auto" is 1,024, those of 32x32, or None where `architecture`
        is a module, which has its own size.
    contrast : {"auto", "none", "image", "local"}, default="auto"
        Contrast normalisation the network sees images under: none, over the whole
        image, or around every pixel. "auto" takes the one whose neighbour graph falls
        into clusters best, if `init` makes one, else none.
    augmentation : "auto", str, dict, callable or None, default="auto"
        What makes augmented views. "auto" chooses "grey", "natural" or "vector" by the
        kind of data, and "photograph" for images whose neighbours in pixels tell little
        (a few hubs are near to all); a dict gives the parameters of
        :class:`~deepcluster_sk.augmentation.presets.Augmentation`; a callable or
        module maps a batch to one of the same shape.
    n_views : int, default=2
        Augmented views of each image in a training pass.
    pull_views : bool, default=True
        Whether the assignments of the augmented views are pulled to the targets as well
        or, as in the paper, only those of the images themselves.
    negatives : {"batch", "bulk", "literal"}, default="batch"
        Where the separation term takes other images from: the batch; the data set, by
        draws for all images at once; or the data set, by the loop of the paper's
        Algorithm 1, which is slow.
    n_augmentations : int, default=10
        Views that measure an image's augmentation ball, unless `negatives` is "batch".
    init : {"consensus", "spectral", "kmeans", "random"}, array or callable, \
            default="consensus"
        The start. "consensus" and "spectral" partition a neighbour graph of the
        samples; "kmeans" and "random" the pretrained latent. An array of shape
        ``(n_clusters, latent_dim)`` gives the centres; a callable is asked for them as
        ``init(latent, n_clusters, random_state=...)``.
    anchoring : float, default=1.0
        Share of joint training, in [0, 1], whose targets are the start's labels. Over
        half as long again they fade out in favour of the network's own sharpened
        assignments (Eq. 3), which are all there is at 0, as in the paper.
    n_restarts : int, default=2
        How often the labels found so far are refined on the graph of the start and the
        latent space together, to be the targets of what follows, at equal distances
        over joint training; only where their modularity on the graph of the start
        comes near that of the first.
    pretraining : {"auto", "reconstruction", "separation", "discrimination"}, \
            default="auto"
        What comes before there are clusters. "reconstruction" rebuilds images, and
        separates them as `pretrain_omega` says. "separation" does nothing but separate
        each image, in two views, from the nearest other of its batch, at a margin of 1,
        and "discrimination" from all others of its batch at once. With an `init` of
        "consensus" or "spectral" the neighbours in that latent and, of images, those by
        patches then join the graph of the samples, and single samples move to the
        cluster that most of their links go to. Of photographs, whose neighbours in
        pixels tell little, patches take their place, and are partitioned anew together
        with the latent. "auto" is "separation" for images where `augmentation` and
        `n_views` make views of them, "discrimination" if they are like photographs,
        else "reconstruction".
    pretrain_omega : float, default=0.3
        Weight of the separation term in pretraining by reconstruction, whose own is 1.
    pretrain_margin : float, default=0.24
        Its margin there.
    pretrain_epochs : int or "auto", default="auto"
        Epochs of pretraining; "auto" makes about 100 optimiser steps, 1,000 where
        pretraining is by separation, and 2,000 but at least 20 epochs where it is by
        discrimination.
    max_epochs : int or "auto", default="auto"
        Epochs of joint training, at most; "auto" makes about 450 optimiser steps, or
        900 on photographs, more where there are more than ten clusters, and 8 epochs at
        least.
    update_interval : int, default=None
        Batches between two refreshes of the targets; None refreshes after every epoch.
    tol : float, default=1e-3
        The labels have settled once less than this fraction of them changes over an
        epoch. Joint training ends then, unless its targets are still anchored.
    batch_size : int or "auto", default="auto"
        Images in a batch; "auto" is a power of 2 from 64 to 256 that makes some thirty
        batches an epoch.
    lr : float, default=1e-3
        Learning rate of Adam.
    lr_schedule : {"cosine"} or None, default="cosine"
        Whether the learning rate falls to 0 along a half cosine in each phase. With
        pretraining by discrimination it first rises to ten times `lr` in each, unless
        `architecture` is a network of your own.
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
        Cache of the start and of pretraining, a folder or a :class:`joblib.Memory`.
        Fits on the same data that differ only in `alpha`, `beta`, `gamma`, `omega`,
        `margin`, `pull_views`, `update_interval`, `anchoring`, `n_restarts`,
        `max_epochs` or `tol` then share both; the start alone is shared by fits that
        differ in the network or its training as well. No result changes. It takes an
        int as `random_state`; with `callbacks`, pretraining is not shared.
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
        of labels that changed, the modularity of the labels, the seconds (``dur``).
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
    sklearn.cluster.KMeans : Clusters raw features.

    Notes
    -----
    The paper to the letter, but for the sign and the sums of its equations, which the
    documentation discusses: ``beta=0.8, radius=None, kernel_power=1, contrast="none",
    n_views=1, pull_views=False, negatives="literal", init="kmeans", anchoring=0,
    n_restarts=0, pretraining="reconstruction", pretrain_omega=0, pretrain_epochs=3,
    lr_schedule=None``.

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
        **{
            name: [Interval(Real, 0, None, closed="left")]
            for name in (
                "alpha",
                "beta",
                "gamma",
                "omega",
                "margin",
                "pretrain_omega",
                "pretrain_margin",
            )
        },
        "radius": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"auto"}),
            None,
        ],
        "kernel_power": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"auto"}),
        ],
        "n_views": [Interval(Integral, 0, None, closed="left")],
        "pull_views": ["boolean"],
        "negatives": [StrOptions({"batch", "bulk", "literal"})],
        "n_augmentations": [Interval(Integral, 1, None, closed="left")],
        "update_interval": [Interval(Integral, 1, None, closed="left"), None],
        "pretraining": [StrOptions({"auto", *PRETRAINING_LENGTH})],
    }

    _joint_parameters = BaseDeepClusterer._joint_parameters | {
        "alpha",
        "beta",
        "gamma",
        "omega",
        "margin",
        "pull_views",
        "update_interval",
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        alpha: float = 1.0,
        beta: float = 3.0,
        gamma: float = 0.01,
        omega: float = 0.1,
        margin: float = 0.24,
        latent_dim: int | str = "auto",
        radius: float | str | None = "auto",
        kernel_power: float | str = "auto",
        architecture: Any = "auto",
        channels: Any = None,
        image_shape: Any = None,
        channel_axis: int | None = None,
        max_pixels: int | str | None = "auto",
        contrast: str = "auto",
        augmentation: Any = "auto",
        n_views: int = 2,
        pull_views: bool = True,
        negatives: str = "batch",
        n_augmentations: int = 10,
        init: Any = "consensus",
        anchoring: float = 1.0,
        n_restarts: int = 2,
        pretraining: str = "auto",
        pretrain_omega: float = 0.3,
        pretrain_margin: float = 0.24,
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
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.omega = omega
        self.margin = margin
        self.latent_dim = latent_dim
        self.radius = radius
        self.kernel_power = kernel_power
        self.architecture = architecture
        self.channels = channels
        self.image_shape = image_shape
        self.channel_axis = channel_axis
        self.max_pixels = max_pixels
        self.contrast = contrast
        self.augmentation = augmentation
        self.n_views = n_views
        self.pull_views = pull_views
        self.negatives = negatives
        self.n_augmentations = n_augmentations
        self.init = init
        self.anchoring = anchoring
        self.n_restarts = n_restarts
        self.pretraining = pretraining
        self.pretrain_omega = pretrain_omega
        self.pretrain_margin = pretrain_margin
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
        radius = self.radius
        if radius == "auto":
            # The largest q that K centres allow shrinks as K grows, unless R does too.
            radius = max(3.0, float(np.sqrt(self.n_clusters)))
        power = self.kernel_power
        if power == "auto":
            power = max(1.0, float(np.log10(self.n_clusters)))
        return ClusteringAutoencoder, {
            "architecture": self.architecture,
            "sample_shape": run.layout.shape,
            "n_clusters": self.n_clusters,
            "latent_dim": self._latent_dim(run),
            "radius": radius,
            "channels": self.channels,
            "kernel_power": power,
            "contrast": run.contrast,
        }

    def _find_partition(self, run: Run, data: dict[str, Any]) -> Partition | None:
        first = super()._find_partition(run, data)
        if run.photographs and self.augmentation == "auto":
            augmentation = make_augmentation("photograph", kind_of(run.layout))
            run.views = replace(run.views, augmentation=augmentation)
        return first

    def _pretraining(self, run: Run) -> Objective:
        kind, views = self._pretraining_kind(run), run.views
        if kind == "separation":
            return SeparationPretraining(
                views.augmentation, views.generator, SEPARATION_MARGIN
            )
        if kind == "discrimination":
            return DiscriminationPretraining(
                views.augmentation, views.generator, TEMPERATURE
            )
        return TripletPretraining(
            self._triplets(run), self.pretrain_omega, self.pretrain_margin
        )

    def _clustering(self, run: Run, anchor: Anchor) -> SelfTraining:
        weights = {
            "reconstruction": self.alpha,
            "clustering": self.beta,
            "balance": self.gamma,
            "separation": self.omega,
        }
        return TripletClustering(
            self._triplets(run),
            weights,
            self.margin,
            self.pull_views,
            tol=self.tol,
            update_interval=self.update_interval,
            anchor=anchor,
        )

    def _epochs(self, run: Run) -> tuple[int, int]:
        pretrain, cluster = self.pretrain_epochs, self.max_epochs
        if pretrain == "auto":
            steps, least = PRETRAINING_LENGTH[self._pretraining_kind(run)]
            pretrain = epochs_for(run.n_samples, run.batch_size, steps, least, 60)
        if cluster == "auto":
            # More clusters take longer to tell apart.
            more = min(3.0, max(1.0, np.sqrt(self.n_clusters / 10)))
            steps = round((PHOTOGRAPH_STEPS if run.photographs else JOINT_STEPS) * more)
            cluster = epochs_for(run.n_samples, run.batch_size, steps, 8, 60)
        return int(pretrain), int(cluster)

    def _pretraining_kind(self, run: Run) -> str:
        if self.pretraining != "auto":
            return self.pretraining
        # Without views, images cannot be told from others by anything but pixels.
        unchanged = getattr(run.views.augmentation, "is_identity", False)
        if not run.layout.is_image or self.n_views == 0 or unchanged:
            return "reconstruction"
        return "discrimination" if run.photographs else "separation"

    def _lr_peak(self, run: Run) -> float:
        # A network of the user's own may not bear it.
        named = isinstance(self.architecture, str)
        discriminates = self._pretraining_kind(run) == "discrimination"
        return LR_PEAK if named and discriminates else 1.0

    def _looks_again(self, run: Run) -> bool:
        """Whether single images are told apart, which makes a latent to look in."""
        return self._pretraining_kind(run) != "reconstruction"

    def _latent_dim(self, run: Run) -> int:
        if self.latent_dim == "auto" and self._looks_again(run):
            return TOLD_APART_DIM
        return super()._latent_dim(run)

    def _triplets(self, run: Run) -> Triplets:
        return Triplets(
            run.views.augmentation,
            run.views.generator,
            self.negatives,  # type: ignore[arg-type]
            self.n_views,
            self.n_augmentations,
        )
