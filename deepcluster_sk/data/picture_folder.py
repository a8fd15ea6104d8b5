"""A folder of picture files in, one array out; nothing left out without a word."""

import logging
import operator
import os
import statistics
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from numpy.typing import ArrayLike, NDArray

from deepcluster_sk.data.pictures import (
    PICTURE_SUFFIXES,
    Colour,
    made_here,
    open_picture,
    parse_background,
    pillow,
    read_pixels,
    reason,
)
from deepcluster_sk.data.pixels import Pixels, greyed, is_grey, is_share, stacked

#: Side of the squares that pictures are cut to, in pixels: what networks need, and
#: what is no longer a small picture.
MIN_SIDE, MAX_SIDE = 8, 4096
#: Decoders at work at a time; each may hold a large picture.
_MAX_THREADS = 8
#: Endings of pictures that are not read, to be told from files that are no pictures.
_OTHER_PICTURES = {
    *(".ai", ".arw", ".bpg", ".cr2", ".cr3", ".dcm", ".dcx", ".dds", ".dng", ".emf"),
    *(".eps", ".exr", ".fit", ".fits", ".flif", ".hdr", ".heic", ".heif", ".icns"),
    *(".ico", ".jxl", ".jxr", ".mng", ".nef", ".nii", ".orf", ".pcd", ".pcx", ".pdf"),
    *(".pfm", ".pict", ".ps", ".psd", ".qoi", ".raf", ".ras", ".raw", ".rw2", ".sgi"),
    *(".svg", ".svgz", ".wmf", ".xbm", ".xcf", ".xpm"),
}

#: Why the drawings of an earlier run are skipped.
_OWN = "drawn by deepcluster_sk itself"

Result = TypeVar("Result")


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


class Pictures(NamedTuple):
    """What :func:`load_pictures` returns.

    Attributes
    ----------
    X : ndarray of shape (n, side, side) or (n, side, side, 3)
        Grey images if no picture shows a colour, however it is stored. uint8 (0-255)
        if every file has 8 bits a channel or fewer. Else float32: the files' own values
        if all are of one type; in the range of the largest type, to which the others
        are scaled, if several types of integers are among them; in [0, 1] if integers
        and floating-point numbers are.
    paths : list of Path
        The file of each image, sorted.
    unreadable : list of LeftOut
        Files that could not be decoded: pairs ``(path, reason)``, sorted.
    skipped : list of LeftOut
        What was not tried: hidden files and folders, links to folders, files whose
        names do not end as pictures that are read do, and this package's own drawings.
    """

    X: NDArray[Any]
    paths: list[Path]
    unreadable: list[LeftOut]
    skipped: list[LeftOut]


def load_pictures(
    folder: str | Path,
    *,
    size: int = 32,
    background: str | int | ArrayLike = "white",
    exact_size: bool = False,
    colour: bool | None = None,
) -> Pictures:
    """Read every picture below a folder, cut and scaled to squares.

    Each picture is turned upright as its camera noted, cut to its central square and
    scaled. Subfolders are read too; hidden files and links to folders are not. A file
    that cannot be read ends nothing: it is named with the reason.

    Parameters
    ----------
    folder : str or Path
        Folder of pictures: AVIF, BMP, GIF, JPEG, JPEG 2000, PNG, PNM, TGA, TIFF and
        WebP, of each the first frame. Which of them, the content tells, not the name.
    size : int, default=32
        Side of the squares, in pixels, from 8 to 4,096. Where most pictures are smaller
        than that, the largest side that half of them have (8 at least): what is
        enlarged costs time and shows nothing more.
    background : str, int or sequence of 3 ints, default="white"
        What is seen through transparent pictures: a colour's name or ``"#rrggbb"``, a
        grey level or three levels (red, green, blue) from 0 to 255.
    exact_size : bool, default=False
        Whether the side is `size` even where most pictures are smaller, as a model
        needs it that was fitted on others.
    colour : bool, default=None
        Whether the array has three channels; colours become grey where it has not.
        None gives it three where a picture shows a colour.

    Returns
    -------
    pictures : Pictures
        Named tuple ``(X, paths, unreadable, skipped)``.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    ValueError
        If the folder's name is empty or it holds no readable picture, the size is out
        of range or takes more memory than there is, or the background is no colour.
    ImportError
        If Pillow is not installed.
    """
    ground = parse_background(background)
    size = checked_size(size)
    if not str(folder):  # which pathlib takes for the current folder
        raise ValueError("The folder's name is empty; '.' is the current folder.")
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"There is no folder {str(root)!r}.")

    files, skipped = _walk(root)
    with _silent_decoders():
        edges, whole, unreadable = _each(_short_edge, files)
        found = {p: edge for p, edge in zip(whole, edges, strict=True) if edge}
        skipped += [LeftOut(p, _OWN) for p in whole if p not in found]
        side = size
        if found:
            if not exact_size:
                middle = statistics.median_high(found.values())
                side = max(MIN_SIDE, min(size, middle))
            _check_memory(len(found), side)
        read = partial(_read, background=ground, side=side)
        pixels, paths, damaged = _each(read, list(found))
    unreadable += damaged
    pixels, paths, unreadable = _on_one_scale(pixels, paths, unreadable)
    unreadable, skipped = sorted(unreadable), sorted(skipped)
    if not pixels:
        raise ValueError(_no_picture(root, unreadable, skipped))
    if colour is None:
        colour = not all(is_grey(picture.values) for picture in pixels)
    if not colour:
        pixels = [greyed(picture) for picture in pixels]
    return Pictures(stacked(pixels, colour), paths, unreadable, skipped)


