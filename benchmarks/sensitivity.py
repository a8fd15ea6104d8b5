"""How much do the weights matter (the paper's Figure 6)?

    python -m benchmarks.sensitivity --data FOLDER

One weight is changed at a time, the others stay as the method has them. Rows go to
``results/sensitivity.csv``, curves to ``results/sensitivity.png``. Fits share what they
have in common, so their seconds mean little.
"""

import tempfile

from benchmarks.figures import curve, panels, save
from benchmarks.runner import RESULTS, Task, parser, run, seeds
from benchmarks.tables import grouped

VALUES = {
    "gamma": (0.0, 0.01, 0.1, 1.0),
    "omega": (0.0, 0.1, 0.3, 1.0),
    "beta": (0.1, 0.8, 3.0, 10.0),
}


def main():
    options = parser(__doc__)
    options.add_argument(
        "--methods", nargs="+", default=["ours"], choices=["ours", "paper's system"]
    )
    options = options.parse_args()
    path = RESULTS / "sensitivity.csv"
    with tempfile.TemporaryDirectory() as memory:
        tasks = [
            Task(
                name,
                method,
                seed,
                options.samples,
                {"memory": memory, weight: value},
                {"weight": weight, "value": value},
            )
            for name in options.sets
            for method in options.methods
            for seed in seeds(options)
            for weight, values in VALUES.items()
            for value in values
        ]
        rows = run(path, tasks, options, extra=["weight", "value"])
    draw(rows, path.with_suffix(".png"))


def draw(rows, path):
    figure, axes = panels(len(VALUES))
    for ax, weight in zip(axes, VALUES, strict=True):
        mine = [row for row in rows if row["weight"] == weight]
        for names, group in grouped(mine, ("set", "method", "sampling")).items():
            curve(ax, group, "value", label=", ".join(names[:2]))
        # 0 has its place beside the powers of ten.
        ax.set_xscale("symlog", linthresh=0.01)
        ax.set(xlabel=weight, ylabel="ACC")
    axes[-1].legend(fontsize="small")
    save(figure, path)


if __name__ == "__main__":
    main()
