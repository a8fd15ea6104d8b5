"""What a network draws at the centre of each cluster."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.data.showing import as_pictures
from deepcluster_sk.plotting.montage import draw_rows, numbered_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class CentersDisplay:
    """Decoded centres: an image that stands for each cluster.

    Make one by :meth:`from_estimator`. A centre is what the members of a cluster have
    in common, drawn by the decoder: blurred where they differ.

    Parameters
    ----------
    pictures : ndarray of shape (n_clusters, H, W) or (n_clusters, H, W, 3 or 4)
        In [0, 1], in the order of the clusters.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    ClustersDisplay : Members of each cluster.
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(self, *, pictures: NDArray[np.float64]) -> None:
        self.pictures = pictures

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, cmap: str = "gray", ax: "Axes | None" = None
    ) -> Self:
        """Draw the centres of a fitted clusterer.

        Parameters
        ----------
        estimator : estimator
            Fitted on images, with ``cluster_centers_`` and ``inverse_transform``.
        cmap : str, default="gray"
            Colour map of grey images.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : CentersDisplay

        Raises
        ------
        ValueError
            If the estimator has no decoder, or was not fitted on images.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "inverse_transform"):
            raise ValueError(
                f"This {type(estimator).__name__} has no decoder, so that its centres "
                "cannot be drawn: ClustersDisplay shows members of its clusters."
            )
        shape = getattr(estimator, "image_shape_", None)
        if shape is None:
            raise ValueError(
                f"This {type(estimator).__name__} was fitted on vectors, which are no "
                "pictures; of flat images, fit it with image_shape."
            )
        decoded = estimator.inverse_transform(estimator.cluster_centers_)
        axis = getattr(estimator, "channel_axis", None)
        pictures = as_pictures(np.asarray(decoded), shape, axis)
        return cls(pictures=pictures).plot(ax, cmap=cmap)

    def plot(self, ax: "Axes | None" = None, *, cmap: str = "gray") -> Self:
        """Draw the centres, ten in a row.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        cmap : str, default="gray"
            Colour map of grey images.

        Returns
        -------
        display : CentersDisplay
        """
        rows, names = numbered_rows(self.pictures, first=0)
        self.ax_ = draw_rows(rows, names, cmap=cmap, ax=ax)
        self.ax_.set_ylabel("clusters")
        self.figure_ = self.ax_.figure
        return self
