"""What the documentation shows of the results, written anew at every build."""

from collections import Counter, defaultdict

from benchmarks.methods import METHODS
from benchmarks.tables import (
    BESIDE,
    HEAD,
    NOTE,
    RESULTS,
    accuracy_table,
    describe,
    fits_of_the_default,
    grouped,
    mean_std,
    measured_sets,
    numbers,
    rows_of,
    seeds_of,
    worst,
)

#: The clusterers of the package, as the benchmarks name them.
CLUSTERERS = (
    *("ours", "augmented DEC", "DEC", "IDEC", "DEPICT", "variational"),
    "TEMI",
)
#: Vectors of pretrained networks, whose they are, and what clusters them.
VECTORS = {
    "moco_imagenet50": "ImageNet, 50 classes; MoCo",
    "imagenette32_open_nsfw": "Imagenette at 32x32; open_nsfw",
    "cifar10_train_open_nsfw": "CIFAR-10; open_nsfw",
    "gtsrb_open_nsfw": "traffic signs; open_nsfw",
    "coil20_open_nsfw": "COIL-20; open_nsfw",
    "fashion_mnist_open_nsfw": "Fashion-MNIST; open_nsfw",
}
OF_VECTORS = {
    "k-means, unit vectors": "k-means",
    "neighbor graph": "the graph alone",
    "TEMI": "TEMI",
}
#: What a page has room for of a set's table.
SHOWN = ("method", "images", "ACC", "worst", "NMI", "ACC of the start", "CPU seconds")
#: What the images of a set show.
NAMES = {
    "digits": "digits, 8x8",
    "usps": "digits, USPS",
    "usps_9298": "digits, USPS of 9,298",
    "mnist": "digits, MNIST",
    "fashion_mnist": "clothes, Fashion-MNIST",
    "cmu_pie": "faces, CMU-PIE",
    "coil20": "objects, COIL-20",
    "yaleb": "faces under hard light, Yale B",
    "notmnist10k": "letters, notMNIST",
    "neu6": "steel surfaces, NEU",
    "gtsrb": "traffic signs, GTSRB",
    "cifar10_train": "photographs, CIFAR-10",
    "imagenette32": "photographs, Imagenette",
}
#: Height and width of the images of a set, and their colour.
PIXELS = {
    "digits": "8x8",
    "usps": "16x16",
    "usps_9298": "16x16",
    "mnist": "28x28",
    "fashion_mnist": "28x28",
    "cmu_pie": "32x32",
    "coil20": "32x32",
    "yaleb": "32x32",
    "notmnist10k": "28x28",
    "neu6": "64x64",
    "gtsrb": "32x32, colour",
    "cifar10_train": "32x32, colour",
    "imagenette32": "32x32, colour",
}
NOT_MEASURED = "Not measured yet; ``python -m benchmarks.accuracy`` does it."
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
        *("step", "what", "n", "value", "unit", "compared_with", "ratio"),
        *("acc", "seconds", "peak_mib", "note"),
    ),
    "counting": (
        *("set", "what", "n", "classes", "n_clusters", "lowest", "highest", "guess"),
    ),
    "counted": (
        *("set", "n", "classes", "n_clusters", "nmi_given", "nmi_counted"),
        *("cpu_given", "cpu_counted"),
    ),
    "outliers": (
        *("set", "n", "fitted", "held_out", "noise", "negative", "shuffled"),
        *("halves", "other_class"),
    ),
    "confidence": (
        *("set", "n", "acc", "auroc", "auroc_probability", "auroc_minority", "found"),
        *("temperature", "ece", "ece_raw"),
    ),
    "search_speed": (
        *("settings", "n", "memory", "n_jobs", "seconds", "cpu_seconds", "load"),
    ),
}
#: What the rows of a campaign count, and their columns of outcomes.
CAMPAIGNS = {
    "robustness_calls": ("malformed calls", ("result", "error", "fault")),
    "robustness_pictures": ("damaged pictures", ("read", "left_out", "faults")),
}
#: Ways in which the same pictures are read once more.
AGAIN = ("all at once", "zipped")
#: Whether a test fails where the code is changed.
NOTICED = {"yes": "noticed", "no": "not noticed", "equivalent": "cannot be noticed"}


def page(name):
    """Give the results of an experiment as reStructuredText."""
    if name in PAGES:
        return PAGES[name]()
    rows = rows_of(name)
    if not rows:
        return f"Not measured yet; ``python -m benchmarks.{name}`` does it.\n"
    parts = []
    if name in EXPERIMENTS:
        parts.append(summary(rows, EXPERIMENTS[name]))
    if name in MEASUREMENTS:
        columns = MEASUREMENTS[name]
        lines = [[brief(row[column]) for column in columns] for row in rows]
        parts.append(table([column.replace("_", " ") for column in columns], lines))
    if (RESULTS / f"{name}.png").exists():
        parts.insert(0, f".. image:: ../benchmarks/results/{name}.png")
    commits = sorted({row["commit"] for row in rows})
    commands = sorted({row["command"] for row in rows})
    made = "; ".join(f"``{command}``" for command in commands)
    devices = sorted({row.get("device_name", "") for row in rows} - {""})
    where = f" on {', '.join(devices)}" if devices else ""
    parts.append(f"Made by {made}{where}, at {', '.join(commits)}.")
    return "\n\n".join(parts) + "\n"


