"""Parameters that all clusterers share: their ranges, and their text in docstrings."""

import re
from numbers import Integral, Real
from textwrap import indent
from typing import Any

import torch
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from deepcluster_sk.counting.bounds import N_CLUSTERS
from deepcluster_sk.data.resizing import MIN_SIDE
from deepcluster_sk.networks.contrast import CONTRASTS
from deepcluster_sk.training.pretraining import Reconstruction
from deepcluster_sk.training.strategy import POSITIVE
from deepcluster_sk.training.targets import PseudoLabels, SelfTraining

CONSTRAINTS: dict[str, list[Any]] = {
    "n_clusters": N_CLUSTERS,
    "latent_dim": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "architecture": [
        StrOptions({"auto", "shallow", "deep", "residual", "mlp"}),
        callable,
        torch.nn.Module,
    ],
    "image_shape": ["array-like", None],
    "channel_axis": [Options(Integral, {1, -1}), None],
    "max_pixels": [
        Interval(Integral, MIN_SIDE**2, None, closed="left"),
        StrOptions({"auto"}),
        None,
    ],
    "augmentation": [str, dict, callable, torch.nn.Module, None],
    "init": [
        StrOptions({"graph", "kmeans", "mixture", "agglomerative", "random"}),
        "array-like",
        callable,
        HasMethods(["fit_predict"]),
    ],
    "pretraining": [StrOptions({"auto", "reconstruction"}), Reconstruction, None],
    "targets": [
        StrOptions({"auto", "pseudo-labels", "self-training"}),
        PseudoLabels,
        SelfTraining,
    ],
    "max_epochs": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
    "tol": [Interval(Real, 0, 1, closed="both")],
    "batch_size": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
    "lr": [POSITIVE],
    "precision": [StrOptions({"auto", "float32", "bf16"})],
    "device": [str, torch.device],
    "callbacks": [list, None],
    "memory": [str, HasMethods(["cache"]), None],
    "random_state": ["random_state"],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
}

#: Settings that the networks of all methods have, as ``module__<name>``.
MODULE_CONSTRAINTS: dict[str, list[Any]] = {
    "channels": ["array-like", None],
    "contrast": [StrOptions({"auto", *CONTRASTS})],
}

