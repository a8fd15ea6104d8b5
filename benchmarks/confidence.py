"""Does a fitted clusterer know which of its samples are in the wrong cluster?

    python -m benchmarks.confidence --data FOLDER

A sample is an error where its cluster is matched with another class than its own. What
is measured is how well a number ranks errors below the rest: the area under the curve,
of ``confidence(X)`` and, beside it, of the largest probability. Also the share of all
errors among the twentieth of the samples most in doubt. Where two clusters share a
class, one of them is all errors, and nothing in it looks like one: ``auroc_minority``
is of those that are not of the class most frequent in their cluster. And how far the
largest probability is the share that is right: the expected calibration error, of
``calibrated_proba(X)`` and of ``predict_proba(X)``. Rows go to
``results/confidence.csv``, reliability curves to ``results/confidence.png``.
"""

import math
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

SETS = ("digits", "usps", "fashion_mnist", "coil20", "notmnist10k", "cmu_pie")
KEY = ("set", "sampling", "seed")
#: Samples are sorted by confidence and cut into so many parts of equal size; and by
#: probability into so many of equal width.
N_PARTS = 10
#: Sets side by side in the picture.
N_COLUMNS = 4
#: Share of the samples that somebody looks at.
LOOKED_AT = 0.05
PARTS = tuple(f"right_{part}" for part in range(N_PARTS))
#: Of tenths by a largest probability, the least sure first: its mean, and the share
#: that is right; calibrated and as it is.
SURE, HIT, RAW_SURE, RAW_HIT = (
    tuple(f"{name}_{part}" for part in range(N_PARTS))
    for name in ("sure", "hit", "raw_sure", "raw_hit")
)
COLUMNS = (
    *KEY,
    *("n", "acc", "errors", "auroc", "auroc_probability", "auroc_minority", "found"),
    *PARTS,
    *("temperature", "ece", "ece_raw", *SURE, *HIT, *RAW_SURE, *RAW_HIT),
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
    q = model.predict_proba(X)
    probability = q.max(axis=1)
    temperature = model.temperature(X)
    sure = model.calibrated_proba(X, temperature=temperature).max(axis=1)
    return {
        "n": len(X),
        "acc": round(1 - wrong.mean(), 4),
        "errors": int(wrong.sum()),
        "auroc": area(wrong, confidence),
        "auroc_probability": area(wrong, probability),
        "auroc_minority": area(minority(y, labels), confidence),
        "found": found(wrong, confidence),
        **dict(zip(PARTS, shares_right(wrong, confidence), strict=True)),
        "temperature": round(temperature, 4),
        "ece": calibration_error(wrong, sure),
        "ece_raw": calibration_error(wrong, probability),
        **reliability(wrong, sure, SURE, HIT),
        **reliability(wrong, probability, RAW_SURE, RAW_HIT),
    }


def errors(y, labels):
    """Whether each sample's cluster is matched with another class than its own."""
    matched = confusion(y, labels)
    pairs = zip(matched.column_labels, matched.row_labels, strict=False)
    owner = dict(pairs)
    return np.array([owner.get(k) != name for k, name in zip(labels, y, strict=True)])


def minority(y, labels):
    """Whether each sample is of another class than most of its cluster."""
    classes, codes = np.unique(y, return_inverse=True)
    counts = np.zeros((labels.max() + 1, len(classes)), int)
    np.add.at(counts, (labels, codes), 1)
    return counts.argmax(axis=1)[labels] != codes


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


def calibration_error(wrong, probability):
    """Gap between probability and share right, mean over bins of equal width."""
    bins = np.minimum((probability * N_PARTS).astype(int), N_PARTS - 1)
    gap = np.bincount(bins, weights=probability - ~wrong, minlength=N_PARTS)
    return round(np.abs(gap).sum() / len(wrong), 4)


def reliability(wrong, probability, sure, hit):
    """Mean probability, and the share right, of each part of equal size."""
    parts = np.array_split(np.argsort(probability, kind="stable"), N_PARTS)
    means = [round(float(probability[part].mean()), 4) for part in parts]
    found = (*means, *shares_right(wrong, probability))
    return dict(zip((*sure, *hit), found, strict=True))


def draw(rows, path):
    """Draw the share right of each tenth: bars by confidence, curves by probability."""
    n_blocks = math.ceil(len(rows) / N_COLUMNS)
    figure, axes = panels(N_COLUMNS, n_rows=2 * n_blocks, width=2.4, height=2.2)
    for number in range(N_COLUMNS * n_blocks):
        block, column = divmod(number, N_COLUMNS)
        above, below = axes[2 * block : 2 * block + 2, column]
        if number >= len(rows):
            above.axis("off")
            below.axis("off")
            continue
        row = rows[number]
        above.bar(range(1, N_PARTS + 1), [float(row[part]) for part in PARTS])
        right = f"{float(row['acc']):.1%} right"
        above.set_title(f"{row['set']} ({row['n']}): {right}", fontsize=9)
        above.set(xlabel="tenth, by confidence", xticks=(1, 5, 10), ylim=(0, 1.03))
        below.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for name, x, y in (
            ("as it is", RAW_SURE, RAW_HIT),
            ("calibrated", SURE, HIT),
        ):
            points = [[float(row[part]) for part in parts] for parts in (x, y)]
            below.plot(*points, marker=".", label=name)
        below.set(xlabel="largest probability", xlim=(0, 1.03), ylim=(0, 1.03))
        below.legend(fontsize="small", loc="upper left")
        if column == 0:
            above.set_ylabel("share right")
            below.set_ylabel("share right")
    save(figure, path)


if __name__ == "__main__":
    main()
