"""Files that commands write: checked before the work, whole or not there after it."""

import csv
import io
import os
import sys
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path

#: First row of the table, by which one is known again.
HEADER = ("path", "cluster", "probability")
#: What a spreadsheet takes for the beginning of a formula, in any width of letters.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
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
    if _is_there(path):
        if path.is_dir():
            raise IsADirectoryError(f"{str(path)!r} is a folder, not a file to write.")
        if not force:
            raise FileExistsError(
                f"There is a file {str(path)!r} already: name another, or pass --force "
                "to replace what an earlier run has written."
            )
        if not _written_here(path):
            raise FileExistsError(
                f"The file {str(path)!r} was not written by this command, and is not "
                "replaced: name another."
            )
    _try_to_write(folder)


def write_file(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file as a whole: whatever happens, it is never cut short.

    Raises
    ------
    OSError
        If it cannot be written, or has come to be there meanwhile.
    """
    temporary = path.with_name(_temporary_name())
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not force and _is_there(path):
            raise FileExistsError(f"{str(path)!r} has come to be there meanwhile")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
        write_file(path, content, force=force)
    except OSError as error:
        raise OSError(
            f"{str(path)!r} could not be written ({error.strerror or error}); its "
            f"content is {_rescue(path, content)}."
        ) from error


def clusters_table(rows: Iterable[tuple[Path, int, float]]) -> bytes:
    """Make the table of the clusters, as a CSV file.

    Parameters
    ----------
    rows : iterable of (Path, int, float)
        Relative path, cluster and probability of each picture.
    """
    file = io.StringIO()
    # Names in quotes: they may hold the semicolon that some spreadsheets part cells at.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(HEADER)
    for path, label, share in rows:
        writer.writerow([cell(path), int(label), round(float(share), 4)])
    return file.getvalue().encode()


def cell(path: Path) -> str:
    r"""Write a relative path so that tables can hold it.

    Bytes that are not UTF-8 are shown as ``\xff``. What a spreadsheet would take for a
    formula begins with ``./``, and is the same path.
    """
    name = os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
    risky = name[0].isspace() or name.lstrip()[:1] in tuple(_FORMULA)
    return f"./{name}" if risky else name


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _written_here(path: Path) -> bool:
    """Whether a file is a table or a picture of an earlier run."""
    if path.suffix.lower() == ".csv":
        with path.open("rb") as file:
            first = file.readline(1000).decode("utf-8", "replace")
        return next(csv.reader([first]), []) == list(HEADER)
    from deepcluster_sk.data.pictures import made_here, open_picture

    try:
        with open_picture(path) as picture:
            return made_here(picture)
    except Exception:  # anything but a picture of ours
        return False


def _temporary_name() -> str:
    return f".deepcluster-{uuid.uuid4().hex}.tmp"


def _try_to_write(folder: Path) -> None:
    trial = folder / _temporary_name()
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
    for find in (tempfile.gettempdir, Path.home):
        try:
            other = Path(find(), name)
            write_file(other, content, force=False)
        except (OSError, RuntimeError):  # no home folder
            continue
        return f"in {str(other)!r}"
    sys.stdout.write(content.decode())
    return "on standard output"