def accuracy():
    """Every set under its name."""
    parts = [NOTE]
    for name in measured_sets():
        parts += [f".. rubric:: {name}", describe(name)]
        columns = [HEAD.index(column) for column in SHOWN]
        lines = [[line[c] for c in columns] for line in accuracy_table(name)]
        parts.append(table(SHOWN, lines))
    if len(parts) == 1:
        parts = [NOT_MEASURED]
    return "\n\n".join(parts) + "\n"


def overview():
    """Give the default on every set, beside what it is made of."""
    lines = [
        (
            NAMES.get(name, name),
            f"{int(ours[0]['n']):,}",
            *(mean_std(others[method], "acc") for method in BESIDE),
            mean_std(ours, "acc"),
            worst(ours),
        )
        for name, ours, others in fits_of_the_default()
    ]
    head = ("data", "images", *BESIDE.values(), "default", "worst")
    return (table(head, lines) if lines else NOT_MEASURED) + "\n"


def minutes():
    """Give the time of default fits, by the number of images."""
    fits = sorted(fits_of_the_default(), key=lambda fit: int(fit[1][0]["n"]))
    lines = [
        (
            f"{int(ours[0]['n']):,}",
            PIXELS.get(name, ""),
            ours[0]["classes"],
            NAMES.get(name, name),
            f"{numbers(ours, 'cpu_seconds').mean() / 60:.1f}",
        )
        for name, ours, _ in fits
    ]
    head = ("images", "pixels", "clusters", "data", "CPU minutes")
    return (table(head, lines) if lines else NOT_MEASURED) + "\n"


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
                mean_std(group, "acc"),
                worst(group),
                mean_std(group, "nmi"),
                f"{numbers(group, 'cpu_seconds').mean():.0f}",
            )
            for (n, method), group in sorted(
                groups.items(), key=lambda item: list(METHODS).index(item[0][1])
            )
            if method in CLUSTERERS
        ]
    if not lines:
        return NOT_MEASURED + "\n"
    head = ("data", "images", "method", "ACC", "worst", "NMI", "CPU seconds")
    return NOTE + "\n\n" + table(head, lines) + "\n"


def vectors():
    """Give ACC of what clusters vectors of pretrained networks, set by set."""
    lines = []
    for name, title in VECTORS.items():
        groups = grouped(rows_of(f"accuracy_{name}"), ("method",))
        measured = [groups.get((method,), []) for method in OF_VECTORS]
        if all(measured):
            n, classes, seconds = (
                f"{numbers(measured[-1], column).mean():,.0f}"
                for column in ("n", "classes", "cpu_seconds")
            )
            accuracies = (mean_std(rows, "acc") for rows in measured)
            lines.append((title, n, classes, *accuracies, seconds))
    head = ("vectors of", "number", "clusters", *OF_VECTORS.values(), "its CPU seconds")
    return (table(head, lines) if lines else NOT_MEASURED) + "\n"


def robustness():
    """Give what became of calls, pictures, interrupts and changes of the code."""
    found = defaultdict(Counter)
    for name, (what, outcomes) in CAMPAIGNS.items():
        for row in rows_of(name):
            if row.get("damage") not in AGAIN:
                found[what, row["seed"]].update({o: int(row[o]) for o in outcomes})
    for row in rows_of("robustness_interruptions"):
        found[f"{row['what']}s", row["seed"]][row["outcome"]] += int(row["count"])
    for row in rows_of("mutations"):
        found["changes of the code", row["seed"]][NOTICED[row["noticed"]]] += 1
    lines = [
        (
            what,
            seed,
            f"{counts.total():,}",
            "; ".join(f"{o.replace('_', ' ')} {n:,}" for o, n in counts.items()),
        )
        for (what, seed), counts in found.items()
    ]
    head = ("what", "seed", "tried", "outcomes")
    return (table(head, lines) if lines else NOT_MEASURED) + "\n"


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
                mean_std(group, "acc"),
                worst(group),
                mean_std(group, "nmi"),
                f"{numbers(group, 'clusters_used').mean():.3g}",
            )
        )
    head = (
        *("data", "images", *keys, "seeds"),
        *("ACC", "worst", "NMI", "clusters used"),
    )
    return table(head, lines)


PAGES = {
    "accuracy": accuracy,
    "overview": overview,
    "clusterers": clusterers,
    "minutes": minutes,
    "vectors": vectors,
    "robustness": robustness,
}


def brief(text):
    """Round a number to three digits; a word, and a whole number, stay as they are."""
    try:
        value = float(text)
    except ValueError:
        return text
    if value.is_integer():
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(head, lines):
    """Lay lines out as a ``csv-table``, with code marked as this format wants it."""
    text = [".. csv-table::", "   :header-rows: 1", ""]
    for line in (head, *lines):
        cells = (cell.replace("`", "``").replace('"', '""') for cell in line)
        text.append("   " + ", ".join(f'"{cell}"' for cell in cells))
    # A figure and its spread are not to be parted at the end of a line.
    return "\n".join(text).replace(" ± ", "\N{NBSP}±\N{NBSP}")
