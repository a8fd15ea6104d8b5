"""Pictures of a clustering, drawn with matplotlib.

Install it with ``pip install "deepcluster-sk[plot]"``. Nothing here changes
matplotlib's settings or opens a window: each function draws on axes and returns
what it drew on.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from deepcluster_sk.data.images import layout_from_array, layout_from_image_shape
from deepcluster_sk.metrics import confusion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_clusters", "plot_confusion", "plot_embedding", "plot_history"]

#: Pixels between two pictures of a montage.
_GAP = 1


def plot_clusters(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    probabilities: ArrayLike | None = None,
    n_images: int = 10,
    image_shape: tuple[int, ...] | None = None,
    channel_axis: int | None = None,
    cmap: str = "gray",
    random_state: int | np.random.RandomState | None = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Montage of images, one row per cluster.

    Parameters
    ----------
    X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
        Images, grey or with 3 or 4 colour channels. uint8 is read as 0-255, values
        in [0, 1] as they are; others are stretched from the smallest to the largest
        value drawn.
    labels : array-like of shape (n,)
        Cluster of each image. Rows are sorted by label and named
        ``label (number of images)``.
    probabilities : array-like of shape (n,) or (n, n_clusters), default=None
        Confidence of each image, or the result of ``predict_proba``, whose largest
        entry is taken. If given, each row shows its most confident images, the best
        first; otherwise images drawn at random.
    n_images : int, default=10
        Images per row, at most.
    image_shape : tuple of int, default=None
        ``(H, W)``, ``(C, H, W)`` or ``(H, W, C)`` of flat rows. Needed where `X`
        has two axes.
    channel_axis : {1, -1}, default=None
        Where the channels of a 4-D `X` are. None finds the axis of size 1, 3 or 4.
    cmap : str, default="gray"
        Colour map of grey images.
    random_state : int, RandomState or None, default=0
        Which images are drawn when there are no probabilities.
    ax : matplotlib Axes, default=None
        Where to draw. None makes a figure whose size fits the montage.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If lengths differ or `X` cannot be read as images.
    ImportError
        If matplotlib is not installed.
    """
    plt = _import_pyplot()
    from matplotlib import colormaps

    if n_images < 1:
        raise ValueError(f"n_images={n_images!r} must be at least 1.")
    images = np.asarray(X)
    names = column_or_1d(labels)
    check_consistent_length(images, names)
    confidence = _confidence(probabilities, names)
    random = check_random_state(random_state)

    rows = []
    clusters, counts = np.unique(names, return_counts=True)
    for cluster in clusters:
        members = np.flatnonzero(names == cluster)
        if confidence is None:
            members = random.permutation(members)
        else:
            members = members[np.argsort(-confidence[members], kind="stable")]
        rows.append(members[:n_images])
    width = max(len(row) for row in rows)

    drawn = np.concatenate(rows)
    pictures = _as_pictures(images[drawn], image_shape, channel_axis)
    if pictures.ndim == 3:
        pictures = colormaps[cmap](pictures)
    height_px, width_px, channels = pictures.shape[1:]
    step_y, step_x = height_px + _GAP, width_px + _GAP
    # RGBA, transparent where there is no picture.
    canvas = np.zeros((len(rows) * step_y - _GAP, width * step_x - _GAP, 4))
    upcoming = iter(pictures)
    for i, row in enumerate(rows):
        for j in range(len(row)):
            cell = canvas[i * step_y :, j * step_x :][:height_px, :width_px]
            cell[..., 3] = 1.0
            cell[..., :channels] = next(upcoming)

    if ax is None:
        aspect = canvas.shape[1] / canvas.shape[0]
        side = min(max(0.5 * len(rows), 2.0), 40.0)  # inches
        _, ax = plt.subplots(
            figsize=(max(side * aspect, 2.0) + 1.0, side), layout="constrained"
        )
    ax.imshow(canvas, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks(
        [i * step_y + (height_px - 1) / 2 for i in range(len(rows))],
        [f"{name} ({count})" for name, count in zip(clusters, counts, strict=True)],
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("cluster (images)")
    return ax


def plot_embedding(
    Z: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    centers: ArrayLike | None = None,
    size: float = 4.0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Scatter plot of latent vectors, coloured by label.

    Parameters
    ----------
    Z : array-like of shape (n, d)
        Vectors, such as the result of ``transform``. More than two dimensions are
        projected on their first two principal components; to see another map, such
        as t-SNE, pass its result.
    labels : array-like of shape (n,), default=None
        What to colour by: clusters or, to check them, true classes.
    centers : array-like of shape (n_clusters, d), default=None
        Points of the same space to mark, such as ``cluster_centers_``.
    size : float, default=4.0
        Area of a point, in square points.
    ax : matplotlib Axes, default=None
        Where to draw. None makes a figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If lengths or dimensions differ, or d < 2.
    ImportError
        If matplotlib is not installed.
    """
    plt = _import_pyplot()
    from matplotlib import colormaps

    points = check_array(Z, ensure_min_features=2, input_name="Z")
    marks = None if centers is None else check_array(centers, input_name="centers")
    if marks is not None and marks.shape[1] != points.shape[1]:
        raise ValueError(
            f"centers have {marks.shape[1]} dimensions, Z has {points.shape[1]}."
        )
    names = np.zeros(len(points), int) if labels is None else column_or_1d(labels)
    check_consistent_length(points, names)
    axis_names = ["dimension 1", "dimension 2"]
    if points.shape[1] > 2:
        pca = PCA(n_components=2, svd_solver="covariance_eigh").fit(points)
        points = pca.transform(points)
        marks = None if marks is None else pca.transform(marks)
        axis_names = [
            f"component {i} ({share:.0%} of the variance)"
            for i, share in enumerate(pca.explained_variance_ratio_, start=1)
        ]

    if ax is None:
        _, ax = plt.subplots(figsize=(6.0, 5.0), layout="constrained")
    groups = np.unique(names)
    palette = colormaps["tab10" if len(groups) <= 10 else "tab20"]
    for i, group in enumerate(groups):
        x, y = points[names == group].T
        ax.scatter(
            x,
            y,
            s=size,
            color=palette(i % palette.N),
            label=str(group),
            linewidths=0,
            rasterized=True,  # thousands of vector marks make files that no one opens
        )
    if marks is not None:
        x, y = marks.T
        ax.scatter(x, y, s=60, marker="X", color="black", edgecolors="white")
    if labels is not None and len(groups) <= palette.N:
        ax.legend(markerscale=3, fontsize="small", ncols=1 + (len(groups) > 10))
    ax.set_xlabel(axis_names[0])
    ax.set_ylabel(axis_names[1])
    return ax


def plot_history(
    history: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[float]],
    *,
    terms: Sequence[str] | None = None,
) -> "Figure":
    """Draw what each epoch recorded, one panel per term.

    A dotted line marks where pretraining ended and clustering began.

    Parameters
    ----------
    history : sequence of dict, or dict of sequences
        ``history_`` of a fitted clusterer, a skorch history, or one sequence of
        values per name.
    terms : sequence of str, default=None
        Which to draw, in this order. None draws every number that changes from
        epoch to epoch, apart from counters and times.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    ValueError
        If there is nothing to draw, or a term is unknown.
    ImportError
        If matplotlib is not installed.
    """
    plt = _import_pyplot()
    from matplotlib.ticker import MaxNLocator

    series = _history_series(history)
    boundaries = _phase_boundaries(history)
    if terms is None:
        terms = [
            name
            for name, (_, values) in series.items()
            if name not in ("epoch", "dur")
            and not name.endswith("_batch_count")
            and len(set(values)) > 1
        ] or list(series)
    unknown = [term for term in terms if term not in series]
    if unknown:
        raise ValueError(f"No numbers named {unknown}; there are {sorted(series)}.")
    if not terms:
        raise ValueError("The history holds no numbers to draw.")

    columns = min(len(terms), 3)
    rows = -(-len(terms) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(3.2 * columns, 2.4 * rows),
        squeeze=False,
        layout="constrained",
    )
    for panel, term in zip(axes.flat, terms, strict=False):
        epochs, values = series[term]
        panel.plot(epochs, values, marker="." if len(values) < 40 else "")
        for boundary in boundaries:
            if epochs[0] < boundary < epochs[-1]:
                panel.axvline(boundary, color="gray", linestyle=":", linewidth=1)
        panel.set_title(term, fontsize="medium")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in axes.flat[len(terms) :]:
        panel.set_visible(False)
    figure.supxlabel("epoch")
    return figure


def plot_confusion(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    normalize: bool = False,
    cmap: str = "Blues",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw classes against clusters, with the clusters in matched order.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)
        Classes and clusters, as for :func:`deepcluster_sk.metrics.confusion`.
    normalize : bool, default=False
        Show the share of each class, in per cent, instead of counts.
    cmap : str, default="Blues"
        Colour map.
    ax : matplotlib Axes, default=None
        Where to draw. None makes a figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        As for :func:`deepcluster_sk.metrics.clustering_accuracy_score`.
    ImportError
        If matplotlib is not installed.
    """
    plt = _import_pyplot()
    counts, classes, clusters = confusion(labels_true, labels_pred)
    shares = counts / counts.sum(axis=1, keepdims=True)
    if ax is None:
        side = min(max(0.5 * max(counts.shape), 3.0), 20.0)  # inches
        _, ax = plt.subplots(figsize=(side + 0.5, side), layout="constrained")
    ax.imshow(shares, cmap=cmap, vmin=0, vmax=1)
    if max(counts.shape) <= 20:  # more would not be legible
        for (i, j), count in np.ndenumerate(counts):
            if count:
                ax.text(
                    j,
                    i,
                    f"{100 * shares[i, j]:.0f}" if normalize else str(count),
                    ha="center",
                    va="center",
                    fontsize="small",
                    color="white" if shares[i, j] > 0.5 else "black",
                )
    ax.set_xticks(range(len(clusters)), [str(cluster) for cluster in clusters])
    ax.set_yticks(range(len(classes)), [str(klass) for klass in classes])
    ax.set_xlabel("cluster")
    ax.set_ylabel("class")
    return ax


def _import_pyplot() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Plotting needs matplotlib, which is not installed: "
            'pip install "deepcluster-sk[plot]"'
        ) from error
    return plt


def _confidence(
    probabilities: ArrayLike | None, names: NDArray[Any]
) -> NDArray[Any] | None:
    """One number per sample, from what `plot_clusters` accepts."""
    if probabilities is None:
        return None
    values = check_array(probabilities, ensure_2d=False, input_name="probabilities")
    check_consistent_length(values, names)
    return np.asarray(values if values.ndim == 1 else values.max(axis=1))


def _as_pictures(
    images: NDArray[Any],
    image_shape: tuple[int, ...] | None,
    channel_axis: int | None,
) -> NDArray[np.float64]:
    """Return images as (n, H, W) or (n, H, W, 3 or 4), with values in [0, 1]."""
    if images.ndim == 2:
        if image_shape is None:
            raise ValueError(
                f"X of shape {images.shape} holds flat rows: pass image_shape, such "
                "as (H, W)."
            )
        layout = layout_from_image_shape(image_shape)
        if layout.n_features != images.shape[1]:
            raise ValueError(
                f"X has {images.shape[1]} features a row, image_shape={image_shape} "
                f"has {layout.n_features} pixels."
            )
    else:
        layout = layout_from_array(images.shape, channel_axis)
    flat = torch.from_numpy(images.reshape(len(images), -1).astype(np.float64))
    pictures = layout.arrange(flat).permute(0, 2, 3, 1).numpy()
    if layout.n_channels not in (1, 3, 4):
        raise ValueError(
            f"Images of {layout.n_channels} channels cannot be drawn: 1, 3 or 4 can."
        )
    low, high = float(pictures.min()), float(pictures.max())
    if images.dtype == np.uint8:
        low, high = 0.0, 255.0
    elif low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    pictures = (pictures - low) / ((high - low) or 1.0)
    return pictures[..., 0] if layout.n_channels == 1 else pictures


def _history_series(
    history: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[float]],
) -> dict[str, tuple[list[float], list[float]]]:
    """Epochs and values of every number in a history."""
    if isinstance(history, Mapping):
        return {
            name: (list(range(1, len(values) + 1)), [float(value) for value in values])
            for name, values in history.items()
        }
    series: dict[str, tuple[list[float], list[float]]] = {}
    for number, row in enumerate(history, start=1):
        for name, value in row.items():
            # A bool counts as an int: skorch's "*_best" flags are no curves.
            if isinstance(value, bool) or not isinstance(value, Real):
                continue
            epochs, values = series.setdefault(name, ([], []))
            epochs.append(number)
            values.append(float(value))
    return series


def _phase_boundaries(
    history: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[float]],
) -> list[float]:
    """Places, between two epochs, where the phase of training changed."""
    if isinstance(history, Mapping):
        return []
    phases = [row.get("phase") for row in history]
    return [
        number + 0.5
        for number, (before, after) in enumerate(pairwise(phases), start=1)
        if before != after
    ]
