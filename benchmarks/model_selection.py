"""Does a label-free score rank settings as accuracy does?

Fits a grid of settings, bad ones included, on part of each data set, and judges every
fit on the held-out rest: by clustering accuracy, which reads labels, and by every
label-free candidate. Start and pretraining are shared through ``memory=``.

    python -m benchmarks.model_selection --data FOLDER

FOLDER holds ``.npz`` files with the arrays X and y. Rows go to
``results/model_selection.csv`` as they are measured, and a run that is started again
goes on where it stopped. The clusters of the held-out samples are kept beside them, so
that ``--rejudge`` can compute the scores that need nothing else anew, without fits;
``--summarise`` only draws and sums up what is there.
"""

import argparse
import tempfile
import time
import warnings

import numpy as np
import torch
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.model_selection import train_test_split

from benchmarks.data import load
from benchmarks.model_selection_report import summarise
from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append, has_columns, read, write
from benchmarks.runner import precision_used
from deepcluster_sk import (
    DeepTripletClusterer,
    PseudoLabels,
    Reconstruction,
    SelfTraining,
)
from deepcluster_sk.data.axes import flatten_samples, layout_from_array
from deepcluster_sk.graph.score import scoring_graph
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.model_selection import get_scorer, get_scorer_names
from deepcluster_sk.networks.contrast import CONTRASTS
from deepcluster_sk.runtime.malloc import keeping_freed_memory

SETS = ("digits", "usps", "fashion_mnist")
FREE = {"targets": SelfTraining()}
KMEANS = {"init": "kmeans", **FREE}
#: Name and parameters of each setting; what is not named is at its default.
SETTINGS = {
    "default": {},
    "half anchored": {"targets": PseudoLabels(duration=0.5, n_updates=0)},
    "not anchored": FREE,
    "not anchored, beta 0.8": {"beta": 0.8, **FREE},
    "beta 0": {"beta": 0.0},
    "beta 10": {"beta": 10.0},
    "beta 30, not anchored": {"beta": 30.0, **FREE},
    "gamma 1": {"gamma": 1.0},
    "gamma 30": {"gamma": 30.0},
    "gamma 30, not anchored": {"gamma": 30.0, **FREE},
    "omega 0": {"omega": 0.0},
    "omega 10": {"omega": 10.0},
    "omega 30, not anchored": {"omega": 30.0, **FREE},
    "margin 3, omega 1": {"margin": 3.0, "omega": 1.0},
    "alpha 0, not anchored": {"alpha": 0.0, **FREE},
    "alpha 100": {"alpha": 100.0},
    "lr 0.1": {"lr": 0.1},
    "lr 1e-5": {"lr": 1e-5},
    "no augmentation": {"augmentation": None},
    "no augmentation, not anchored": {"augmentation": None, **FREE},
    "k-means start": KMEANS,
    "k-means start, anchored": {"init": "kmeans"},
    "k-means start, gamma 2": {**KMEANS, "gamma": 2.0},
    "k-means start, beta 0.8, gamma 0.1": {**KMEANS, "beta": 0.8, "gamma": 0.1},
    "random start": {"init": "random", **FREE},
    "random start, anchored": {"init": "random"},
    "IDEC": {
        **KMEANS,
        "beta": 0.1,
        "gamma": 0.0,
        "omega": 0.0,
        "module__radius": None,
        "pretraining": Reconstruction(),
    },
    "latent 2": {"latent_dim": 2},
    "deep network": {"architecture": "deep"},
}
SCORES = [name for name in get_scorer_names() if name != "clustering_accuracy"]
#: Modularity on the graph under each contrast, of predictions and of augmented views.
BY_GRAPH = [
    f"{kind}_modularity_{contrast}"
    for kind in ("neighbor", "view")
    for contrast in CONTRASTS
]
COLUMNS = [
    *("data", "seed", "setting", "parameters", "n_fitted", "n_held_out", "max_epochs"),
    *("seconds", "accuracy", "nmi", "accuracy_fitted", "clusters_used", "contrast"),
    *(*SCORES, *BY_GRAPH, "stability"),
    *("error", "precision", "judged_at", *ABOUT),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of .npz files with X and y")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--fitted", type=int, help="samples to fit on; default half")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--stability", nargs="*", default=[])
    parser.add_argument("--output", default="model_selection.csv")
    parser.add_argument("--rejudge", action="store_true")
    parser.add_argument("--summarise", action="store_true")
    arguments = parser.parse_args()
    path = RESULTS / arguments.output
    if arguments.rejudge:
        rejudge(arguments, path)
    elif not arguments.summarise:
        measure(arguments, path)
    summarise(path, [*SCORES, *BY_GRAPH, "stability"])


