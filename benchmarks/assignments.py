"""Where the images of one class go, with and without balance (the paper's Figure 4).

    python -m benchmarks.assignments --data FOLDER

In the paper's system, under several weights of the balance term.
The mean probabilities of one class go to ``results/assignments.csv``, the histogram to
``results/assignments.png``.
"""

import numpy as np

from benchmarks.data import load, sample
from benchmarks.figures import panels, save
from benchmarks.methods import METHODS
from benchmarks.provenance import provenance
from benchmarks.rows import RESULTS, write
from benchmarks.runner import parser, precision_of, seeds, set_up
from benchmarks.tables import grouped, rows_of
from deepcluster_sk.metrics import confusion


def main():
    options = parser(__doc__, seeds=1)
    options.add_argument("--class", dest="label", type=int, default=1)
    options.add_argument("--gammas", nargs="+", type=float, default=[0.0, 0.01, 0.1])
    options = options.parse_args()
    set_up()
    about = {"precision": precision_of(options), **provenance()}
    rows = []
    for name in options.sets:
        for seed in seeds(options):
            X, y = sample(*load(name, options.data), options.samples, seed)
            for gamma in options.gammas:
                found = {"set": name, "n": len(X), "seed": seed, "gamma": gamma}
                settings = {
                    "gamma": gamma,
                    "device": options.device,
                    "precision": options.precision,
                }
                rows += [
                    {**found, "class": options.label, **row, **about}
                    for row in histogram(X, y, options.label, seed, settings)
                ]
    path = RESULTS / "assignments.csv"
    write(path, rows, list(rows[0]))
    draw(rows_of("assignments"), path.with_suffix(".png"))


def histogram(X, y, label, seed, settings):
    """Mean q and share of the labels of one class, for every cluster."""
    n_clusters = len(np.unique(y))
    result = METHODS["paper's system"](X, n_clusters, seed, **settings)
    matched = confusion(y, result.labels)
    # Clusters that are left empty have no class.
    owner = dict(zip(matched.column_labels, matched.row_labels, strict=False))
    mine = y == label
    q = result.model.predict_proba(X[mine]).mean(axis=0)
    counts = np.bincount(result.labels[mine], minlength=n_clusters)
    return [
        {
            "cluster": cluster,
            "cluster_class": owner.get(cluster, ""),
            "mean_q": round(float(q[cluster]), 4),
            "share": round(counts[cluster] / mine.sum(), 4),
        }
        for cluster in range(n_clusters)
    ]


def draw(rows, path):
    first = rows[0]["seed"]
    cases = grouped([row for row in rows if row["seed"] == first], ("set", "gamma"))
    figure, axes = panels(len(cases), width=3.2, height=2.8)
    for ax, ((name, gamma), group) in zip(axes, cases.items(), strict=True):
        names = [row["cluster_class"] or f"({row['cluster']})" for row in group]
        order = np.argsort(names)
        ax.bar(
            [names[i] for i in order],
            [float(group[i]["mean_q"]) for i in order],
        )
        ax.set(
            title=f"{name}, gamma = {gamma}",
            xlabel="class of the cluster",
            ylabel=f"mean q of class {group[0]['class']}",
            ylim=(0, 1),
        )
    save(figure, path)


if __name__ == "__main__":
    main()
