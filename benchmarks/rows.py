"""Results as rows of CSV files: read, written and appended to as text."""

import csv
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
#: What every row says of where it came from. Rows of before a column was there have
#: nothing in it.
ABOUT = ("commit", "machine", "cpu", "versions", "command")


def read(path):
    """Rows of a CSV file, as text; none where there is no file.

    Columns of `ABOUT`, and ``precision``, that the file does not have are empty.
    """
    if not path.exists():
        return []
    empty = dict.fromkeys(("precision", *ABOUT), "")
    with path.open(newline="") as file:
        return [empty | row for row in csv.DictReader(file)]


def write(path, rows, columns):
    """Write a file anew; what a row has besides the columns is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def append(path, row, columns):
    """Append one row, at once."""
    with path.open("a", newline="") as file:
        csv.DictWriter(file, columns).writerow(row)


def append_missing(path, tasks, key, columns, measure, about, force=False):
    """Measure every task that has no row yet, and append its row at once.

    Parameters
    ----------
    path : Path
    tasks : iterable of tuple of str
        Values of the columns `key`.
    key, columns : tuple of str
    measure : callable
        From the values of a task to the other columns.
    about : dict
        Of `ABOUT`.
    force : bool, default=False
        Whether to begin with no rows.
    """
    if force or not has_columns(path, columns):
        write(path, [] if force else read(path), columns)
    known = {tuple(row[name] for name in key) for row in read(path)}
    for task in tasks:
        if task not in known:
            row = measure(*task)
            append(path, {**dict(zip(key, task, strict=True)), **row, **about}, columns)
            print(*task, row, flush=True)


def has_columns(path, columns):
    """Whether a file is there, and has these columns in this order."""
    if not path.exists():
        return False
    with path.open(newline="") as file:
        return next(csv.reader(file), None) == list(columns)
