"""Do the recipe's numbers hold on sets that they were not chosen on?

    python -m benchmarks.protocol --data FOLDER

The sets are split in two, kind by kind. Whoever wants to change a number chooses it on
the one half and confirms it on the other; a change that helps one half alone is not
made. Here each number is multiplied and divided by the square root of two, one at a
time, and the same samples are clustered. Rows go to ``results/protocol.csv``, and
``results/protocol.md`` says by how much ACC changes, half by half.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.provenance import provenance
from benchmarks.rows import ABOUT, RESULTS, append_missing, read
from benchmarks.runner import Task, measure, parser, seeds, set_up
from benchmarks.tables import markdown
from deepcluster_sk.graph import consensus, contest, graph, merge_split, settings

#: Writing, objects, faces, photographs, textures and signs, vectors: of each kind one.
CHOOSING = (
    *("digits", "usps", "fashion_mnist", "yaleb", "imagenette32", "neu6"),
    "moco_imagenet50",
)
CONFIRMING = (*("mnist", "notmnist10k", "coil20", "cmu_pie", "cifar10_train", "gtsrb"),)
HALVES = {"choosing": CHOOSING, "confirming": CONFIRMING}
AS_IT_IS = "as it is"
KEY = ("set", "samples", "number", "value", "seed")
COLUMNS = (
    *KEY,
    *("n", "classes", "acc", "nmi", "ari", "cpu_seconds", "precision"),
    *ABOUT,
)


@dataclass(frozen=True)
class Number:
    """A number of the recipe.

    Attributes
    ----------
    holders : tuple
        Modules or settings that have it.
    name : str
        Of their attribute.
    values : tuple
        That are tried instead.
    method : {"neighbor graph", "ours"}
        What shows its effect in the shortest time.
    """

    holders: tuple[Any, ...]
    name: str
    values: tuple[Any, ...]
    method: Literal["neighbor graph", "ours"] = "neighbor graph"


def either_way(value):
    """Half an octave below, and above, to two digits."""
    return tuple(float(f"{value * f:.2g}") for f in (math.sqrt(0.5), math.sqrt(2)))


GRAPHS = (settings.SMALL, settings.LARGE, settings.FULL, settings.CONTEST)
NUMBERS = {
    "links of a node, share of a cluster": Number(
        GRAPHS, "most_linked", either_way(1 / 12)
    ),
    "links of a node, at most": Number(
        (settings.LARGE, settings.FULL), "n_neighbors", ((7, 11), (14, 21))
    ),
    "links of a node, at least": Number(GRAPHS, "min_neighbors", (4, 7)),
    "standard errors of a challenger": Number(
        (consensus.CONSENSUS,), "n_errors", either_way(2)
    ),
    "links that patches confirm": Number((contest,), "CONFIRMED", either_way(0.5)),
    "merge and split: times": Number(
        (merge_split.MERGE_SPLIT,), "times", either_way(2)
    ),
    "merge and split: more": Number(
        (merge_split.MERGE_SPLIT,), "more", either_way(0.12)
    ),
    "merge and split: smallest share": Number(
        (merge_split.MERGE_SPLIT,), "smallest_share", either_way(0.1)
    ),
    "slack of new labels": Number((graph,), "SLACK", either_way(0.1), "ours"),
}


@contextmanager
def changed(number: Number, value: Any) -> Iterator[None]:
    """Give a number another value for a while; settings are frozen to all else."""
    before = [vars(holder)[number.name] for holder in number.holders]
    try:
        for holder in number.holders:
            vars(holder)[number.name] = value
        yield
    finally:
        for holder, value_before in zip(number.holders, before, strict=True):
            vars(holder)[number.name] = value_before


def main():
    options = parser(__doc__, [*CHOOSING, *CONFIRMING], samples=1_000)
    options.add_argument("--numbers", nargs="+", default=list(NUMBERS), choices=NUMBERS)
    options = options.parse_args()
    set_up()
    path = RESULTS / "protocol.csv"

    @cache
    def fit(data, method, seed, number, value):
        task = Task(data, method, seed, options.samples)
        if value == AS_IT_IS:
            return measure(task, options.data, options)
        with changed(NUMBERS[number], value):
            return measure(task, options.data, options)

    def row_of(data, _, number, value, seed):
        known = {str(v): v for v in (AS_IT_IS, *NUMBERS[number].values)}
        method, value = NUMBERS[number].method, known[value]
        # What is as it is, is so for all numbers of a method.
        of = number if value != AS_IT_IS else None
        found = fit(data, method, int(seed), of, value)
        return {name: found[name] for name in COLUMNS if name in found}

    tasks = [
        (data, str(options.samples), number, str(value), str(seed))
        for data in options.sets
        for seed in seeds(options)
        for number in options.numbers
        for value in (AS_IT_IS, *NUMBERS[number].values)
    ]
    with threadpool_limits(1):
        append_missing(path, tasks, KEY, COLUMNS, row_of, provenance(), options.force)
    path.with_suffix(".md").write_text(page(read(path)), encoding="utf-8")


def changes(rows, number, value, sets):
    """ACC with another value, less that without, fit by fit."""
    found = {
        (row["set"], row["samples"], row["seed"], row["value"]): float(row["acc"])
        for row in rows
        if row["number"] == number and row["set"] in sets
    }
    return np.array(
        [
            acc - found[(*fit, AS_IT_IS)]
            for (*fit, tried), acc in found.items()
            if tried == value and (*fit, AS_IT_IS) in found
        ]
    )


def told(differences):
    """Mean with its standard error, and the worst."""
    if len(differences) < 2:
        return "", ""
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return f"{differences.mean():+.3f} ± {error:.3f}", f"{differences.min():+.3f}"


def page(rows):
    """A table of all numbers, and what it shows."""
    table = []
    for number, about in NUMBERS.items():
        for value in map(str, about.values):
            found = [changes(rows, number, value, sets) for sets in HALVES.values()]
            if any(len(differences) for differences in found):
                now = vars(about.holders[0])[about.name]
                now = f"{now:.2g}" if isinstance(now, float) else str(now)
                cells = (cell for differences in found for cell in told(differences))
                table.append((number, now, value, *cells))
    head = ("number", "is", "tried")
    head += tuple(f"{half}{of}" for half in HALVES for of in ("", ", worst fit"))
    measured = {row["set"] for row in rows}
    of = [
        f"{half.capitalize()}: {', '.join(s for s in sets if s in measured)}.  "
        for half, sets in HALVES.items()
    ]
    return "\n".join([*INTRODUCTION, *of, "", markdown(head, table), ""])


INTRODUCTION = [
    "# Numbers of the recipe, on either half of the sets",
    "",
    "Written by `python -m benchmarks.protocol`. By how much ACC changes when a number",
    "is another: mean over fits ± its standard error, and the fit that loses most.",
    "",
]

if __name__ == "__main__":
    main()