PARAMETERS = """\
n_clusters : int, "auto" or (int, int), default=8
    Number of clusters. "auto" counts them by the borders in a neighbour graph of the
    samples; two numbers are the fewest and the most there may be. A warning says where
    the number found is a guess.
latent_dim : int or "auto", default="auto"
    Dimensions of the latent space; "auto" is `n_clusters_`, within 10 and 64.
architecture : {"auto", "shallow", "deep", "residual", "mlp"}, callable or Module, \
        default="auto"
    Autoencoder. "auto" takes the shallow convolutional one for images, and an MLP for
    vectors; "deep" has five convolutions instead of three. "residual" has a residual
    network as its encoder; :class:`~deepcluster_sk.DeepTripletClusterer` takes it for
    photographs on a CUDA GPU, elsewhere it takes hours. A module, or a callable that
    builds one from ``(sample_shape, latent_dim)``, needs the methods ``encode`` and
    ``decode``; see :class:`~deepcluster_sk.networks.autoencoders.Autoencoder`.
image_shape : tuple, default=None
    Shape of the images in flat rows: ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)``.
channel_axis : {1, -1}, default=None
    Axis of the channels in 4-D input, where sizes do not tell.
max_pixels : int, None or "auto", default="auto"
    Images of more pixels (height times width) are averaged down to about so many before
    anything else, since time and memory of training grow with them. None leaves them as
    they are. "auto" is 1,024, those of 32x32, or None where `architecture` is a module,
    which has its own size.
augmentation : "auto", str, dict, callable or None, default="auto"
    What makes augmented views. "auto" chooses "grey", "natural" or "vector" by the kind
    of data; a dict gives the parameters of
    :class:`~deepcluster_sk.augmentation.presets.Augmentation`; a callable or module
    maps a batch to one of the same shape.
init : {"graph", "kmeans", "mixture", "agglomerative", "random"}, estimator, array or \
        callable, default="graph"
    The start. "graph" partitions a neighbour graph of the samples, as
    :class:`~deepcluster_sk.NeighborGraphClusterer` does, which may be given itself to
    set how; all else partitions the pretrained latent. "mixture" is the best of 24
    draws of k-means and a mixture of Gaussians, the one that augmented views agree on
    most, with clusters merged and split where they then agree more; "agglomerative"
    joins samples by the links between nearest neighbours, from single ones up. A
    clusterer of scikit-learn has its `n_clusters` set. An array of whole numbers of
    shape ``(n_samples,)`` gives labels; one of shape ``(n_clusters, latent_dim)`` the
    centres; a callable is asked for them as
    ``init(latent, n_clusters, random_state=...)``.
pretraining : {"auto", "reconstruction"}, Reconstruction or None, default="auto"
    What comes before there are clusters; None is nothing. "auto" is reconstruction. See
    :class:`~deepcluster_sk.Reconstruction`.
targets : {"auto", "pseudo-labels", "self-training"} or object, default="auto"
    What assignments are pulled to: the labels of the start, found anew meanwhile
    (:class:`~deepcluster_sk.PseudoLabels`), or the network's own assignments, sharpened
    (:class:`~deepcluster_sk.SelfTraining`).
max_epochs : int or "auto", default="auto"
    Epochs of joint training, at most.
tol : float, default=1e-3
    The labels have settled once less than this fraction of them changes over an epoch.
    Joint training ends then, unless pseudo-labels still hold it.
batch_size : int or "auto", default="auto"
    Images in a batch; "auto" is a power of 2 from 64 to 256 that makes some thirty
    batches an epoch.
lr : float, default=1e-3
    Learning rate of Adam. It falls to 0 along a half cosine in each phase, unless
    ``callbacks__lr_decay=None``.
precision : {"auto", "float32", "bf16"}, default="auto"
    What training computes in; "auto" is bf16 mixed precision where that is faster.
    Results are computed in float32; how exactly a GPU multiplies in it is torch's
    setting (``torch.backends.cudnn.allow_tf32``).
device : str or torch.device, default="auto"
    "auto", "cpu", "cuda", "cuda:1", "mps"; "auto" takes a CUDA GPU where there is one.
    Apple's "mps" may lack operations that are needed here.
callbacks : list of skorch callbacks, default=None
    Told of pretraining and of joint training. One that raises
    :class:`~deepcluster_sk.StopPhase` ends the running phase.
memory : None, str or object with the joblib.Memory interface, default=None
    Cache of the start and of pretraining, a folder or a :class:`joblib.Memory`. Fits on
    the same data that differ only in what comes later share both, fits that differ in
    the network or its training the start. No result changes. It takes an int as
    `random_state`; with `callbacks`, pretraining is not shared.
random_state : int, RandomState or None, default=None
    An int makes the result the same on every run, on one machine and with one number of
    threads; on a GPU only where torch is told to be deterministic
    (``torch.use_deterministic_algorithms``), else up to rounding. Global random streams
    are left alone.
warm_start : bool, default=False
    Whether ``fit`` of a fitted clusterer goes on from its network and clusters, which
    keep their numbers, instead of beginning anew: nothing is counted, looked for or
    pretrained, and joint training is short.
verbose : int, default=0
    1 tells on standard error what is fitted where, and shows a bar over all stages with
    the time that is left, as soon as a step has been measured. In a log file, and where
    several fits run at once, there are lines instead.
**net_params
    Settings of the network and of the skorch net around it, by their names:
    ``module__channels``, widths of the layers; ``module__contrast``, the contrast
    normalisation ("none", "image", "local", "level", "figure", "edges") that samples
    are seen under, where the data are not to decide; ``optimizer__weight_decay``,
    ``iterator_train__num_workers``, ``callbacks__lr_decay``.
"""

