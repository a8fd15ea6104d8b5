"""Pictures of each cluster, the surest first."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
)

from deepcluster_sk.data.samples import plain
from deepcluster_sk.data.showing import as_pictures
from deepcluster_sk.metrics import check_labels
from deepcluster_sk.plotting.montage import draw_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class ClustersDisplay:
    """Montage of images, one row per cluster.

    Make one by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    pictures : sequence of ndarray of shape (n_row, H, W) or (n_row, H, W, 3 or 4)
        What each row shows, in [0, 1].
    clusters : ndarray of shape (n_rows,)
        Cluster of each row.
    counts : ndarray of shape (n_rows,)
        How many images it has in all.
    names : mapping of cluster to str, default=None
        Names that some are shown by.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    CentersDisplay : One decoded image for each cluster.

    Examples
    --------
    >>> import numpy as np
    >>> from deepcluster_sk.plotting import ClustersDisplay
    >>> X = np.random.default_rng(0).random((6, 8, 8))
    >>> display = ClustersDisplay.from_predictions(X, [0, 0, 0, 1, 1, 1], n_images=2)
    >>> display.figure_.savefig("clusters.png")  # doctest: +SKIP
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        *,
        pictures: Sequence[NDArray[np.float64]],
        clusters: NDArray[Any],
        counts: NDArray[np.int64],
        names: Mapping[Any, str] | None = None,
    ) -> None:
        self.pictures = pictures
        self.clusters = clusters
        self.counts = counts
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        n_images: int = 10,
        image_shape: tuple[int, ...] | None = None,
        channel_axis: int | None = None,
        cmap: str = "gray",
        random_state: int | np.random.RandomState | None = 0,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw what a fitted clusterer makes of images.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``predict``. If it has ``predict_proba`` as well, each row
            shows the images it is surest of, the surest first; otherwise images drawn
            at random.
        X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
            Images, those it was fitted on or others.
        n_images : int, default=10
            Images per row, at most.
        image_shape : tuple of int, default=None
            Shape of an image where `X` has flat rows; None takes that of the
            estimator.
        channel_axis : {1, -1}, default=None
            Where the channels of a 4-D `X` are; None goes by the estimator, or finds
            them.
        cmap : str, default="gray"
            Colour map of grey images.
        random_state : int, RandomState or None, default=0
            Which images are drawn when there are no probabilities.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ClustersDisplay

        Raises
        ------
        ValueError
            If `X` cannot be read as images.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        if hasattr(estimator, "predict_proba"):
            probabilities = estimator.predict_proba(X)
            labels = probabilities.argmax(axis=1)
        else:
            probabilities, labels = None, estimator.predict(X)
        known = enumerate(getattr(estimator, "cluster_names_", ()))
        return cls.from_predictions(
            X,
            labels,
            probabilities=probabilities,
            names={cluster: name for cluster, name in known if name is not None},
            n_images=n_images,
            image_shape=image_shape or getattr(estimator, "image_shape_", None),
            channel_axis=channel_axis or getattr(estimator, "channel_axis", None),
            cmap=cmap,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X: ArrayLike,
        labels: ArrayLike,
        *,
        probabilities: ArrayLike | None = None,
        names: Mapping[Any, str] | None = None,
        n_images: int = 10,
        image_shape: tuple[int, ...] | None = None,
        channel_axis: int | None = None,
        cmap: str = "gray",
        random_state: int | np.random.RandomState | None = 0,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw images by their labels, whoever found them.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
            Images, grey or with 3 or 4 colour channels. uint8 is read as 0-255, values
            in [0, 1] as they are; others are stretched from the smallest to the
            largest value drawn.
        labels : array-like of shape (n,)
            Cluster of each image. Rows are sorted by label and named
            ``label (number of images)``.
        probabilities : array-like of shape (n,) or (n, n_clusters), default=None
            Confidence of each image, or the result of ``predict_proba``, whose largest
            entry is taken. If given, each row shows its most confident images, the best
            first; otherwise images drawn at random.
        names : mapping of label to str, default=None
            Names that some clusters are shown by.
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
        display : ClustersDisplay

        Raises
        ------
        ValueError, TypeError
            If lengths differ, `X` cannot be read as images, or a parameter is not
            valid.
        ImportError
            If matplotlib is not installed.
        """
        check_scalar(n_images, "n_images", Integral, min_val=1)
        if not isinstance(names, Mapping | None):
            raise TypeError(
                f"names must be a mapping such as {{3: 'cats'}}, got {names!r}."
            )
        images = np.asarray(plain(X))
        found = check_labels(labels, "labels")
        check_consistent_length(images, found)
        confidence = _confidence(probabilities, found)
        random = check_random_state(random_state)

        rows = []
        clusters, counts = np.unique(found, return_counts=True)
        for cluster in clusters:
            members = np.flatnonzero(found == cluster)
            if confidence is None:
                members = random.permutation(members)
            else:
                members = members[np.argsort(-confidence[members], kind="stable")]
            rows.append(members[:n_images])
        # All at once, so that one scale of grey holds for all.
        drawn = as_pictures(images[np.concatenate(rows)], image_shape, channel_axis)
        ends = np.cumsum([len(row) for row in rows])
        display = cls(
            pictures=np.split(drawn, ends[:-1]),
            clusters=clusters,
            counts=counts,
            names=names,
        )
        return display.plot(ax, cmap=cmap)

    def plot(self, ax: "Axes | None" = None, *, cmap: str = "gray") -> Self:
        """Draw the montage.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure whose size fits the montage.
        cmap : str, default="gray"
            Colour map of grey images.

        Returns
        -------
        display : ClustersDisplay
        """
        names = [
            f"{(self.names or {}).get(cluster, cluster)} ({count})"
            for cluster, count in zip(self.clusters, self.counts, strict=True)
        ]
        self.ax_ = draw_rows(self.pictures, names, cmap=cmap, ax=ax)
        self.ax_.set_ylabel("cluster (images)")
        self.figure_ = self.ax_.figure
        return self


def _confidence(
    probabilities: ArrayLike | None, names: NDArray[Any]
) -> NDArray[Any] | None:
    """One number per sample, from what a display accepts."""
    if probabilities is None:
        return None
    values = check_array(probabilities, ensure_2d=False, input_name="probabilities")
    check_consistent_length(values, names)
    return np.asarray(values if values.ndim == 1 else values.max(axis=1))
