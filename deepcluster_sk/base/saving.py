"""A fitted clusterer as a description and arrays, and back."""

import os
import platform
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from skorch.history import History

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.start import Start
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph.outliers import OutlierDetector
from deepcluster_sk.persistence.checkpoint import KIND
from deepcluster_sk.persistence.files import (
    ModelFileError,
    as_tensor,
    decode,
    encode,
    left_out,
    own_class,
    read,
    write,
)
from deepcluster_sk.runtime.device import resolve_device
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.training.net import ClusteringNet

#: Fitted attributes that are stored as they are, and those that are arrays.
_FACTS = (
    *("n_features_in_", "image_shape_", "image_kind_", "contrast_"),
    *("patch_agreement_", "hubness_"),
    *("history_", "n_iter_", "_n_features_out", "n_clusters_", "cluster_profile_"),
    *("interrupted_", "_typical_probability"),
    *("cluster_names_", "_asked_for", "_n_times_gone_on", "_fitted_with"),
    "_white",
)
_ARRAYS = ("labels_", "initial_labels_", "cluster_centers_")
#: Those that files of 0.1.0 lack.
_NEWER = ("cluster_tree_", "_leaves")
_PACKAGES = ("deepcluster-sk", "torch", "scikit-learn", "skorch", "numpy")


def save(clusterer: Any, path: str | os.PathLike[str], *, references: bool) -> None:
    """Write a fitted clusterer to one file; see :meth:`BaseDeepClusterer.save`."""
    if references and clusterer._surroundings is None:
        raise ValueError(
            "references=True puts in some of the samples fitted on, which this model "
            "lacks, as pickles do and files that were saved without them: save the "
            "model as it was fitted, or with references=False."
        )
    net = clusterer.net_
    names = getattr(clusterer, "feature_names_in_", None)
    description = {
        "class": type(clusterer).__name__,
        "params": {n: encode(v) for n, v in clusterer.get_params(deep=False).items()},
        "network": {n: encode(v) for n, v in net.get_params_for("module").items()},
        "facts": {name: encode(getattr(clusterer, name)) for name in _FACTS},
        "feature_names": None if names is None else [str(name) for name in names],
        "given": _described(clusterer._layout),
        "layout": _described(net.reader.layout),
        "is_constant": net.reader.scaler.is_constant,
        "precision": str(net.precision).removeprefix("torch."),
        "batch_size": int(net.batch_size),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        },
    }
    weights = net.module_.state_dict()
    arrays = {f"weights.{name}": value for name, value in weights.items()}
    for name in (*_ARRAYS, *_NEWER):
        if hasattr(clusterer, name):
            arrays[name] = as_tensor(getattr(clusterer, name))
    if references:
        arrays |= clusterer._surroundings.arrays()
    arrays["scaler.offset"] = as_tensor(net.reader.scaler.offset)
    arrays["scaler.scale"] = as_tensor(net.reader.scaler.scale)
    write(path, description, arrays)


def load(path: str | os.PathLike[str], *, device: Any = "auto", **params: Any) -> Any:
    """Read a clusterer that its ``save`` wrote.

    Nothing in the file is run: it holds numbers, and JSON.

    Parameters
    ----------
    path : path-like
    device : str or torch.device, default="auto"
        Where it computes from now on, wherever it was trained; its parameter.
    **params
        Parameters that no file can hold, as they were: an `architecture` that is a
        module or builds one is needed; a function as `augmentation` or `init`, or
        `callbacks`, only for further training.

    Returns
    -------
    clusterer
        Fitted; it predicts what the saved one did.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file, or it is a folder.
    ModelFileError
        If the file is no saved model, is damaged, or is of a later version.
    ValueError
        If `architecture` is needed, and was not given or does not fit.
    """
    resolved = resolve_device(device)
    description, arrays = read(path)
    if description.get("kind") == KIND:
        raise ModelFileError(
            f"{str(path)!r} is no saved model but the checkpoint of a fit: fit with "
            "callbacks=[FitCheckpoint(path)] goes on from it."
        )
    try:
        # Training further is computed there as well.
        return _restored(description, arrays, resolved, {**params, "device": device})
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFileError(
            f"{str(path)!r} lacks what a saved model has: {error!r}"
        ) from error


