"""Curves of what was measured: the mean over seeds, and the range."""

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.tables import grouped, numbers


def panels(n, width=4.0, height=3.2, n_rows=1):
    """Make a figure with `n` axes side by side, all of one scale, in rows."""
    figure, axes = plt.subplots(
        n_rows,
        n,
        figsize=(width * n, height * n_rows),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    return figure, axes[0] if n_rows == 1 else axes


def curve(ax, rows, x, y="acc", **style):
    """Draw column `y` against column `x`."""
    groups = sorted(grouped(rows, (x,)).items(), key=lambda group: float(group[0][0]))
    where = [float(value) for (value,), _ in groups]
    values = [numbers(group, y) for _, group in groups]
    mean = np.array([v.mean() for v in values])
    low, high = (np.array([f(v) for v in values]) for f in (np.min, np.max))
    ax.errorbar(where, mean, (mean - low, high - mean), marker="o", capsize=3, **style)


def save(figure, path):
    figure.savefig(path, dpi=110)
    plt.close(figure)
