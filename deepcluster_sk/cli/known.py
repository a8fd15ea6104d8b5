"""A table of pictures whose clusters somebody has told."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: What the column of files may be called: as a reader would, or as in our own tables.
_FILES = ("file", "path")
_CLUSTER = "cluster"
#: What cells may be parted by; some spreadsheets write the second.
_SEPARATORS = ",;\t"
#: What a cluster that is not known is written as.
_UNKNOWN = ("", "-1")


@dataclass(frozen=True)
class KnownClusters:
    """What a table says of pictures.

    Attributes
    ----------
    table : Path
        Where it was said.
    clusters : dict of str to (int, int)
        Line of each file, and its cluster.
    """

    table: Path
    clusters: dict[str, tuple[int, int]]

    @classmethod
    def read(cls, table: Path) -> "KnownClusters":
        """Read a table with columns of files and clusters; others are not looked at.

        Raises
        ------
        OSError
            If it cannot be read.
        ValueError
            If it is no such table, says two things of one picture, or nothing.
        """
        try:
            with table.open(newline="", encoding="utf-8-sig") as file:
                head = file.readline()
                file.seek(0)
                separator = max(_SEPARATORS, key=head.count)
                lines = csv.reader(file, delimiter=separator, strict=True)
                rows = [(lines.line_num, row) for row in lines if any(row)]
        except OSError as error:
            raise OSError(
                f"{str(table)!r} cannot be read: {error.strerror}."
            ) from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{str(table)!r} is no CSV table: {error}.") from error
        names = [name.strip().lower() for name in rows[0][1]] if rows else []
        files = [names.index(name) for name in _FILES if name in names]
        if not files or _CLUSTER not in names:
            raise ValueError(
                f"{str(table)!r} must begin with the names of its columns, file (or "
                f"path) and cluster among them; it begins with {', '.join(names)!r}."
            )
        return cls(table, _read_rows(table, rows[1:], files[0], names.index(_CLUSTER)))

    def labels(self, names: Sequence[str], n_clusters: int) -> "NDArray[np.int64]":
        """Cluster of each picture, -1 where it is not known.

        Parameters
        ----------
        names : sequence of str
            Of the pictures, as our own tables write them.
        n_clusters : int

        Returns
        -------
        ndarray of shape (len(names),)

        Raises
        ------
        ValueError
            If there is no such picture, or no such cluster.
        """
        import numpy as np

        places = {_plain(name): place for place, name in enumerate(names)}
        y = np.full(len(names), -1, np.int64)
        for name, (line, cluster) in self.clusters.items():
            if name not in places:
                raise ValueError(
                    f"{_at(self.table, line)}: there is no picture {name!r}; files are "
                    f"called as in clusters.csv, such as {names[0]!r}."
                )
            if cluster >= n_clusters:
                raise ValueError(
                    f"{_at(self.table, line)}: there is no cluster {cluster}; they are "
                    f"0 to {n_clusters - 1}."
                )
            y[places[name]] = cluster
        return y


def _read_rows(
    table: Path, rows: Sequence[tuple[int, list[str]]], files: int, clusters: int
) -> dict[str, tuple[int, int]]:
    """Line and cluster of each file; what is not known is left out."""
    found: dict[str, tuple[int, int]] = {}
    for line, row in rows:
        if len(row) <= max(files, clusters):
            raise ValueError(f"{_at(table, line)} has too few cells.")
        name, told = _plain(row[files]), row[clusters].strip()
        if told in _UNKNOWN:
            continue
        if not told.isdecimal():
            raise ValueError(
                f"{_at(table, line)}: {told!r} is no number of a cluster; -1, or "
                "nothing, stands for one that is not known."
            )
        before = found.setdefault(name, (line, int(told)))
        if before[1] != int(told):
            raise ValueError(
                f"{_at(table, line)}: {name!r} is in cluster {told}, but line "
                f"{before[0]} says {before[1]}."
            )
    if not found:
        raise ValueError(f"{str(table)!r} tells the cluster of no picture.")
    return found


def _plain(name: str) -> str:
    """Name of a file without what our own tables may put before it."""
    return name.strip().removeprefix("./")


def _at(table: Path, line: int) -> str:
    return f"{str(table)!r}, line {line}"
