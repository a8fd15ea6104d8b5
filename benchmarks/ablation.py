"""What each of the four terms does (the paper's Figure 5).

    python -m benchmarks.ablation --data FOLDER

Each term is left out in turn, under the defaults, which train on the labels of a good
start, and where the net trains itself from a k-means start. Rows go to
``results/ablation.csv``, bars to ``results/ablation.png``. Fits share what they have in
common, so their seconds mean little.
"""

import tempfile

import numpy as np

from benchmarks.figures import panels, save
from benchmarks.runner import RESULTS, Task, parser, run, seeds
from benchmarks.tables import grouped, numbers
from deepcluster_sk import Reconstruction

METHODS = ("ours", "self-training")
#: What leaves a term out.
WITHOUT = {
    "none": {},
    "reconstruction": {"alpha": 0.0},
    "clustering": {"beta": 0.0},
    "balance": {"gamma": 0.0},
    "separation": {"omega": 0.0},
}
#: What leaves it out of pretraining as well, by method and term.
BEFORE = {("self-training", "separation"): {"pretraining": Reconstruction()}}


def main():
    options = parser(__doc__).parse_args()
    path = RESULTS / "ablation.csv"
    with tempfile.TemporaryDirectory() as memory:
        tasks = [
            Task(
                name,
                method,
                seed,
                options.samples,
                {"memory": memory, **settings, **BEFORE.get((method, term), {})},
                {"without": term},
            )
            for name in options.sets
            for method in METHODS
            for seed in seeds(options)
            for term, settings in WITHOUT.items()
        ]
        rows = run(path, tasks, options, extra=["without"])
    draw(rows, path.with_suffix(".png"))


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
            ax.set_xticks(where - i * width / 2, [term for (term,) in terms])
        ax.tick_params("x", rotation=20)
        ax.set(title=name, xlabel="term left out", ylabel="ACC")
        ax.legend(fontsize="small", loc="lower right")
    save(figure, path)


if __name__ == "__main__":
    main()
