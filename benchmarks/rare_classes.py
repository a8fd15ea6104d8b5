"""Classes from common to rare, each rarer than the one before by the same factor.

    python -m benchmarks.rare_classes --data FOLDER

Of the rarest class the share r_min is kept. Rows go to ``results/rare_classes.csv``,
the curves to ``results/rare_classes.png``.
"""

from benchmarks.data import long_tailed
from benchmarks.imbalance import draw, fit
from benchmarks.runner import RESULTS

SHARES = (0.04, 0.1, 0.25, 0.5)


def main():
    path = RESULTS / "rare_classes.csv"
    rows = fit(__doc__, path, long_tailed, SHARES, sets=["digits", "usps"], seeds=5)
    draw(rows, path.with_suffix(".png"), scale)


def scale(ax, name, measured):
    shares = sorted({float(row["r_min"]) for row in measured})
    ax.set_xscale("log")
    ax.set_xticks(shares, labels=[f"{share:g}" for share in shares])
    ax.minorticks_off()


if __name__ == "__main__":
    main()
