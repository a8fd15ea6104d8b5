"""Tables of what was measured, for ``accuracy.md``, the README and the documentation.

    python -m benchmarks.tables

writes the first two anew from the rows in ``results/``.
"""

from pathlib import Path

import numpy as np

from benchmarks.methods import METHODS
from benchmarks.rows import RESULTS, read

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- accuracy: begin -->", "<!-- accuracy: end -->"
#: Order of the tables; other sets follow by name.
SETS = ("digits", "usps", "usps_9298", "mnist", "fashion_mnist")
HEAD = (
    *("method", "images", "seeds", "precision", "ACC", "worst", "NMI", "ARI"),
    *("ACC of the start", "seconds", "CPU seconds"),
)

#: r_min and ACC as printed in arXiv:1901.06474, Table 2, on all of MNIST.
IMBALANCE_PAPER = {0.1: 0.8802, 0.3: 0.945, 0.5: 0.9612, 0.7: 0.972, 0.9: 0.9791}

NOTE = (
    'Mean ± standard deviation over fits; "worst" is the lowest ACC. Defaults were '
    "chosen on seeds below 100. Where there is no precision, it is not on record. "
    "Classes serve for these scores alone. Seconds are of one fit on one thread; where "
    "the machine had other work, CPU seconds are the fairer figure."
)


def rows_of(name):
    """Rows of a results file, as text; none where there is no file."""
    return read(RESULTS / f"{name}.csv")


def measured_sets():
    """Names of the sets that accuracy was measured on."""
    files = [path.stem for path in RESULTS.glob("accuracy_*.csv")]
    # A run that has just begun has no rows yet.
    found = [name.removeprefix("accuracy_") for name in files if rows_of(name)]
    return sorted(found, key=lambda s: (SETS.index(s) if s in SETS else len(SETS), s))


def accuracy_table(name):
    """Lines of the table of one set, under HEAD."""
    groups = grouped(rows_of(f"accuracy_{name}"), ("sampling", "method"))
    order = list(METHODS)
    lines = []
    for (_, method), rows in sorted(groups.items(), key=lambda g: order.index(g[0][1])):
        images = {f"{int(row['n']):,}" for row in rows}
        lines.append(
            (
                METHODS[method].label,
                " or ".join(sorted(images)),
                seeds_of(rows),
                precision_of(rows),
                mean_std(rows, "acc"),
                worst(rows),
                mean_std(rows, "nmi"),
                mean_std(rows, "ari"),
                mean_std(rows, "start_acc"),
                seconds(rows, "seconds"),
                seconds(rows, "cpu_seconds"),
            )
        )
    return lines


def grouped(rows, names):
    """Rows by the values of some columns, in order of appearance."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def seeds_of(rows):
    """Say which seeds rows have: "0-4, 100"."""
    seeds = sorted({int(row["seed"]) for row in rows})
    starts = [seed for seed in seeds if seed - 1 not in seeds]
    ends = [seed for seed in seeds if seed + 1 not in seeds]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in pairs)


def precision_of(rows):
    """Say which precisions rows are known to have."""
    return " or ".join(sorted({row["precision"] for row in rows} - {""}))


def numbers(rows, name):
    return np.array([float(row[name]) for row in rows if row[name] != ""])


def mean_std(rows, name):
    """Mean ± standard deviation over seeds, the latter from two seeds on."""
    values = numbers(rows, name)
    if not len(values):
        return ""
    spread = f" ± {share(values.std(ddof=1))}" if len(values) > 1 else ""
    return f"{share(values.mean())}{spread}"


def worst(rows):
    return share(numbers(rows, "acc").min())


def share(value):
    """Write a share to three digits, of which the next fit would change the last."""
    return f"{value:.3f}".removeprefix("0")


def seconds(rows, name):
    mean = numbers(rows, name).mean()
    return f"{mean:.1f}" if mean < 10 else f"{mean:,.0f}"


def markdown(head, lines):
    table = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def describe(name):
    """Say what a set's rows have in common."""
    rows = rows_of(f"accuracy_{name}")
    machines = sorted(
        {
            f"{row['machine']}{row['cpu'] and ', ' + row['cpu']}, {row['device']}"
            for row in rows
        }
    )
    samplings = sorted({row["sampling"] for row in rows} - {"all"})
    text = f"{int(rows[0]['classes'])} classes. Measured on: {'; '.join(machines)}."
    if samplings:
        text += f" Samples: {'; '.join(samplings)}."
    return text


def write_accuracy():
    """Write ``accuracy.md``."""
    parts = ["# Accuracy", NOTE]
    for name in measured_sets():
        parts += [f"## {name}", describe(name), markdown(HEAD, accuracy_table(name))]
    (RESULTS / "accuracy.md").write_text("\n\n".join(parts) + "\n")


#: Methods beside the default, and the columns they are shown in.
BESIDE = {
    "k-means": "k-means",
    "paper's system": "the paper's system",
    "neighbor graph": "the graph alone",
}
#: The README's rows: an easy set, a middling and a hard one.
README_SETS = {
    "digits": "handwritten digits",
    "notmnist10k": "letters of many fonts (notMNIST)",
    "fashion_mnist": "clothes (Fashion-MNIST)",
    "cifar10_train": "photographs (CIFAR-10)",
}


def fits_of_the_default():
    """Rows of the default, and those of other methods on the same images.

    Yields
    ------
    name : str
        Of the set.
    ours : list of dict
    others : dict of str to list of dict
        By the names of the methods; none where one was not measured.
    """
    for name in measured_sets():
        groups = grouped(rows_of(f"accuracy_{name}"), ("method", "sampling"))
        for (method, sampling), ours in groups.items():
            if method == "ours":
                others = {m: groups.get((m, sampling), []) for m in METHODS}
                yield name, ours, others


def readme_table():
    """The default on a few sets, beside k-means and the start."""
    found = {
        name: (
            README_SETS[name],
            f"{int(ours[0]['n']):,}",
            mean_std(others["k-means"], "acc"),
            mean_std(ours, "start_acc"),
            mean_std(ours, "acc"),
        )
        for name, ours, others in fits_of_the_default()
        if name in README_SETS and ours[0]["sampling"] == "all"
    }
    head = ("images of", "number", "k-means", "before clusters are trained", "default")
    lines = [found[name] for name in README_SETS if name in found]
    return markdown(head, lines) if lines else "Not measured yet."


def write_readme():
    """Put the table between its marks in the README."""
    text = README.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    README.write_text(f"{before}{BEGIN}\n{readme_table()}\n{END}{after}")


def write_all():
    write_accuracy()
    write_readme()


if __name__ == "__main__":
    write_all()
