"""Pictures that are most in doubt."""

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_scalar
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from deepcluster_sk.data.samples import plain
from deepcluster_sk.data.showing import as_pictures
from deepcluster_sk.metrics import check_labels
from deepcluster_sk.plotting.montage import draw_rows, numbered_rows
from deepcluster_sk.plotting.needs import check_has

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class DoubtfulDisplay:
    """The images whose clusters are most in doubt, the most doubtful first.

    Make one by :meth:`from_estimator` or :meth:`from_predictions`. Each image bears the
    cluster it was put into.

    Parameters
    ----------
    pictures : ndarray of shape (n, H, W) or (n, H, W, 3 or 4)
        In [0, 1], the most doubtful first.
    labels : ndarray of shape (n,)
        Their clusters.
    indices : ndarray of shape (n,)
        Which of the samples they are.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    ClustersDisplay : The surest images of each cluster.

    Examples
    --------
    >>> import numpy as np
    >>> from deepcluster_sk.plotting import DoubtfulDisplay
    >>> X = np.random.default_rng(0).random((3, 8, 8))
    >>> confidence = [0.9, 0.2, 0.5]
    >>> display = DoubtfulDisplay.from_predictions(X, [0, 1, 1], confidence)
    >>> display.indices
    array([1, 2, 0])
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        *,
        pictures: NDArray[np.float64],
        labels: NDArray[Any],
        indices: NDArray[np.int64],
    ) -> None:
        self.pictures = pictures
        self.labels = labels
        self.indices = indices

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        n_images: int = 30,
        image_shape: tuple[int, ...] | None = None,
        channel_axis: int | None = None,
        cmap: str = "gray",
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw what a fitted clusterer is least sure of.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``predict_proba``. Its ``confidence`` is asked if it has one,
            else its largest probability is taken.
        X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
            Images, those it was fitted on or others.
        n_images : int, default=30
            Images to draw, at most.
        image_shape : tuple of int, default=None
            Shape of an image where `X` has flat rows; None takes that of the
            estimator.
        channel_axis : {1, -1}, default=None
            Where the channels of a 4-D `X` are; None goes by the estimator, or finds
            them.
        cmap : str, default="gray"
            Colour map of grey images.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : DoubtfulDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            If `X` cannot be read as images.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        check_has(estimator, "predict_proba")
        probabilities = np.asarray(estimator.predict_proba(X))
        if hasattr(estimator, "confidence"):
            confidence = estimator.confidence(X)
        else:
            confidence = probabilities.max(axis=1)
        return cls.from_predictions(
            X,
            probabilities.argmax(axis=1),
            confidence,
            n_images=n_images,
            image_shape=image_shape or getattr(estimator, "image_shape_", None),
            channel_axis=channel_axis or getattr(estimator, "channel_axis", None),
            cmap=cmap,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X: ArrayLike,
        labels: ArrayLike,
        confidence: ArrayLike,
        *,
        n_images: int = 30,
        image_shape: tuple[int, ...] | None = None,
        channel_axis: int | None = None,
        cmap: str = "gray",
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the images of the lowest confidence.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, C, H, W), (n, H, W, C) or (n, n_features)
            Images, read as by :meth:`ClustersDisplay.from_predictions`.
        labels : array-like of shape (n,)
            Cluster of each image.
        confidence : array-like of shape (n,)
            Higher is surer.
        n_images, image_shape, channel_axis, cmap, ax
            As in :meth:`from_estimator`.

        Returns
        -------
        display : DoubtfulDisplay

        Raises
        ------
        ValueError, TypeError
            If lengths differ, `X` cannot be read as images, or a parameter is not
            valid.
        ImportError
            If matplotlib is not installed.
        """
        check_scalar(n_images, "n_images", Integral, min_val=1)
        images, names = np.asarray(plain(X)), check_labels(labels, "labels")
        sure = column_or_1d(
            check_array(confidence, ensure_2d=False, input_name="confidence")
        )
        check_consistent_length(images, names, sure)
        indices = np.argsort(sure, kind="stable")[:n_images]
        display = cls(
            pictures=as_pictures(images[indices], image_shape, channel_axis),
            labels=names[indices],
            indices=indices,
        )
        return display.plot(ax, cmap=cmap)

    def plot(self, ax: "Axes | None" = None, *, cmap: str = "gray") -> Self:
        """Draw the images, ten in a row.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        cmap : str, default="gray"
            Colour map of grey images.

        Returns
        -------
        display : DoubtfulDisplay
        """
        rows, names = numbered_rows(self.pictures, first=1)
        captions = [str(label) for label in self.labels]
        self.ax_ = draw_rows(rows, names, cmap=cmap, ax=ax, captions=captions)
        self.ax_.set_ylabel("most doubtful first")
        self.figure_ = self.ax_.figure
        return self
