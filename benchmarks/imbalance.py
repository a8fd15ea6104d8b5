"""Classes of unequal size (the paper's Table 2).

    python -m benchmarks.imbalance --data FOLDER

Class 0 is kept with probability r_min, the last class whole, those between linearly in
between. Rows go to ``results/imbalance.csv``, the curves to ``results/imbalance.png``.
"""

from benchmarks.data import imbalanced
from benchmarks.figures import curve, panels, save
from benchmarks.methods import METHODS
from benchmarks.runner import RESULTS, Task, parser, run
from benchmarks.tables import IMBALANCE_PAPER, grouped


def main():
    options = parser(__doc__, sets=["mnist"], samples=10_000)
    options.add_argument(
        "--methods", nargs="+", default=["k-means", "ours"], choices=list(METHODS)
    )
    options.add_argument(
        "--r-min", nargs="+", type=float, default=list(IMBALANCE_PAPER)
    )
    options = options.parse_args()
    tasks = [
        Task(
            name,
            method,
            seed,
            options.samples,
            key={"r_min": r_min},
            thinned=imbalanced,
            r_min=r_min,
        )
        for name in options.sets
        for method in options.methods
        for r_min in options.r_min
        for seed in range(options.seeds)
    ]
    path = RESULTS / "imbalance.csv"
    draw(run(path, tasks, options, extra=["r_min"]), path.with_suffix(".png"))


def draw(rows, path):
    sets = grouped(rows, ("set", "sampling"))
    figure, axes = panels(len(sets))
    for ax, ((name, sampling), measured) in zip(axes, sets.items(), strict=True):
        for (method,), group in grouped(measured, ("method",)).items():
            curve(ax, group, "r_min", label=method)
        if name == "mnist":
            ax.plot(*zip(*IMBALANCE_PAPER.items(), strict=True), "k:", label="printed")
        ax.set(title=f"{name} ({sampling.split(',')[0]})", xlabel="r_min", ylabel="ACC")
    axes[-1].legend(fontsize="small")
    save(figure, path)


if __name__ == "__main__":
    main()
