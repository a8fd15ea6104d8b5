"""Which files of a folder or a list are tried as pictures, and why others are not."""

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from deepcluster_sk.data.pictures import PICTURE_SUFFIXES, open_picture

#: Endings of pictures that are not read, to be told from files that are no pictures.
_OTHER_PICTURES = {
    *(".ai", ".arw", ".bpg", ".cr2", ".cr3", ".dcm", ".dcx", ".dds", ".dng", ".emf"),
    *(".eps", ".exr", ".fit", ".fits", ".flif", ".hdr", ".icns", ".ico", ".jxl"),
    *(".jxr", ".mng", ".nef", ".nii", ".orf", ".pcd", ".pcx", ".pdf", ".pfm", ".pict"),
    *(".ps", ".psd", ".qoi", ".raf", ".ras", ".raw", ".rw2", ".sgi", ".svg", ".svgz"),
    *(".wmf", ".xbm", ".xcf", ".xpm"),
}


class LeftOut(NamedTuple):
    """A file or folder that was not read, and why.

    Attributes
    ----------
    path : Path
    reason : str
        In a few words, such as ``"No such file or directory"``.
    """

    path: Path
    reason: str


class Entry(NamedTuple):
    """A picture that is to be read.

    Attributes
    ----------
    path : Path
        What it is called: its file, or its number where it comes from none.
    open : callable
        Gives the open Pillow image, as a context. May be called in any thread, and more
        than once.
    """

    path: Path
    open: Callable[[], AbstractContextManager[Any]]


def entry_of(path: Path) -> Entry:
    """Entry of a file."""
    return Entry(path, partial(open_picture, path))


def files_below(root: Path) -> tuple[list[Entry], list[LeftOut]]:
    """Files below a folder that may be pictures, sorted, and all else that is there."""
    files: list[Path] = []
    skipped: list[LeftOut] = []

    def closed(error: OSError) -> None:
        skipped.append(
            LeftOut(Path(error.filename), f"a folder not opened: {error.strerror}")
        )

    for folder, subfolders, names in os.walk(root, onerror=closed):
        for name in tuple(subfolders):
            path = Path(folder, name)
            if name.startswith("."):
                skipped.append(LeftOut(path, "hidden"))
            elif _is_link(path):
                skipped.append(LeftOut(path, "a link to a folder: it is not followed"))
            else:
                continue
            subfolders.remove(name)
        for name in names:
            path = Path(folder, name)
            why = name_says_no(path) or _no_file(path)
            if why is None:
                files.append(path)
            else:
                skipped.append(LeftOut(path, why))
    return [entry_of(path) for path in sorted(files)], skipped


def files_named(paths: Iterable[Path]) -> tuple[list[Entry], list[LeftOut]]:
    """Files of a list, in its order, whatever they are called, and what are none."""
    entries: list[Entry] = []
    skipped: list[LeftOut] = []
    for path in paths:
        why = _no_file(path)
        if why is None:
            entries.append(entry_of(path))
        else:
            skipped.append(LeftOut(path, why))
    return entries, skipped


def name_says_no(path: Path) -> str | None:
    """Why a file is no picture to be read, by its name; None if it may be one."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return "hidden"
    if suffix in _OTHER_PICTURES:
        return f"{suffix} is not read: save it as PNG or JPEG"
    if suffix not in PICTURE_SUFFIXES:
        return f"no picture by its ending ({suffix or 'it has none'})"
    return None


def _no_file(path: Path) -> str | None:
    """Why there is no file to be read, None if there is one."""
    if path.is_file():
        return None
    if path.is_dir():
        return "a folder: read it by itself"
    if path.is_symlink():
        return "a link to nothing"
    # To open a pipe, one would wait for somebody to write to it.
    return "no regular file" if path.exists() else "there is no such file"


def _is_link(path: Path) -> bool:
    # Windows has links to folders of a second kind, which Python 3.12 knows of.
    is_junction = getattr(os.path, "isjunction", os.path.islink)
    return path.is_symlink() or bool(is_junction(path))
