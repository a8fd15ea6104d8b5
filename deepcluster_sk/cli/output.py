"""Files that commands write: checked before the work, whole or not there after it."""

import csv
import io
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepcluster_sk.runtime.files import (
    is_there,
    name_as_text,
    temporary_name,
    write_whole,
)

#: Columns of the tables of clusters.
CLUSTERS = ("path", "cluster", "probability", "calibrated_probability", "confidence")
#: First cells of the tables, by which one is known again.
_FIRST_CELLS = {("path", "cluster"), ("path", "z0")}
#: What stands for the name of a cluster where a picture is in none.
OUTLIER = "outlier"
#: What other files of an earlier run have in their first bytes.
_MARKS = {
    ".html": b'<meta name="generator" content="deepcluster_sk">',
    ".safetensors": b'"format":"deepcluster_sk"',
    ".json": b'"reading"',
}
_START = 1 << 20
#: What a spreadsheet takes for the beginning of a formula, in any width of letters.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
#: Name of each file of several, and what writes it to a path.
Files = Mapping[str, Callable[[Path], None]]
#: Bytes written for a try: most tables and pictures have fewer.
_TRIAL = 1 << 20


def check_output(path: Path, *, force: bool, make_folder: bool = False) -> None:
    """Find out before the work whether a file can be written after it.

    Parameters
    ----------
    path : Path
    force : bool
        Whether it may replace a file of its name that an earlier run has written.
        What somebody else has written is never replaced.
    make_folder : bool, default=False
        Whether its folder will be made if there is none.

    Raises
    ------
    OSError
        If it cannot be written, or there is something of that name.
    """
    folder = path.parent
    if make_folder:
        while not os.path.lexists(folder):
            folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(
            f"There is no folder {str(folder)!r} to write {path.name!r} to."
        )
    if is_there(path):
        if path.is_dir():
            raise IsADirectoryError(f"{str(path)!r} is a folder, not a file to write.")
        if not force:
            raise FileExistsError(
                f"There is a file {str(path)!r} already: name another, or pass --force "
                "to replace what an earlier run has written."
            )
        if not written_here(path):
            raise FileExistsError(
                f"The file {str(path)!r} was not written by this command, and is not "
                "replaced: name another."
            )
    _try_to_write(folder)


