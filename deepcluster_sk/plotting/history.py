"""How training went."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.plotting.needs import check_has
from deepcluster_sk.plotting.pyplot import import_pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: A history: `history_` of a clusterer, or values by name.
History = Sequence[Mapping[str, Any]] | Mapping[str, Sequence[float]]
#: What the terms of the package's methods are, in words: a title, and the axis.
_WORDS = {
    "train_loss": ("all losses, weighted", "weighted sum"),
    "reconstruction": ("reconstruction", "error of the rebuilt samples"),
    "clustering": ("clustering", "distance to the targets"),
    "separation": ("separation", "margin that is not kept"),
    "discrimination": ("discrimination", "cross-entropy [nats]"),
    "balance": ("balance", "doubt less evenness [nats]"),
    "latent": ("latent", "distance to the mixture [nats]"),
    "discrete": ("clusters", "distance to even sizes [nats]"),
    "start": ("start", "distance to the start [nats]"),
    "label_change": ("labels that changed", "share of the samples"),
    "modularity": ("agreement with the start's graph", "modularity"),
}
#: What is recorded of an epoch, and tells nothing of how it went.
_BOOKKEEPING = ("epoch", "dur")
#: Panels in a row.
_N_COLUMNS = 3


class HistoryDisplay:
    """What each epoch recorded, each term on axes of its own.

    Make one by :meth:`from_estimator` or :meth:`from_history`. A dotted line marks
    where pretraining ended and clustering began.

    Parameters
    ----------
    series : dict of str to (ndarray, ndarray)
        Epochs and values of each term, in the order of the panels.
    boundaries : sequence of float
        Epochs, or places between two, to be marked.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (n_terms,)
    figure_ : matplotlib Figure
    """

    axes_: NDArray[Any]
    figure_: "Figure | SubFigure"

    def __init__(
        self,
        series: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
        *,
        boundaries: Sequence[float] = (),
    ) -> None:
        self.series = series
        self.boundaries = boundaries

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        terms: Sequence[str] | None = None,
        ax: "Sequence[Axes] | None" = None,
    ) -> Self:
        """Draw how a fitted clusterer was trained.

        Parameters
        ----------
        estimator : estimator
            Fitted, with ``history_``.
        terms : sequence of str, default=None
            As in :meth:`from_history`.
        ax : sequence of matplotlib Axes, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : HistoryDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``history_``.
        ValueError
            As for :meth:`from_history`.
        NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        check_has(estimator, "history_")
        return cls.from_history(estimator.history_, terms=terms, ax=ax)

    @classmethod
    def from_history(
        cls,
        history: History,
        *,
        terms: Sequence[str] | None = None,
        ax: "Sequence[Axes] | None" = None,
    ) -> Self:
        """Draw a history.

        Parameters
        ----------
        history : sequence of dict, or dict of sequences
            ``history_`` of a fitted clusterer, a skorch history, or one sequence of
            values per name.
        terms : sequence of str, default=None
            Which to draw, in this order. None draws every number that changes from
            epoch to epoch, apart from counters and times.
        ax : sequence of matplotlib Axes, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : HistoryDisplay

        Raises
        ------
        ValueError
            If there is nothing to draw, or a term is unknown.
        ImportError
            If matplotlib is not installed.
        """
        series = _series(history)
        if terms is None:
            terms = [
                name
                for name, (_, values) in series.items()
                if name not in _BOOKKEEPING
                and not name.endswith("_batch_count")
                and len(np.unique(values)) > 1
            ] or list(series)
        unknown = [term for term in terms if term not in series]
        if unknown:
            raise ValueError(f"No numbers named {unknown}; there are {sorted(series)}.")
        if not terms:
            raise ValueError("The history holds no numbers to draw.")
        chosen = {term: series[term] for term in terms}
        return cls(chosen, boundaries=_boundaries(history)).plot(ax)

    def plot(self, ax: "Sequence[Axes] | None" = None) -> Self:
        """Draw a panel a term.

        Parameters
        ----------
        ax : sequence of matplotlib Axes, default=None
            Where to draw, as many as there are terms. None makes a figure.

        Returns
        -------
        display : HistoryDisplay

        Raises
        ------
        ValueError
            If there are more or fewer axes than terms.
        """
        plt = import_pyplot()
        from matplotlib.ticker import MaxNLocator

        n_terms = len(self.series)
        if ax is None:
            columns = min(n_terms, _N_COLUMNS)
            rows = -(-n_terms // columns)
            figure, grid = plt.subplots(
                rows,
                columns,
                figsize=(3.2 * columns, 2.4 * rows),
                squeeze=False,
                layout="constrained",
            )
            for unused in grid.flat[n_terms:]:
                unused.remove()
            figure.supxlabel("epoch")
            axes = grid.flat[:n_terms]
        else:
            axes = np.array(ax, dtype=object).ravel()
            if len(axes) != n_terms:
                raise ValueError(
                    f"There are {n_terms} terms to draw and {len(axes)} axes: pass one "
                    f"for each of {list(self.series)}."
                )
        for panel, (name, (epochs, values)) in zip(
            axes, self.series.items(), strict=True
        ):
            panel.plot(epochs, values, marker="." if len(values) < 40 else "")
            for boundary in self.boundaries:
                if epochs[0] < boundary < epochs[-1]:
                    panel.axvline(boundary, color="gray", linestyle=":", linewidth=1)
            title, unit = _WORDS.get(name, (name, ""))
            panel.set_title(title, fontsize="medium")
            panel.set_ylabel(unit, fontsize="small")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        self.axes_ = axes
        self.figure_ = axes[0].figure
        return self


def _series(history: History) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Epochs and values of every number in a history."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    if isinstance(history, Mapping):
        for name, numbers in history.items():
            found[name] = list(range(1, len(numbers) + 1)), list(map(float, numbers))
    else:
        for epoch, row in enumerate(history, start=1):
            for name, value in row.items():
                # A bool counts as an int: skorch's "*_best" flags are no curves.
                if isinstance(value, bool) or not isinstance(value, Real):
                    continue
                epochs, values = found.setdefault(name, ([], []))
                epochs.append(epoch)
                values.append(float(value))
    return {name: (np.array(e), np.array(v)) for name, (e, v) in found.items()}


def _boundaries(history: History) -> list[float]:
    """Places, between two epochs, where the phase of training changed."""
    if isinstance(history, Mapping):
        return []
    phases = [row.get("phase") for row in history]
    return [
        number + 0.5
        for number, (before, after) in enumerate(pairwise(phases), start=1)
        if before != after
    ]
