"""What the documentation shows of the results, written anew at every build."""

from benchmarks.methods import METHODS
from benchmarks.tables import (
    HEAD,
    NOTE,
    RESULTS,
    accuracy_table,
    describe,
    grouped,
    mean_std,
    measured_sets,
    numbers,
    precision_of,
    rows_of,
    seeds_of,
)

#: The clusterers of the package, as the benchmarks name them.
CLUSTERERS = ("ours", "augmented DEC", "DEC", "IDEC", "DEPICT", "variational")
#: The columns that tell the fits of an experiment apart.
EXPERIMENTS = {
    "imbalance": ("method", "r_min"),
    "rare_classes": ("method", "r_min"),
    "ablation": ("method", "without"),
    "sensitivity": ("method", "weight", "value"),
    "n_clusters": ("method", "n_clusters"),
}
#: The columns of what is measured once, and shown as it is.
MEASUREMENTS = {
    "speed": (
        *("what", "n", "value", "unit"),
        *("compared_with", "compared_value", "ratio", "device"),
    ),
    "gpu": (
        *("step", "what", "n", "value", "unit", "compared_with", "compared_value"),
        *("ratio", "acc", "seconds", "peak_mib", "device_name", "precision", "note"),
    ),
    "confidence": (
        *("set", "n", "seed", "acc", "errors", "auroc", "auroc_probability", "found"),
    ),
    "search_speed": (
        *("settings", "n", "memory", "n_jobs", "seconds", "cpu_seconds", "load"),
    ),
}


def page(name):
    """Give the results of an experiment as reStructuredText."""
    if name == "accuracy":
        return accuracy()
    if name == "clusterers":
        return clusterers()
    rows = rows_of(name)
    if not rows:
        return f"Not measured yet; ``python -m benchmarks.{name}`` does it.\n"
    parts = []
    if name in EXPERIMENTS:
        parts.append(summary(rows, EXPERIMENTS[name]))
    if name in MEASUREMENTS:
        columns = MEASUREMENTS[name]
        parts.append(table(columns, [[row[c] for c in columns] for row in rows]))
    if (RESULTS / f"{name}.png").exists():
        parts.insert(0, f".. image:: ../benchmarks/results/{name}.png")
    commits = sorted({row["commit"] for row in rows})
    commands = sorted({row["command"] for row in rows})
    made = "; ".join(f"``{command}``" for command in commands)
    parts.append(f"Made by {made}, at {', '.join(commits)}.")
    return "\n\n".join(parts) + "\n"


def accuracy():
    """Every set under its name."""
    parts = [NOTE]
    for name in measured_sets():
        parts += [f".. rubric:: {name}", describe(name)]
        parts.append(table(HEAD, accuracy_table(name)))
    if len(parts) == 1:
        parts = ["Not measured yet; ``python -m benchmarks.accuracy`` does it."]
    return "\n\n".join(parts) + "\n"


def clusterers():
    """Give the package's own methods on every set, in one table."""
    lines = []
    for name in measured_sets():
        groups = grouped(rows_of(f"accuracy_{name}"), ("n", "method"))
        lines += [
            (
                name,
                f"{int(n):,}",
                METHODS[method].label,
                seeds_of(group),
                precision_of(group),
                mean_std(group, "acc"),
                f"{numbers(group, 'acc').min():.4f}",
                mean_std(group, "nmi"),
                f"{numbers(group, 'cpu_seconds').mean():.0f}",
            )
            for (n, method), group in sorted(
                groups.items(), key=lambda item: list(METHODS).index(item[0][1])
            )
            if method in CLUSTERERS
        ]
    if not lines:
        return "Not measured yet; ``python -m benchmarks.accuracy`` does it.\n"
    head = (
        *("data", "images", "method", "seeds", "precision"),
        *("ACC", "worst", "NMI", "CPU seconds"),
    )
    return NOTE + "\n\n" + table(head, lines) + "\n"


def summary(rows, keys):
    """Means over seeds, a line for every case."""
    lines = []
    for case, group in grouped(rows, ("set", "sampling", *keys)).items():
        sizes = numbers(group, "n")
        lines.append(
            (
                case[0],
                f"{sizes.mean():,.0f}",
                *case[2:],
                seeds_of(group),
                precision_of(group),
                mean_std(group, "acc"),
                f"{numbers(group, 'acc').min():.4f}",
                mean_std(group, "nmi"),
                f"{numbers(group, 'clusters_used').mean():g}",
            )
        )
    head = (
        *("data", "images", *keys, "seeds", "precision"),
        *("ACC", "worst", "NMI", "clusters used"),
    )
    return table(head, lines)


def table(head, lines):
    """Lay lines out as a ``csv-table``, with code marked as this format wants it."""
    text = [".. csv-table::", "   :header-rows: 1", ""]
    for line in (head, *lines):
        cells = (cell.replace("`", "``").replace('"', '""') for cell in line)
        text.append("   " + ", ".join(f'"{cell}"' for cell in cells))
    return "\n".join(text)