def measure(arguments, path):
    rows = read(path)
    done = {(row["data"], int(row["seed"]), row["setting"]) for row in rows}
    if not has_columns(path, COLUMNS):
        write(path, rows, COLUMNS)
    about = provenance()
    for seed in arguments.seeds:
        for name in arguments.sets:
            fitted, held_out = split(name, arguments, seed)
            with tempfile.TemporaryDirectory() as memory:
                for setting, parameters in SETTINGS.items():
                    if (name, seed, setting) in done:
                        continue
                    model = DeepTripletClusterer(
                        n_clusters=len(np.unique(fitted[1])),
                        max_epochs=arguments.epochs,
                        targets=PseudoLabels(n_updates=0),
                        device="cpu",
                        memory=memory,
                        random_state=seed,
                    ).set_params(**parameters)
                    row = {
                        "data": name,
                        "seed": seed,
                        "setting": setting,
                        "parameters": parameters,
                        "n_fitted": len(fitted[0]),
                        "n_held_out": len(held_out[0]),
                        "max_epochs": arguments.epochs,
                        **about,
                    }
                    figures, clusters = judged(model, fitted, held_out)
                    row |= figures
                    if not row["error"]:
                        keep(path, name, seed, setting, *clusters)
                    if name in arguments.stability and not row["error"]:
                        row["stability"] = stability(model, fitted[0], held_out[0])
                    append(path, row, COLUMNS)
                    shown = {k: row.get(k) for k in ("accuracy", *SCORES, "seconds")}
                    print(name, seed, setting, shown, row["error"], flush=True)


def split(name, arguments, seed):
    """Part of a sample to fit on, and the rest to judge by; shuffled."""
    X, y = load(name, arguments.data)
    chosen = np.random.default_rng(seed).permutation(len(X))[: arguments.samples]
    X_fit, X_test, y_fit, y_test = train_test_split(
        X[chosen], y[chosen], train_size=arguments.fitted or 0.5, random_state=seed
    )
    return (X_fit, y_fit), (X_test, y_test)


def judged(model, fitted, held_out):
    """Figures of a fit, and the clusters of samples and of most of their views."""
    start = time.perf_counter()
    row = {"error": ""}
    try:
        model.fit(fitted[0])
    except ValueError as error:  # training diverged
        return {"error": str(error).split(".")[0]}, None
    row["seconds"] = round(time.perf_counter() - start, 2)
    X, y = held_out
    labels, voted = model.predict(X), model._voted_labels(*model._rows(X))
    row["accuracy"] = clustering_accuracy_score(y, labels)
    row["nmi"] = normalized_mutual_info_score(y, labels)
    row["accuracy_fitted"] = clustering_accuracy_score(fitted[1], model.labels_)
    row["clusters_used"] = len(np.unique(labels))
    row["contrast"] = model.contrast_
    row["precision"] = precision_used(model)
    for name in SCORES:
        row[name] = get_scorer(name)(model, X)
    row |= by_graph(*model._rows(X), labels, voted)
    row = {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}
    return row, (labels, voted)


def kept(path, name, seed):
    """File of the clusters of held-out samples, and what it holds by setting."""
    file = path.with_suffix("") / f"{name}_{seed}.npz"
    if not file.exists():
        return file, {}
    with np.load(file) as archive:
        return file, dict(archive)


def keep(path, name, seed, setting, found, voted):
    file, held = kept(path, name, seed)
    file.parent.mkdir(exist_ok=True)
    both = np.stack([found, voted]).astype(np.uint8)
    np.savez_compressed(file, **{**held, setting: both})


def rejudge(arguments, path):
    """Compute the scores by graph anew, from the clusters that were kept.

    With the same --samples and --fitted as the sets were measured with.
    """
    rows = read(path)
    commit = provenance()["commit"]
    for name, seed in sorted({(row["data"], int(row["seed"])) for row in rows}):
        if name not in arguments.sets:
            continue
        _, (X, _) = split(name, arguments, seed)
        X, shape = flatten_samples(X)
        layout = layout_from_array(shape, None)
        _, held = kept(path, name, seed)
        for row in rows:
            labels = held.get(row["setting"])
            if (row["data"], int(row["seed"])) == (name, seed) and labels is not None:
                row |= by_graph(X, layout, *labels.astype(int))
                row["judged_at"] = commit
    write(path, rows, COLUMNS)


def by_graph(rows, layout, found, voted):
    """Scores that need only the samples and their clusters."""
    scores = {}
    for contrast in CONTRASTS:
        graph = scoring_graph(rows, layout, torch.device("cpu"), contrast)
        for kind, labels in (("neighbor", found), ("view", voted)):
            name = f"{kind}_modularity_{contrast}"
            scores[name] = round(graph.modularity(labels), 5)
    return scores


def stability(model, X, X_test):
    """Agreement on held-out samples of two models, each fitted on its own half."""
    labels = [
        clone(model).fit(X[part]).predict(X_test)
        for part in np.array_split(np.random.default_rng(0).permutation(len(X)), 2)
    ]
    return round(adjusted_rand_score(*labels), 5)


if __name__ == "__main__":
    # Short fits need not settle, and some of the settings are to collapse.
    warnings.simplefilter("ignore")
    with keeping_freed_memory():
        main()
