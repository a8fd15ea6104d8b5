"""What speaks for each number of clusters."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.counting.profile import CHOICE
from deepcluster_sk.plotting.needs import check_has
from deepcluster_sk.plotting.pyplot import import_pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Borders clearer than this are drawn as this: the axis is logarithmic.
_CLEAREST = 1e-3


class ClusterProfileDisplay:
    """How clear the borders of so many clusters are, for every number of clusters.

    Make one by :meth:`from_estimator` or :meth:`from_profile`. A line says from which
    share of crossing links on two clusters are taken for one; the band around it holds
    other answers to that. The number to take is the last one below the line, and it is
    the surer, the steeper the curve is there.

    Parameters
    ----------
    profile : dict of ndarray of shape (m,)
        "n_clusters" and "border", as in ``cluster_profile_``.
    n_clusters : int
        The number that was chosen.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def __init__(self, profile: Mapping[str, NDArray[Any]], *, n_clusters: int) -> None:
        self.profile = profile
        self.n_clusters = n_clusters

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: "Axes | None" = None) -> Self:
        """Draw what a fitted clusterer counted.

        Parameters
        ----------
        estimator : clusterer
            Fitted with ``n_clusters="auto"``, or with the fewest and the most.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ClusterProfileDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``cluster_profile_``.
        ValueError
            If its number of clusters was given, so that there is nothing to draw.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        check_has(estimator, "cluster_profile_")
        if estimator.cluster_profile_ is None:
            raise ValueError(
                f"n_clusters={estimator.n_clusters} was given, so nothing was counted. "
                'Fit with n_clusters="auto", or ask suggest_n_clusters.'
            )
        profile, n_clusters = estimator.cluster_profile_, estimator.n_clusters_
        return cls.from_profile(profile, n_clusters=n_clusters, ax=ax)

    @classmethod
    def from_profile(
        cls,
        profile: Mapping[str, NDArray[Any]],
        *,
        n_clusters: int,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw a profile.

        Parameters
        ----------
        profile : dict of ndarray
            ``profile`` of what
            :func:`~deepcluster_sk.model_selection.suggest_n_clusters` returns.
        n_clusters : int
            The number that was chosen.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ClusterProfileDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(profile, n_clusters=n_clusters).plot(ax)

    def plot(self, ax: "Axes | None" = None) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ClusterProfileDisplay
        """
        plt = import_pyplot()
        from matplotlib.ticker import MaxNLocator

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        assert ax is not None
        numbers = self.profile["n_clusters"][1:]  # one cluster has no border
        border = np.maximum(self.profile["border"][1:], _CLEAREST)
        ax.plot(numbers, border, marker=".")
        ax.axhspan(
            CHOICE.border / CHOICE.doubt,
            CHOICE.border * CHOICE.doubt,
            color="gray",
            alpha=0.2,
            linewidth=0,
        )
        ax.axhline(CHOICE.border, color="gray", linewidth=1)
        ax.axvline(self.n_clusters, color="C1", linestyle="--")
        ax.set_yscale("log")
        ax.set_xlim(0.5, max(2.5 * self.n_clusters, 20))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_title(f"{self.n_clusters} clusters", fontsize="medium")
        ax.set_xlabel("number of clusters")
        ax.set_ylabel("links across the least clear border [share]")
        self.ax_ = ax
        self.figure_ = ax.figure
        return self