def checked_size(size: Any) -> int:
    """Return the side of the squares as an int.

    Raises
    ------
    ValueError
        If it is no whole number in the range.
    """
    try:
        side = operator.index(size)
    except TypeError:
        side = 0
    if isinstance(size, bool) or not MIN_SIDE <= side <= MAX_SIDE:
        raise ValueError(
            f"size={size!r} must be a whole number of pixels, at least {MIN_SIDE} "
            f"pixels and at most {MAX_SIDE:,}."
        )
    return side


def _walk(root: Path) -> tuple[list[Path], list[LeftOut]]:
    """Files that may be pictures, sorted, and everything else that is there."""
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
            why = _why_not(path)
            if why is None:
                files.append(path)
            else:
                skipped.append(LeftOut(path, why))
    return sorted(files), skipped


def _is_link(path: Path) -> bool:
    # Windows has links to folders of a second kind, which Python 3.12 knows of.
    is_junction = getattr(os.path, "isjunction", os.path.islink)
    return path.is_symlink() or bool(is_junction(path))


def _why_not(path: Path) -> str | None:
    """Why a file is not tried as a picture; None if it is."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return "hidden"
    if suffix in _OTHER_PICTURES:
        return f"{suffix} is not read: save it as PNG or JPEG"
    if suffix not in PICTURE_SUFFIXES:
        return f"no picture by its ending ({suffix or 'it has none'})"
    if not path.is_file():
        # To open a pipe, one would wait for somebody to write to it.
        return "a link to nothing" if path.is_symlink() else "no regular file"
    return None


@contextmanager
def _silent_decoders() -> Iterator[None]:
    """Keep back what Pillow warns and logs of damaged files: they are named, or read.

    Around all threads, since both are set for the whole process.
    """
    pillow().init()  # not by several threads at a time
    log = logging.getLogger("PIL")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _each(
    work: Callable[[Path], Result], paths: Sequence[Path]
) -> tuple[list[Result], list[Path], list[LeftOut]]:
    """Do something with every file, several at a time; what fails is left out.

    Returns
    -------
    results : list
    paths : list of Path
        The file of each result, in the order given.
    failed : list of LeftOut
    """

    def attempt(path: Path) -> Result | LeftOut:
        try:
            return work(path)
        # One file must not end a folder, and decoders raise nearly anything.
        except Exception as error:
            return LeftOut(path, reason(error))

    with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
        outcomes = list(pool.map(attempt, paths))
    results: list[Result] = []
    read: list[Path] = []
    failed: list[LeftOut] = []
    for path, outcome in zip(paths, outcomes, strict=True):
        if isinstance(outcome, LeftOut):
            failed.append(outcome)
        else:
            results.append(outcome)
            read.append(path)
    return results, read, failed


def _short_edge(path: Path) -> int | None:
    """Shorter side of a picture, from its first bytes; None if we have drawn it."""
    with open_picture(path) as picture:
        return None if made_here(picture) else min(picture.size)


def _read(path: Path, background: Colour, side: int) -> Pixels:
    with open_picture(path) as picture:
        return read_pixels(picture, background, side)


def _on_one_scale(
    pixels: list[Pixels], paths: list[Path], unreadable: list[LeftOut]
) -> tuple[list[Pixels], list[Path], list[LeftOut]]:
    """Leave out what has no common scale with the others: the fewer go.

    Floating-point numbers have one with integers where they are shares of white.
    """
    floats = sum(picture.top is None for picture in pixels)
    if floats in (0, len(pixels)) or all(map(is_share, pixels)):
        return pixels, paths, unreadable
    few_floats = 2 * floats <= len(pixels)
    kept: list[Pixels] = []
    files: list[Path] = []
    others = list(unreadable)
    for picture, path in zip(pixels, paths, strict=True):
        if few_floats and not is_share(picture):
            why = "floating-point numbers beyond [0, 1], the other files hold integers"
        elif not few_floats and picture.top is not None:
            why = "integers, the other files hold floating-point numbers beyond [0, 1]"
        else:
            kept.append(picture)
            files.append(path)
            continue
        others.append(LeftOut(path, why))
    return kept, files, others


def _check_memory(n: int, side: int) -> None:
    needed, there = 3 * n * side**2, _physical_memory()
    if there is not None and needed > there:
        raise ValueError(
            f"{n:,} pictures of {side}x{side} pixels take {needed / 2**30:,.0f} GiB of "
            f"memory, this machine has {there / 2**30:,.0f}: choose a smaller size."
        )


def _physical_memory() -> int | None:
    """Bytes of memory this machine has, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def _no_picture(root: Path, unreadable: list[LeftOut], skipped: list[LeftOut]) -> str:
    """Say that a folder holds nothing to read, and what it holds instead."""
    text = (
        f"The folder {str(root)!r} holds no readable picture "
        f"({', '.join(PICTURE_SUFFIXES)})"
    )
    for files, what in ((unreadable, "could not be read"), (skipped, "were skipped")):
        if files:
            path, why = files[0]
            text += f"; {len(files)} {what}, such as {path.name!r} ({why})"
    return f"{text}."
