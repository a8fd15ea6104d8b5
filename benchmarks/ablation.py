"""What each of the four terms does (the paper's Figure 5).

    python -m benchmarks.ablation --data FOLDER

Each term is left out in turn, under the defaults, which train on the labels of a good
start, and in the paper's system, which has no targets but its own. Rows go to
``results/ablation.csv``, bars to ``results/ablation.png``. Fits share what they have in
common, so their seconds mean little.
"""

import tempfile

import numpy as np

from benchmarks.figures import panels, save
from benchmarks.runner import RESULTS, Task, parser, run, seeds
from benchmarks.tables import grouped, numbers
from deepcluster_sk import Reconstruction

METHODS = ("ours", "paper's system")
#: What leaves a term out.
WITHOUT = {
    "none": {},
    "reconstruction": {"alpha": 0.0},
    "clustering": {"beta": 0.0},
    "balance": {"gamma": 0.0},
    "separation": {"omega": 0.0},
}
#: What is left out of the paper's system besides.
MORE = {
    "separation, in pretraining as well": {
        "omega": 0.0,
        "pretraining": Reconstruction(from_views=True),
    },
    "all but clustering": {"alpha": 0.0, "gamma": 0.0, "omega": 0.0},
}


def main():
    options = parser(__doc__)
    options.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    options = options.parse_args()
    path = RESULTS / "ablation.csv"
    with tempfile.TemporaryDirectory() as memory:
        tasks = [
            Task(
                name,
                method,
                seed,
                options.samples,
                {"memory": memory, **settings},
                {"without": term},
            )
            for name in options.sets
            for method in options.methods
            for seed in seeds(options)
            for term, settings in left_out(method).items()
        ]
        rows = run(path, tasks, options, extra=["without"])
    draw(rows, path.with_suffix(".png"))


def left_out(method):
    """Say what is left out in turn, and the settings that do it."""
    return {**WITHOUT, **(MORE if method == "paper's system" else {})}


def draw(rows, path):
    sets = grouped(rows, ("set", "sampling"))
    figure, axes = panels(len(sets), width=5.0)
    for ax, ((name, _), measured) in zip(axes, sets.items(), strict=True):
        methods = grouped(measured, ("method",))
        width = 0.8 / len(methods)
        for i, ((method,), group) in enumerate(methods.items()):
            terms = grouped(group, ("without",))
            accuracy = [numbers(found, "acc") for found in terms.values()]
            where = np.arange(len(terms)) + i * width
            ax.bar(where, [a.mean() for a in accuracy], width, label=method)
            for x, values in zip(where, accuracy, strict=True):
                ax.plot(np.full(len(values), x), values, "k.", markersize=3)
            ax.set_xticks(
                where - i * width / 2,
                [term for (term,) in terms],
                rotation=25,
                ha="right",
            )
        ax.set(title=name, xlabel="term left out", ylabel="ACC")
        ax.legend(fontsize="small", loc="lower right")
    save(figure, path)


if __name__ == "__main__":
    main()
