"""How training went."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

from deepcluster_sk.plotting.pyplot import import_pyplot


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
    plt = import_pyplot()
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
