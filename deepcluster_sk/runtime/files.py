"""Files that are whole or not there, whatever happens meanwhile; and their names."""

import os
import uuid
from pathlib import Path


def write_whole(path: Path, content: bytes, *, replace: bool) -> None:
    """Write a file as a whole: whatever happens, it is never cut short.

    Parameters
    ----------
    path : Path
    content : bytes
    replace : bool
        Whether it may take the place of what is there.

    Raises
    ------
    OSError
        If it cannot be written, or something is there that may not be replaced.
    """
    temporary = path.with_name(temporary_name())
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not replace and is_there(path):
            raise FileExistsError(f"{str(path)!r} has come to be there meanwhile")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_there(path: Path) -> bool:
    """Whether something has this name, be it a link to nothing."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def name_as_text(path: str | os.PathLike[str]) -> str:
    r"""Name of a file as text; bytes that are no UTF-8 are written as ``\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def temporary_name() -> str:
    """Name that no other file has."""
    return f".deepcluster-{uuid.uuid4().hex}.tmp"