def _restored(
    description: dict[str, Any],
    arrays: dict[str, torch.Tensor],
    device: torch.device,
    params: dict[str, Any],
) -> Any:
    """Make the clusterer that a file describes, as it was when it was saved."""
    cls = own_class(description["class"])
    clusterer = cls(**_params(cls, description["params"], params))
    # Files of 0.1.0 lack what later versions tell.
    given = {
        **dict.fromkeys(_FACTS),
        "n_clusters_": clusterer.n_clusters,
        "_asked_for": clusterer.n_clusters,
        "_n_times_gone_on": 0,
    }
    for name, value in {**given, **description["facts"]}.items():
        setattr(clusterer, name, decode(value))
    if clusterer.cluster_names_ is None:
        clusterer.cluster_names_ = [None] * clusterer.n_clusters_
    for name in (*_ARRAYS, *(name for name in _NEWER if name in arrays)):
        setattr(clusterer, name, arrays[name].numpy())
    clusterer._surroundings = OutlierDetector.from_arrays(arrays, clusterer.contrast_)
    if description["feature_names"] is not None:
        names = np.array(description["feature_names"], dtype=object)
        clusterer.feature_names_in_ = names
    clusterer._layout, layout = (
        RowLayout(description[name]["order"], tuple(description[name]["shape"]))
        for name in ("given", "layout")
    )
    clusterer._small_shape = layout.shape
    clusterer.device_ = str(device)
    clusterer.net_ = _restored_net(clusterer, layout, description, arrays, device)
    return clusterer


def _restored_net(
    clusterer: Any,
    layout: RowLayout,
    description: dict[str, Any],
    arrays: dict[str, torch.Tensor],
    device: torch.device,
) -> ClusteringNet:
    """Build the network of a clusterer whose attributes are set, with its weights."""
    scaler = PixelScaler(
        arrays["scaler.offset"].numpy(),
        arrays["scaler.scale"].numpy(),
        description["is_constant"],
    )
    context = FitContext(
        dataset=RowDataset(np.empty((0, layout.n_features))),
        reader=SampleReader(layout, scaler),
        given=clusterer._layout,
        n_clusters=clusterer.n_clusters_,
        batch_size=description["batch_size"],
        device=device,
        precision=getattr(torch, description["precision"]),
        seed=0,
        latent_dim=clusterer._n_features_out,
    )
    # Parameters may have been changed since the fit, or are in no file.
    network = description.get("network", {})
    known = {n: decode(v) for n, v in network.items() if not left_out(v)}
    start = Start(clusterer.contrast_, clusterer.image_kind_)
    net: ClusteringNet = clusterer._build_net(context, start, known)
    weights = {
        name.removeprefix("weights."): value
        for name, value in arrays.items()
        if name.startswith("weights.")
    }
    try:
        net.module_.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"The network does not fit the saved weights: {error}"
        ) from error
    net.history = History({**row, "batches": []} for row in clusterer.history_)
    net.finish()
    return net


def _params(
    cls: type, encoded: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    """Parameters of the saved clusterer, with what its file could not hold."""
    missing = {name: what for name, v in encoded.items() if (what := left_out(v))}
    unknown = sorted(set(given) - set(encoded))
    if unknown:
        raise ValueError(f"{cls.__name__} has no parameters {unknown}.")
    if "architecture" in missing and "architecture" not in given:
        raise ValueError(
            f"The model was saved with architecture={missing['architecture']}, which "
            "no file can hold: pass it as load(path, architecture=...)."
        )
    forgotten = sorted(set(missing) - set(given))
    if forgotten:
        warn(
            f"Parameters that no file can hold have their defaults again: {forgotten}. "
            "That matters to further training only; load(path, name=...) sets them.",
        )
    kept = {n: decode(v) for n, v in encoded.items() if n not in missing}
    return {**kept, **given}


def _described(layout: RowLayout) -> dict[str, Any]:
    return {"order": layout.order, "shape": list(layout.shape)}
