"""Does a fitted clusterer know which of its samples are in the wrong cluster?

    python -m benchmarks.confidence --data FOLDER

A sample is an error where its cluster is matched with another class than its own. What
is measured is how well a number ranks errors below the rest: the area under the curve,
of ``confidence(X)`` and, beside it, of the largest probability. Also the share of all
errors among the twentieth of the samples most in doubt. Rows go to
``results/confidence.csv``, reliability curves to ``results/confidence.png``.
"""

from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.data import load, sample, sampling
from benchmarks.figures import panels, save
from benchmarks.methods import METHODS
from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append, has_columns, read, write
from benchmarks.runner import parser, precision_of, seeds, set_up
from deepcluster_sk import load as load_model
from deepcluster_sk.metrics import confusion

SETS = ("digits", "usps", "fashion_mnist", "coil20", "notmnist10k", "neu6")
KEY = ("set", "sampling", "seed")
#: Samples are sorted by confidence and cut into so many parts of equal size.
N_PARTS = 10
#: Share of the samples that somebody looks at.
LOOKED_AT = 0.05
PARTS = tuple(f"right_{part}" for part in range(N_PARTS))
COLUMNS = (
    *KEY,
    *("n", "acc", "errors", "auroc", "auroc_probability", "found", *PARTS),
    *("precision", *ABOUT),
)


def main():
    options = parser(__doc__, sets=SETS, samples=2_000, seeds=1)
    options.add_argument(
        "--models",
        metavar="FOLDER",
        type=Path,
        help="where fitted models are kept, and read again: another confidence of the "
        "same fits takes seconds",
    )
    options = options.parse_args()
    path = RESULTS / "confidence.csv"
    rows = {tuple(row[name] for name in KEY): row for row in read(path)}
    if not has_columns(path, COLUMNS):
        write(path, rows.values(), COLUMNS)
    set_up()
    about = {"precision": precision_of(options), **provenance()}
    for name in options.sets:
        for seed in seeds(options):
            X, y = load(name, options.data)
            key = (name, sampling(len(X), options.samples), str(seed))
            if key in rows and not options.force:
                continue
            X, y = sample(X, y, options.samples, seed)
            model = fitted(X, y, name, seed, options)
            row = {**dict(zip(KEY, key, strict=True)), **measure(model, X, y)}
            append(path, {**row, **about}, COLUMNS)
            print(row, flush=True)
    draw(read(path), path.with_suffix(".png"))


def fitted(X, y, name, seed, options):
    """Fit a clusterer, or read the one that an earlier run has kept."""
    kept = options.models and options.models / f"{name}_{len(X)}_{seed}.safetensors"
    if kept and kept.exists():
        return load_model(kept, device=options.device)
    settings = {"device": options.device, "precision": options.precision}
    model = METHODS["ours"](X, len(np.unique(y)), seed, **settings).model
    if kept:
        model.save(kept)
    return model


def measure(model, X, y):
    """Judge by the classes what a fit says of itself."""
    labels = model.predict(X)
    wrong = errors(y, labels)
    confidence = model.confidence(X)
    probability = model.predict_proba(X).max(axis=1)
    return {
        "n": len(X),
        "acc": round(1 - wrong.mean(), 4),
        "errors": int(wrong.sum()),
        "auroc": area(wrong, confidence),
        "auroc_probability": area(wrong, probability),
        "found": found(wrong, confidence),
        **dict(zip(PARTS, shares_right(wrong, confidence), strict=True)),
    }


def errors(y, labels):
    """Whether each sample's cluster is matched with another class than its own."""
    matched = confusion(y, labels)
    pairs = zip(matched.column_labels, matched.row_labels, strict=False)
    owner = dict(pairs)
    return np.array([owner.get(k) != name for k, name in zip(labels, y, strict=True)])


def area(wrong, confidence):
    """Share of pairs of an error and a success that are ranked rightly."""
    if wrong.all() or not wrong.any():
        return ""
    return round(roc_auc_score(wrong, -confidence), 4)


def found(wrong, confidence):
    """Share of all errors among those that are looked at first."""
    if not wrong.any():
        return ""
    first = np.argsort(confidence, kind="stable")[: round(LOOKED_AT * len(wrong))]
    return round(wrong[first].sum() / wrong.sum(), 4)


def shares_right(wrong, confidence):
    """Share that is right of each part of equal size, the most doubtful first."""
    parts = np.array_split(np.argsort(confidence, kind="stable"), N_PARTS)
    return [round(1 - wrong[part].mean(), 4) for part in parts]


def draw(rows, path):
    figure, axes = panels(len(rows), width=2.6, height=2.4)
    for ax, row in zip(axes, rows, strict=True):
        ax.bar(range(1, N_PARTS + 1), [float(row[part]) for part in PARTS])
        ax.set(
            title=f"{row['set']}, seed {row['seed']}: ACC {float(row['acc']):.3f}",
            xlabel="tenth, by confidence",
            ylabel="share that is right",
            ylim=(0, 1),
        )
    save(figure, path)


if __name__ == "__main__":
    main()
