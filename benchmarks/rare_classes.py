"""Classes from common to rare, each rarer than the one before by the same factor.

    python -m benchmarks.rare_classes --data FOLDER

Of the rarest class the share r_min is kept. Rows go to ``results/rare_classes.csv``,
the curves to ``results/rare_classes.png``.
"""

from benchmarks.data import long_tailed
from benchmarks.figures import curve, panels, save
from benchmarks.methods import METHODS
from benchmarks.runner import RESULTS, Task, parser, run
from benchmarks.tables import grouped


def main():
    options = parser(__doc__, sets=["digits", "usps"], samples=10_000, seeds=5)
    options.add_argument(
        "--methods", nargs="+", default=["k-means", "ours"], choices=list(METHODS)
    )
    options.add_argument(
        "--r-min", nargs="+", type=float, default=[0.04, 0.1, 0.25, 0.5]
    )
    options = options.parse_args()
    tasks = [
        Task(
            name,
            method,
            seed,
            options.samples,
            key={"r_min": r_min},
            thinned=long_tailed,
            r_min=r_min,
        )
        for name in options.sets
        for method in options.methods
        for r_min in options.r_min
        for seed in range(options.seeds)
    ]
    path = RESULTS / "rare_classes.csv"
    draw(run(path, tasks, options, extra=["r_min"]), path.with_suffix(".png"))


def draw(rows, path):
    sets = grouped(rows, ("set", "sampling"))
    figure, axes = panels(len(sets))
    for ax, ((name, sampling), measured) in zip(axes, sets.items(), strict=True):
        for (method,), group in grouped(measured, ("method",)).items():
            curve(ax, group, "r_min", label=method)
        title = f"{name} ({sampling.split(',')[0]})"
        ax.set(title=title, xlabel="r_min", ylabel="ACC", xscale="log")
        shares = sorted({float(row["r_min"]) for row in measured})
        ax.set_xticks(shares, labels=[f"{share:g}" for share in shares])
        ax.minorticks_off()
    axes[-1].legend(fontsize="small")
    save(figure, path)


if __name__ == "__main__":
    main()
