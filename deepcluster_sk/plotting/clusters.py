"""Pictures of each cluster, the surest first."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from deepcluster_sk.data.showing import as_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from deepcluster_sk.plotting.pyplot import import_pyplot

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
    plt = import_pyplot()
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
    pictures = as_pictures(images[drawn], image_shape, channel_axis)
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


def _confidence(
    probabilities: ArrayLike | None, names: NDArray[Any]
) -> NDArray[Any] | None:
    """One number per sample, from what `plot_clusters` accepts."""
    if probabilities is None:
        return None
    values = check_array(probabilities, ensure_2d=False, input_name="probabilities")
    check_consistent_length(values, names)
    return np.asarray(values if values.ndim == 1 else values.max(axis=1))
