"""Pictures in a zip file, read where they are: nothing is unpacked to the disk."""

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from deepcluster_sk.data.picture_files import Entry, LeftOut, name_says_no
from deepcluster_sk.data.pictures import open_picture

#: Bytes of an unpacked file, at most: a few thousand packed ones may become any number.
_MOST_BYTES = 1 << 30
#: What marks a file as encrypted.
_ENCRYPTED = 1


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file for a while.

    Raises
    ------
    ValueError
        If it is damaged, or no zip file.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(
            f"{str(path)!r} is no zip file, or is damaged: {error}."
        ) from error
    with archive:
        yield archive


def files_in(archive: zipfile.ZipFile, root: Path) -> tuple[list[Entry], list[LeftOut]]:
    """Files in an archive that may be pictures, sorted, and all else that is there.

    Parameters
    ----------
    archive : ZipFile
        Open as long as the entries are.
    root : Path
        Path of the archive; those of its files begin with it.
    """
    entries: list[Entry] = []
    skipped: list[LeftOut] = []
    seen: set[Path] = set()
    for member in archive.infolist():
        if member.is_dir():
            continue
        # An archive may come from anywhere, and so may name any place on the disk.
        parts = [part for part in member.filename.split("/") if part.strip(".")]
        path = root.joinpath(*parts) if parts else root / "unnamed"
        why = _why_not(member, parts, path)
        if why is None and path in seen:
            why = "another file of the archive has this name"
        if why is None:
            seen.add(path)
            entries.append(Entry(path, partial(_opened, archive, member, path)))
        else:
            skipped.append(LeftOut(path, why))
    return sorted(entries, key=lambda entry: entry.path), skipped


def _why_not(member: zipfile.ZipInfo, parts: list[str], path: Path) -> str | None:
    """Why a file in an archive is not tried as a picture; None if it is."""
    if any(part.startswith(".") for part in parts):
        return "hidden"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link"
    if member.flag_bits & _ENCRYPTED:
        return "encrypted"
    if member.file_size > _MOST_BYTES:
        return f"more than {_MOST_BYTES >> 30} GiB when it is unpacked"
    return name_says_no(path)


@contextmanager
def _opened(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path
) -> Iterator[Any]:
    with archive.open(member) as file, open_picture(path, file) as picture:
        yield picture
