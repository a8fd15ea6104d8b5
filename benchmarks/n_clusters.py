"""What happens when `n_clusters` is not the number of classes?

    python -m benchmarks.n_clusters --data FOLDER

Rows go to ``results/n_clusters.csv``, curves to ``results/n_clusters.png``. ACC gives a
class one cluster at most, so it must fall on either side; NMI may not.
"""

import numpy as np

from benchmarks.data import load
from benchmarks.figures import curve, panels, save
from benchmarks.methods import METHODS
from benchmarks.runner import RESULTS, Task, parser, run, seeds
from benchmarks.tables import grouped

OFFSETS = (-3, -2, -1, 0, 1, 2, 5, 10)


def main():
    options = parser(__doc__)
    options.add_argument(
        "--methods", nargs="+", default=["k-means", "ours"], choices=list(METHODS)
    )
    options = options.parse_args()
    tasks = []
    for name in options.sets:
        n_classes = len(np.unique(load(name, options.data)[1]))
        tasks += [
            Task(
                name,
                method,
                seed,
                options.samples,
                key={"n_clusters": n_classes + offset},
                n_clusters=n_classes + offset,
            )
            for method in options.methods
            for offset in OFFSETS
            for seed in seeds(options)
            if n_classes + offset > 1
        ]
    path = RESULTS / "n_clusters.csv"
    draw(run(path, tasks, options, extra=["n_clusters"]), path.with_suffix(".png"))


def draw(rows, path):
    sets = grouped(rows, ("set", "sampling"))
    figure, axes = panels(len(sets))
    for ax, ((name, _), measured) in zip(axes, sets.items(), strict=True):
        for i, ((method,), group) in enumerate(grouped(measured, ("method",)).items()):
            for score, line in (("nmi", "-"), ("acc", "--")):
                label = f"{method}, {score.upper()}"
                curve(ax, group, "n_clusters", score, ls=line, c=f"C{i}", label=label)
        ax.axvline(int(measured[0]["classes"]), color="grey", linestyle=":")
        ax.set(title=name, xlabel="n_clusters")
    axes[-1].legend(fontsize="x-small")
    save(figure, path)


if __name__ == "__main__":
    main()