ATTRIBUTES = """\
n_clusters_ : int
    Clusters looked for: `n_clusters`, or the number found.
cluster_profile_ : dict of ndarray, or None
    Where clusters were counted, what speaks for each number ("n_clusters"): "border",
    the share of links that cross the least clear border between two of so many
    clusters, and "modularity"; see
    :class:`~deepcluster_sk.plotting.ClusterProfileDisplay`.
cluster_tree_ : ndarray of shape (n_leaves - 1, 4)
    Tree of the clusters, in the format of :func:`scipy.cluster.hierarchy.linkage`:
    which would be merged first, by the samples that are assigned to both, and the
    groups that each is made of in the latent space, its leaves. ``labels_at(k)`` gives
    the labels in k clusters, fewer or more.
cluster_names_ : list of str or None
    Name of each cluster, where ``rename`` gave one.
labels_ : ndarray of shape (n_samples,)
    Cluster of each training sample; the same as ``predict`` gives.
cluster_centers_ : ndarray of shape (n_clusters, latent_dim)
    Centres, in the space of ``transform``.
initial_labels_ : ndarray of shape (n_samples,)
    The start, to see what training bought.
history_ : list of dict
    One row an epoch: the phase, the terms, the loss (``train_loss``), the fraction of
    labels that changed, the modularity of the labels, the seconds (``dur``).
n_iter_ : int
    Epochs of joint training.
interrupted_ : {"pretraining", "joint training"} or None
    What an interrupt (Ctrl-C) cut short; None if training came to its end.
n_features_in_ : int
    Features of a flat row.
feature_names_in_ : ndarray of shape (n_features,)
    Only where `X` had feature names that are all strings.
image_shape_ : tuple or None
    Shape of the images, in the order of the axes they came in: ``(H, W)``,
    ``(C, H, W)`` or ``(H, W, C)``; None for vectors.
image_kind_ : {"drawing", "photograph"} or None
    What the images were taken for; None for vectors.
patch_agreement_ : float or None
    Share of an image's neighbours in pixels that are so by their patches too, by which
    the two kinds are told apart; None where it was not measured.
hubness_ : float or None
    How much samples differ in how often they are a neighbour in the graph the clusters
    start from; None where there was none.
contrast_ : {"none", "image", "local", "level", "figure", "edges"}
    Contrast normalisation the network sees images under.
device_ : str
    Where the network was trained.
net_ : ClusteringNet
    The fitted skorch net.
"""


def document(cls: type) -> None:
    """Write the shared texts into the docstring of a clusterer.

    They stand where it says ``{parameters}`` and ``{attributes}``, less what it
    documents itself; the number of clusters, which comes first, where it says
    ``{n_clusters}``.
    """
    if cls.__doc__ is None:  # python -OO
        return
    first = indent(_entries(PARAMETERS)[0], "    ")
    cls.__doc__ = cls.__doc__.replace("    {n_clusters}\n", first)
    for name, text in (("parameters", PARAMETERS), ("attributes", ATTRIBUTES)):
        head, mark, tail = cls.__doc__.partition(f"    {{{name}}}\n")
        if not mark:
            continue
        # Of the section alone: an attribute may bear a parameter's name.
        section = f"{head.rpartition('----------')[2]}{tail.partition('-----')[0]}"
        own = set(re.findall(r"^    (\S+) : ", section, re.MULTILINE))
        kept = [e for e in _entries(text) if e.partition(" :")[0] not in own]
        cls.__doc__ = head + indent("".join(kept), "    ") + tail


def _entries(text: str) -> list[str]:
    """Split a shared text into its entries, each with its name and what it means."""
    return [entry for entry in re.split(r"(?m)^(?=\S)", text) if entry]