def write_or_rescue(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file; if that fails, put it where it can be written.

    That is the folder for temporary files, the home folder or, in the end, standard
    output: hours of training are in it.

    Raises
    ------
    OSError
        If it is elsewhere than it should be; the message says where.
    """
    try:
        write_whole(path, content, replace=force)
    except OSError as error:
        raise OSError(
            f"{str(path)!r} could not be written ({error.strerror or error}); its "
            f"content is {_rescue(path, content)}."
        ) from error


def write_together(
    folder: Path, files: Files, obsolete: Sequence[str], *, force: bool
) -> None:
    """Write files that belong together: whatever happens, all of them or none.

    Parameters
    ----------
    folder : Path
        Which there is.
    files : mapping of str to callable
    obsolete : sequence of str
        Files that go before the new ones come, since they tell of what is replaced.
    force : bool
        Whether files may be replaced, and obsolete ones removed.

    Raises
    ------
    OSError
        If they cannot be written, or something is there that may not be replaced.
    """
    staged = folder / temporary_name()
    try:
        _write_into(staged, files)
        if not force:
            for name in files:
                if is_there(folder / name):
                    raise FileExistsError(f"{name!r} has come to be there meanwhile")
        for name in obsolete if force else ():
            (folder / name).unlink(missing_ok=True)
        for name in files:
            (staged / name).replace(folder / name)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def rescue_together(files: Files) -> Path | None:
    """Write files to a new folder where that can be done; None if it cannot."""
    for place in _places():
        folder = place / f"deepcluster-{uuid.uuid4().hex[:8]}"
        try:
            _write_into(folder, files)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return folder
    return None


def _write_into(folder: Path, files: Files) -> None:
    """Write files to a folder that is made for them, and that nobody else reads."""
    folder.mkdir(0o700)
    for name, write in files.items():
        write(folder / name)


def clusters_table(
    rows: Iterable[tuple[str, int, float, float | None, float]],
    names: Sequence[str | None] | None,
) -> bytes:
    """Make the table of the clusters, as a CSV file.

    Parameters
    ----------
    rows : iterable of (str, int, float, float or None, float)
        Name, cluster, probability, the same calibrated, and confidence of each picture.
    names : sequence of str or None, or None
        Of the clusters. If any has one, the table has a column of them.
    """
    header: tuple[str, ...] = CLUSTERS
    cells: Iterable[tuple[Any, ...]] = (
        (name, int(label), *("" if v is None else round(float(v), 4) for v in values))
        for name, label, *values in rows
    )
    if names is not None and any(names):
        # The last is that of cluster -1.
        shown = [*(_defused(name or "", "'") for name in names), OUTLIER]
        header = (*header, "name")
        cells = ((*values, shown[values[1]]) for values in cells)
    return _table(header, cells)


def features_table(paths: Sequence[Path], features: Sequence[Sequence[float]]) -> bytes:
    """Make the table of the features of pictures, as a CSV file.

    Parameters
    ----------
    paths : sequence of Path
        Relative path of each picture.
    features : sequence of sequences of float
    """
    names = (f"z{number}" for number in range(len(features[0])))
    rows = (
        (cell(path), *(float(f"{value:.7g}") for value in values))
        for path, values in zip(paths, features, strict=True)
    )
    return _table(("path", *names), rows)


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    file = io.StringIO()
    # Names in quotes: they may hold the semicolon that some spreadsheets part cells at.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode()


def cell(path: Path) -> str:
    r"""Write a relative path so that tables can hold it.

    Bytes that are not UTF-8 are shown as ``\xff``. What a spreadsheet would take for a
    formula begins with ``./``, and is the same path.
    """
    return _defused(name_as_text(path.as_posix()), "./")


def _defused(text: str, prefix: str) -> str:
    """Put something before what a spreadsheet would take for a formula."""
    risky = text[:1].isspace() or text.lstrip()[:1] in tuple(_FORMULA)
    return f"{prefix}{text}" if risky else text


def written_here(path: Path) -> bool:
    """Whether a file is a result of an earlier run."""
    if path.suffix.lower() == ".png":
        return _drawn_here(path)
    with path.open("rb") as file:
        start = file.read(_START)
    if path.suffix.lower() == ".csv":
        first = start.decode("utf-8", "replace").splitlines()[:1]
        return tuple(next(csv.reader(first), [])[:2]) in _FIRST_CELLS
    mark = _MARKS.get(path.suffix.lower())
    return mark is not None and mark in start


def _drawn_here(path: Path) -> bool:
    from deepcluster_sk.data.pictures import made_here, open_picture

    try:
        with open_picture(path) as picture:
            return made_here(picture)
    except Exception:  # anything but a picture of ours
        return False


def _try_to_write(folder: Path) -> None:
    trial = folder / temporary_name()
    try:
        with trial.open("xb") as file:
            file.write(bytes(_TRIAL))
    except OSError as error:
        raise OSError(
            f"Nothing can be written to the folder {str(folder)!r}: {error.strerror}."
        ) from error
    finally:
        trial.unlink(missing_ok=True)


def _rescue(path: Path, content: bytes) -> str:
    name = f"deepcluster-{uuid.uuid4().hex[:8]}{path.suffix}"
    for place in _places():
        try:
            write_whole(place / name, content, replace=False)
        except OSError:
            continue
        return f"in {str(place / name)!r}"
    sys.stdout.write(content.decode())
    return "on standard output"


def _places() -> Iterator[Path]:
    """Folders, besides the one that is wanted, where something may be written."""
    for find in (tempfile.gettempdir, Path.home):
        try:
            place = Path(find())
        except (OSError, RuntimeError):  # no home folder
            continue
        yield place
