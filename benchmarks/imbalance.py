"""Classes of unequal size (the paper's Table 2).

    python -m benchmarks.imbalance --data FOLDER

Class 0 is kept with probability r_min, the last class whole, those between linearly in
between. Rows go to ``results/imbalance.csv``, the curves to ``results/imbalance.png``.
"""

from functools import partial

from benchmarks.data import imbalanced
from benchmarks.figures import curve, panels, save
from benchmarks.methods import METHODS
from benchmarks.runner import RESULTS, Task, parser, run, seeds
from benchmarks.tables import IMBALANCE_PAPER, grouped


def main():
    path = RESULTS / "imbalance.csv"
    rows = fit(__doc__, path, imbalanced, IMBALANCE_PAPER, sets=["mnist"])
    draw(rows, path.with_suffix(".png"), add_printed)


def fit(doc, path, thinned, shares, **defaults):
    """Fit sets whose classes are thinned out, the rarest to several shares."""
    options = parser(doc, samples=10_000, **defaults)
    options.add_argument(
        "--methods", nargs="+", default=["k-means", "ours"], choices=list(METHODS)
    )
    options.add_argument("--r-min", nargs="+", type=float, default=list(shares))
    options = options.parse_args()
    tasks = [
        Task(
            name,
            method,
            seed,
            options.samples,
            key={"r_min": r_min},
            thinned=partial(thinned, r_min=r_min),
        )
        for name in options.sets
        for method in options.methods
        for r_min in options.r_min
        for seed in seeds(options)
    ]
    return run(path, tasks, options, extra=["r_min"])


def draw(rows, path, finish):
    """Draw a panel for each set; `finish` is given it, the set's name and its rows."""
    sets = grouped(rows, ("set", "sampling"))
    figure, axes = panels(len(sets))
    for ax, ((name, sampling), measured) in zip(axes, sets.items(), strict=True):
        for (method,), group in grouped(measured, ("method",)).items():
            curve(ax, group, "r_min", label=method)
        ax.set(title=f"{name} ({sampling.split(',')[0]})", xlabel="r_min", ylabel="ACC")
        finish(ax, name, measured)
    axes[-1].legend(fontsize="small")
    save(figure, path)


def add_printed(ax, name, measured):
    if name == "mnist":
        ax.plot(*zip(*IMBALANCE_PAPER.items(), strict=True), "k:", label="printed")


if __name__ == "__main__":
    main()
