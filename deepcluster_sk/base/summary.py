"""What a fit did, in plain words."""

from typing import Any

import numpy as np

from deepcluster_sk.base.start import Start
from deepcluster_sk.counting.bounds import is_given
from deepcluster_sk.data.images import RowLayout

_NAMED_STARTS = {
    "agglomerative": "nearest neighbours in the latent, joined",
    "mixture": "mixture on the latent, that augmented views agree on",
    "random": "at random",
}


def summary_of(clusterer: Any) -> str:
    """Describe a fitted clusterer: what each "auto" became, and how the fit went.

    Parameters
    ----------
    clusterer : BaseDeepClusterer
        Fitted.

    Returns
    -------
    str
        Lines of a name and what is to be said of it.
    """
    fitted_with = _remembered(clusterer)
    facts = {
        "method": type(clusterer).__name__,
        "data": _data(clusterer),
        "clusters": _clusters(clusterer),
        "images taken for": _kind(clusterer),
        "contrast": clusterer.contrast_,
        "start": _start(clusterer, fitted_with["start"]),
        "views by": fitted_with["augmentation"],
        "pretraining": _pretraining(clusterer, fitted_with["pretraining"]),
        "targets": fitted_with["targets"],
        "joint training": _phase(clusterer, "cluster"),
        "network": _network(clusterer),
        "gone on since": _gone_on(clusterer),
        "cluster sizes": " ".join(map(str, _sizes(clusterer))),
        "names": _names(clusterer),
        "moved since the start": f"{_moved(clusterer):.1%} of the samples",
        "computed on": f"{clusterer.device_}, {_precision(clusterer)}",
    }
    lines = [f"{name + ':':<23}{fact}" for name, fact in facts.items() if fact]
    cautions = _cautions(clusterer, fitted_with["tol"])
    return "\n".join([*lines, *(f"Mind: {text}" for text in cautions)])


def what_it_is_fitted_with(
    clusterer: Any, layout: RowLayout, start: Start, goes_on: bool = False
) -> dict[str, Any]:
    """Tell what the parameters mean for this fit: they may be changed later.

    Where a fitted network `goes_on`, start and pretraining are those of its first fit.
    """
    init = clusterer._init()
    told = {
        # What a start by graph comes to with few samples is k-means.
        "start": _NAMED_STARTS.get(init, "by k-means")
        if isinstance(init, str)
        else f"given as {type(init).__name__}",
        "augmentation": _one_line(clusterer._augmentation(layout, start.image_kind)),
        "pretraining": _one_line(clusterer._strategy(layout, start)),
        "targets": _one_line(clusterer._targets()),
        "tol": float(clusterer.tol),
    }
    if goes_on:
        first = _remembered(clusterer)
        told |= {name: first[name] for name in ("start", "pretraining")}
    return told


def _remembered(clusterer: Any) -> dict[str, Any]:
    """Recall what it was fitted with; older models have their parameters only."""
    told: dict[str, Any] | None = getattr(clusterer, "_fitted_with", None)
    if told is not None:
        return told
    start = Start(clusterer.contrast_, clusterer.image_kind_)
    return what_it_is_fitted_with(clusterer, clusterer.net_.reader.layout, start)


def data_words(n: int, layout: RowLayout, small_shape: tuple[int, ...]) -> str:
    """Describe data: how many samples of what size, and what large ones became."""
    if not layout.is_image:
        return f"{n:,} vectors of {layout.n_features} features"
    channels, height, width = layout.shape
    colour = "grey" if channels == 1 else f"of {channels} channels"
    text = f"{n:,} images, {colour}, {height}x{width} pixels"
    if small_shape != layout.shape:
        text += f", averaged down to {small_shape[1]}x{small_shape[2]}"
    return text


def _data(clusterer: Any) -> str:
    n, small_shape = len(clusterer.labels_), clusterer._small_shape
    return data_words(n, clusterer._layout, small_shape)


def _clusters(clusterer: Any) -> str:
    how = "as given" if clusterer.cluster_profile_ is None else "counted by borders"
    n_clusters = clusterer._asked_for
    if is_given(n_clusters) and n_clusters != clusterer.n_clusters_:
        how = f"corrected from {n_clusters}"
    return f"{clusterer.n_clusters_}, {how}"


def _gone_on(clusterer: Any) -> str:
    n = clusterer._n_times_gone_on
    return f"{n} times, from the network and clusters that there were" if n else ""


def _names(clusterer: Any) -> str:
    named = enumerate(clusterer.cluster_names_)
    # In one line, as all that is told here.
    return ", ".join(f"{k}: {' '.join(n.split())}" for k, n in named if n is not None)


def _kind(clusterer: Any) -> str:
    if clusterer.image_kind_ is None:
        return ""
    text = f"{clusterer.image_kind_}s"
    if clusterer.patch_agreement_ is not None:
        share = clusterer.patch_agreement_
        text += f" ({share:.0%} of the links in pixels confirmed by patches)"
    return text


def _start(clusterer: Any, otherwise: str) -> str:
    return otherwise if clusterer.hubness_ is None else "by a graph of neighbours"


def _phase(clusterer: Any, name: str) -> str:
    rows = [row for row in clusterer.history_ if row["phase"] == name]
    if not rows:
        return "none"
    seconds = sum(row["dur"] for row in rows)
    updates = sum(bool(row.get("updated")) for row in rows)
    found = f", pseudo-labels found anew {updates} times" if updates else ""
    return f"{len(rows)} epochs in {seconds:.1f} s{found}"


def _pretraining(clusterer: Any, strategy: str) -> str:
    phase = _phase(clusterer, "pretrain")
    return phase if phase == "none" else f"{strategy}, {phase}"


def _one_line(value: Any) -> str:
    return " ".join(repr(value).split())


def _network(clusterer: Any) -> str:
    module = clusterer.net_.module_
    weights = sum(parameter.numel() for parameter in module.parameters())
    return (
        f"{type(module).__name__}, {weights:,} weights, latent of {module.latent_dim} "
        f"dimensions; batches of {clusterer.net_.batch_size}"
    )


def _precision(clusterer: Any) -> str:
    return str(clusterer.net_.precision).removeprefix("torch.")


def _sizes(clusterer: Any) -> list[int]:
    counts = np.bincount(clusterer.labels_, minlength=clusterer.n_clusters_)
    return [int(count) for count in counts]


def _moved(clusterer: Any) -> float:
    return float(np.mean(clusterer.labels_ != clusterer.initial_labels_))


def _cautions(clusterer: Any, tol: float) -> list[str]:
    cautions = []
    if clusterer.interrupted_ is not None:
        cautions.append(
            f"the fit was interrupted in {clusterer.interrupted_}; fit again to train "
            "to the end."
        )
    empty = _sizes(clusterer).count(0)
    if empty:
        cautions.append(f"{empty} clusters are empty; try a smaller n_clusters.")
    changes = [r["label_change"] for r in clusterer.history_ if "label_change" in r]
    if changes and changes[-1] >= tol > 0:
        cautions.append(
            f"labels had not settled: {changes[-1]:.2%} changed in the last epoch "
            f"(tol={tol:.2%}); try more max_epochs."
        )
    return cautions
