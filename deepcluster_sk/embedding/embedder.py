"""Images to vectors by a pretrained network, as a transformer of scikit-learn."""

import copy
import sys
import threading
from collections.abc import Iterator
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.data.batches import rows_to_tensor
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.data.validation import InputMixin
from deepcluster_sk.embedding.backbone import Backbone
from deepcluster_sk.embedding.loading import Loaded, load_backbone, written
from deepcluster_sk.embedding.preparation import Preparation
from deepcluster_sk.embedding.settings import preparation_of, white_in
from deepcluster_sk.runtime.caching import cached, data_key, hash_of
from deepcluster_sk.runtime.display import display_on
from deepcluster_sk.runtime.progress import Progress
from deepcluster_sk.runtime.wholeness import whole_or_not_at_all

#: One network is loaded at a time, and none twice because two threads ask for it.
_LOADING = threading.Lock()
#: Attribute of a loaded network, and parameters that tell which it is.
_LOADED = "_loaded"
_NETWORK = ("model", "output", "weights", "download", "device")


class ImageEmbedder(
    InputMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Images to vectors, by a pretrained network that you have.

    Pixels tell little of what a photograph shows; a network trained on millions of
    photographs tells much. In front of a clusterer, this makes vectors of images:
    ``make_pipeline(ImageEmbedder("timm:resnet50"), DeepTripletClusterer(10))``.

    The network is loaded when it is first needed, in ``fit`` or, of a copy or a pickle,
    in ``transform``. Copies and pickles hold no weights of networks that are named;
    clones share a module or function that is given, and pickles hold it, as they hold
    any parameter.

    Parameters
    ----------
    model : str, Path, nn.Module or callable, default=None
        The network, which has to be given: ``"timm:NAME"``, without its classifier;
        ``"open_clip:ARCHITECTURE/TAG"``, its images' side; a file of ONNX (``.onnx``),
        of ``torch.export.save`` (``.pt2``) or of TorchScript (``.pt``); a module;
        or any function that makes an array ``(b, n_features)`` of a tensor
        ``(b, C, H, W)`` on the device. Files are programs: take them from those you
        trust. A module in training, or on another device, is copied first.
    output : str, default=None
        Tensor of an ONNX graph whose values are wanted, often what the classifier takes
        in; None is the graph's first output.
    weights : str or Path, default=None
        File of the weights of a network of timm or open_clip; None looks for those that
        its name stands for, where these packages keep what was fetched.
    download : bool, default=False
        Whether weights that are not on this machine may be fetched from the network.
        Their licence is not this package's: look at it.
    size : "auto", int, (int, int) or None, default="auto"
        Pixels, of each side or (height, width), that images are cut (to the middle) and
        scaled to. "auto" is what the network tells, else 224; None leaves them as they
        come.
    mean, std : "auto", float or sequence of float, default="auto"
        Taken off pixels, and divided by, of all channels or of each in the network's
        order; in units of `network_white`. "auto" is what the network tells, else those
        of ImageNet.
    network_white : float, default=1.0
        Value of white that the network was trained with, before `mean`; 255, often, for
        those converted from Caffe.
    channel_order : {"rgb", "bgr"}, default="rgb"
        Order of colours that the network was trained with.
    layout : {"auto", "NCHW", "NHWC"}, default="auto"
        Whether the network takes channels before or behind height and width. "auto" is
        what its file tells, else before.
    normalize : bool, default=True
        Whether vectors are scaled to length 1, so that distances are angles.
    batch_size : int, default=32
        Images at a time.
    white : "auto" or float, default="auto"
        Value of white in `X`. "auto" is the largest of its type (255 of uint8, 65,535
        of uint16); of other types the 1, 255 or 65,535 that its largest value is near.
    image_shape : tuple of int, default=None
        ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)``, where rows of `X` are flat images.
        Other rows are vectors, which modules and functions get as they are.
    channel_axis : {1, -1}, default=None
        Where the channels of a 4-D `X` are; None finds the axis of size 1, 3 or 4.
    device : str or torch.device, default="auto"
        Where the network runs: "cpu", "cuda", "cuda:1", "mps" …; "auto" takes a
        CUDA GPU where there is one.
    memory : None, str or object with the joblib.Memory interface, default=None
        Where vectors are kept, so that those of the same images by the same network
        (by its weights; a function by its name) are not computed again.
    verbose : int, default=0
        Whether to tell on standard error how far it is, and how long it will take.

    Attributes
    ----------
    white_ : float or None
        Value of white in the images fitted on; None of vectors.
    size_ : tuple of int or None
        Height and width that images are scaled to; None if they stay as they are.
    n_features_in_ : int
        Numbers in a sample; ``feature_names_in_`` names them, where `X` did.
    image_shape_ : tuple of int or None
        Shape of an image, in the order of the axes it came in.

    See Also
    --------
    deepcluster_sk.datasets.load_pictures : Reads a folder of pictures into an array.
    NeighborGraphClusterer : Clusters vectors in seconds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.pipeline import make_pipeline
    >>> from torch import nn
    >>> from deepcluster_sk import ImageEmbedder
    >>> photographs = np.random.default_rng(0).integers(0, 256, (9, 40, 40, 3), "uint8")
    >>> network = nn.Sequential(nn.Conv2d(3, 5, 8, 8), nn.AdaptiveAvgPool2d(1))
    >>> embedder = ImageEmbedder(network, size=64)
    >>> embedder.fit_transform(photographs).shape
    (9, 5)
    >>> model = make_pipeline(embedder, KMeans(3, n_init=1)).fit(photographs)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "model": [str, PathLike, torch.nn.Module, callable],
        "output": [str, None],
        "weights": [str, PathLike, None],
        "download": ["boolean"],
        "size": [
            Interval(Integral, 1, None, closed="left"),
            "array-like",
            StrOptions({"auto"}),
            None,
        ],
        "mean": [Real, "array-like", StrOptions({"auto"})],
        "std": [
            Interval(Real, 0, None, closed="neither"),
            "array-like",
            StrOptions({"auto"}),
        ],
        "network_white": [Interval(Real, 0, None, closed="neither")],
        "channel_order": [StrOptions({"rgb", "bgr"})],
        "layout": [StrOptions({"auto", "NCHW", "NHWC"})],
        "normalize": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "white": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "image_shape": ["array-like", None],
        "channel_axis": [Options(Integral, {1, -1}), None],
        "device": [str, torch.device],
        "memory": [str, HasMethods(["cache"]), None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        model: Any = None,
        *,
        output: str | None = None,
        weights: Any = None,
        download: bool = False,
        size: Any = "auto",
        mean: Any = "auto",
        std: Any = "auto",
        network_white: float = 1.0,
        channel_order: str = "rgb",
        layout: str = "auto",
        normalize: bool = True,
        batch_size: int = 32,
        white: float | str = "auto",
        image_shape: Any = None,
        channel_axis: int | None = None,
        device: Any = "auto",
        memory: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.output = output
        self.weights = weights
        self.download = download
        self.size = size
        self.mean = mean
        self.std = std
        self.network_white = network_white
        self.channel_order = channel_order
        self.layout = layout
        self.normalize = normalize
        self.batch_size = batch_size
        self.white = white
        self.image_shape = image_shape
        self.channel_axis = channel_axis
        self.device = device
        self.memory = memory
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Load the network, and see that it takes these images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
            Grey or colour images of any integer or floating type, or flat rows of them;
            see ``image_shape``. Or a list of Pillow images, or a data set of images,
            all of one size.
        y : Ignored
            Never looked at.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or `X` cannot be used, or the network does not take it; what
            was fitted before stays.
        FileNotFoundError
            If a file is not there, or weights that are not to be fetched.
        ImportError
            If a package is missing that the network needs.
        """
        with whole_or_not_at_all(self):
            rows, layout = self._first_rows(X, n_least=1)
            self.white_ = white_in(rows, self.white) if layout.is_image else None
            # A file, or the weights of a module, may have changed.
            backbone = self._network(anew=True)
            self._layout = layout
            self.image_shape_ = layout.given_shape
            preparation = preparation_of(self, backbone, layout)
            self.size_ = None if preparation is None else preparation.size
            (self._n_features_out,) = next(
                self._batches(backbone, preparation, rows[:1], layout)
            ).shape[1:]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Make vectors of images.

        Parameters
        ----------
        X : array-like
            As in :meth:`fit`, of images of the shape fitted.

        Returns
        -------
        ndarray of shape (n, n_features_out), float32

        Raises
        ------
        ValueError
            If `X` differs from what was fitted, or holds values beyond white; if the
            network fails.
        """
        check_is_fitted(self)
        rows, layout = self._more_rows(X)
        if layout.is_image:
            white_in(rows, self.white_)
        backbone = self._network()
        preparation = preparation_of(self, backbone, layout)
        if self.memory is None:
            found = self._embed(backbone, preparation, rows, layout)
        else:
            key = {
                "rows": data_key(rows),
                "layout": layout,
                "network": backbone.identity(),
                "preparation": preparation,
                "white": self.white_,
            }
            found = cached(
                self.memory,
                "embedding",
                key,
                lambda: self._embed(backbone, preparation, rows, layout),
            )
        if found.shape[1] != self._n_features_out:
            raise ValueError(
                f"The network gives {found.shape[1]} numbers for a sample, but gave "
                f"{self._n_features_out} when it was fitted: it is another one. Fit "
                "again."
            )
        if self.normalize:
            lengths = np.linalg.norm(found, axis=1, keepdims=True)
            found = found / np.maximum(lengths, np.finfo(np.float32).tiny)
        return found

    def fingerprint(self) -> str:
        """Hash of the network: which it is, by its weights, whatever it is called.

        Of a function it is that of its name. What is done to images before, and to
        vectors after, is not in it.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the network is a function that has no name, such as a lambda.
        """
        identity = self._network().identity()
        if isinstance(identity, str):
            return identity
        return hash_of(identity, "Networks that a fingerprint is asked of")

    def _network(self, *, anew: bool = False) -> Backbone:
        """Load the network that the parameters tell of, unless it is there.

        `anew` asks whether it may have changed since, as what has no name always may.
        """
        asked = [getattr(self, name) for name in _NETWORK]
        with _LOADING:
            loaded: Loaded | None = vars(self).get(_LOADED)
            files = written(self.model, self.weights)
            if loaded is not None and loaded.serves(asked, files, anew=anew):
                return loaded.backbone
            settings = {"output": self.output, "weights": self.weights}
            backbone = load_backbone(
                self.model, self.device, download=self.download, **settings
            )
            setattr(self, _LOADED, Loaded(asked, files, backbone))
        return backbone

    def _embed(
        self,
        backbone: Backbone,
        preparation: Preparation | None,
        rows: NDArray[Any],
        layout: RowLayout,
    ) -> NDArray[np.float32]:
        """Vectors of all rows, ``(n, n_features_out)``."""
        progress = Progress(display_on(sys.stderr) if self.verbose else None)
        parts, n_done = [], 0
        with progress.shown("embedded"):
            progress.begin("embedding")
            progress.steps(-(-len(rows) // (backbone.batch or self.batch_size)))
            for part in self._batches(backbone, preparation, rows, layout):
                parts.append(part)
                n_done += len(part)
                progress.advance()
                progress.note(f"{n_done:,}/{len(rows):,} samples")
        return np.concatenate(parts)

    def _batches(
        self,
        backbone: Backbone,
        preparation: Preparation | None,
        rows: NDArray[Any],
        layout: RowLayout,
    ) -> Iterator[NDArray[np.float32]]:
        """Vectors of rows, batch by batch."""
        step = backbone.batch or self.batch_size
        # Apple's devices have no double, and scale no image with averages.
        home = torch.device("cpu") if backbone.device.type == "mps" else backbone.device
        for start in range(0, len(rows), step):
            batch = rows_to_tensor(rows[start : start + step]).to(home).float()
            if preparation is not None and self.white_ is not None:
                batch = preparation.apply(layout.arrange(batch), self.white_)
            yield backbone(batch.to(backbone.device))

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the network, which is loaded again where it is needed."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != _LOADED}

    def __sklearn_clone__(self) -> Self:
        """Share what is given as the network with the clone: it is only read."""
        bare = copy.copy(self)
        bare.model = None
        twin: Self = super(ImageEmbedder, bare).__sklearn_clone__()
        twin.model = self.model
        return twin

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
