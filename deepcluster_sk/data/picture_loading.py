"""Pictures of any source in, one array out; nothing left out without a word."""

import logging
import operator
import os
import statistics
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from numpy.typing import ArrayLike, NDArray

from deepcluster_sk.data.picture_files import Entry, LeftOut
from deepcluster_sk.data.picture_sources import Source, opened_source
from deepcluster_sk.data.pictures import (
    HEIF_MISSING,
    PICTURE_SUFFIXES,
    Colour,
    learn_formats,
    made_here,
    parse_background,
    pillow,
    read_pixels,
    reason,
)
from deepcluster_sk.data.pixels import (
    checked_white,
    greyed,
    is_grey,
    reasons_of_scale,
    stacked,
    white_of,
)
from deepcluster_sk.runtime.display import display_on
from deepcluster_sk.runtime.progress import Progress

#: Side of the squares that pictures are cut to, in pixels: what networks need, and
#: what is no longer a small picture.
MIN_SIDE, MAX_SIDE = 8, 4096
#: Decoders at work at a time; each may hold a large picture.
_MAX_THREADS = 8
#: Why the drawings of an earlier run are skipped.
_OWN = "drawn by deepcluster_sk itself"
#: Calls that keep decoders silent now, and what the last of them is to undo.
_lock, _n_silent, _undo = threading.Lock(), 0, ExitStack()

Result = TypeVar("Result")


class Pictures(NamedTuple):
    """What :func:`load_pictures` returns.

    Attributes
    ----------
    X : ndarray of shape (n, side, side) or (n, side, side, 3)
        Grey images if no picture shows a colour, however it is stored. uint8 (0-255)
        if every file has 8 bits a channel or fewer. Else float32, every level kept: of
        0 to 255 too if some files have 8 bits; of the files' own values if all are of
        one type; else in the range of the largest type of integers, or in [0, 1] if
        floating-point numbers are among them.
    paths : list of Path
        The file of each image: sorted, but those of a list in its order. Of what came
        from no file, its number: ``Path("0")``, ``Path("1")``, ...
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
    source: Any,
    *,
    size: int = 32,
    background: str | int | ArrayLike = "white",
    exact_size: bool = False,
    colour: bool | None = None,
    white: float | None = None,
    memory: Any = None,
    verbose: int = 0,
) -> Pictures:
    """Read pictures of any size, cut and scaled to squares.

    Each picture is turned upright as its camera noted, cut to its central square and
    scaled. Subfolders are read too; hidden files and links to folders are not. A
    picture that cannot be read ends nothing: it is named with the reason.

    Parameters
    ----------
    source : str, Path, or sequence
        A folder or a zip file of pictures; a list of files, of Pillow images, or of
        both; a data set, of torch or Hugging Face, whose samples are Pillow images,
        tuples that begin with one, or dicts that hold one. Files may be AVIF, BMP, GIF,
        HEIC, JPEG, JPEG 2000, PNG, PNM, TGA, TIFF and WebP, of each the first frame.
        Which of them, the content tells; what of a folder is tried, the ending.
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
    white : float, default=None
        What stands for white in the array, as a model needs it that was fitted on
        others: 255 for one fitted on files of 8 bits, 65,535 for one fitted on files of
        16. None goes by the files.
    memory : None, str or object with the joblib.Memory interface, default=None
        Where the array is kept, so that files which have not changed since (by name,
        size and time) are not read again. What comes from no file is read each time.
    verbose : int, default=0
        Whether to tell on standard error how many files are read so far, and how long
        the others will take.

    Returns
    -------
    pictures : Pictures
        Named tuple ``(X, paths, unreadable, skipped)``.

    Raises
    ------
    NotADirectoryError
        If there is no such folder or zip file.
    ValueError
        If the source holds no readable picture, its name is empty, or it is a damaged
        zip file; if the size is out of range or takes more memory than there is, the
        background is no colour, or white no positive number.
    TypeError
        If the source is none of these, such as an array, which needs no reading.
    ImportError
        If Pillow is not installed; pillow-heif, where nothing but HEIC is there.

    Examples
    --------
    >>> from PIL import Image
    >>> from deepcluster_sk.datasets import load_pictures
    >>> large, small = Image.new("L", (400, 300)), Image.new("RGB", (20, 50), "red")
    >>> load_pictures([large, small], size=16).X.shape
    (2, 16, 16, 3)
    """
    return read_pictures(
        source, size, background, exact_size, colour, white, memory, verbose
    )[0]


def read_pictures(
    source: Any,
    size: int,
    background: str | int | ArrayLike,
    exact_size: bool,
    colour: bool | None,
    white: float | None,
    memory: Any,
    verbose: int,
) -> tuple[Pictures, float | None]:
    """Do what :func:`load_pictures` does, and tell what stands for white as well.

    That is None where all files are floating-point numbers, with a white of their own.
    """
    ground = parse_background(background)
    size, white = checked_size(size), checked_white(white)
    progress = Progress(display_on(sys.stderr) if verbose else None)
    with progress.shown(), opened_source(source) as found:
        settings = size, ground, exact_size, colour, white
        compute = partial(_read_all, found, *settings, progress)
        if memory is None or found.files is None:
            pictures, white = compute()
        else:
            # Imports torch, for which nobody is to wait who wants no cache.
            from deepcluster_sk.runtime.caching import cached

            key = {
                "files": [_stamp(path) for path in found.files],
                "settings": settings,
                "pillow": pillow().__version__,
            }
            pictures, white = cached(memory, "load_pictures", key, compute)
    skipped = sorted(pictures.skipped + found.skipped)
    return pictures._replace(skipped=skipped), white


def _stamp(path: Path) -> tuple[str, int, int]:
    """Path, length and time of a file, by which it is known again."""
    try:
        about = path.stat()
    except OSError:  # gone since it was found
        return str(path), -1, -1
    return str(path), about.st_size, about.st_mtime_ns


def _read_all(
    source: Source,
    size: int,
    ground: Colour,
    exact_size: bool,
    colour: bool | None,
    white: float | None,
    progress: Progress,
) -> tuple[Pictures, float | None]:
    """Read what is to be tried of a source."""
    with _silent_decoders():
        progress.begin("finding")
        progress.expect("reading", len(source.entries))
        edges, whole, unreadable = _each(_short_edge, source.entries, progress)
        seen = list(zip(whole, edges, strict=True))
        skipped = [LeftOut(entry.path, _OWN) for entry, edge in seen if edge is None]
        entries = [entry for entry, edge in seen if edge is not None]
        sides = [edge for edge in edges if edge is not None]
        side = size
        if entries:
            if not exact_size:
                side = max(MIN_SIDE, min(size, statistics.median_high(sides)))
            _check_memory(len(entries), side)
        read = partial(read_pixels, background=ground, side=side)
        progress.begin("reading")
        pixels, entries, damaged = _each(read, entries, progress)
    unreadable += damaged
    judged = list(zip(entries, pixels, reasons_of_scale(pixels, white), strict=True))
    unreadable += [LeftOut(entry.path, why) for entry, _, why in judged if why]
    paths = [entry.path for entry, _, why in judged if why is None]
    pixels = [found for _, found, why in judged if why is None]
    if not pixels:
        raise _no_picture(source, sorted(unreadable), sorted(skipped + source.skipped))
    if colour is None:
        colour = not all(is_grey(picture.values) for picture in pixels)
    if not colour:
        pixels = [greyed(picture) for picture in pixels]
    if white is None:
        white = white_of(pixels)
    X = stacked(pixels, colour, white)
    return Pictures(X, paths, sorted(unreadable), skipped), white


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


@contextmanager
def _silent_decoders() -> Iterator[None]:
    """Keep back what Pillow warns and logs of damaged files: they are named, or read.

    Around all threads, since both are set for the whole process: the first call that
    comes sets them, and the last that goes puts them back.
    """
    global _n_silent
    with _lock:
        learn_formats()  # not by several threads at a time
        if not _n_silent:
            log = logging.getLogger("PIL")
            _undo.callback(log.setLevel, log.level)
            log.setLevel(logging.CRITICAL + 1)
            _undo.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _n_silent += 1
    try:
        yield
    finally:
        with _lock:
            _n_silent -= 1
            if not _n_silent:
                _undo.close()


def _each(
    work: Callable[[Any], Result], entries: Sequence[Entry], progress: Progress
) -> tuple[list[Result], list[Entry], list[LeftOut]]:
    """Do something with every open picture, several at a time; what fails is left out.

    Returns
    -------
    results : list
    entries : list of Entry
        That of each result, in the order given.
    failed : list of LeftOut
    """

    def attempt(entry: Entry) -> Result | LeftOut:
        try:
            with entry.open() as picture:
                return work(picture)
        # One file must not end a folder, and decoders raise nearly anything.
        except Exception as error:
            return LeftOut(entry.path, reason(error))

    progress.steps(len(entries))
    outcomes: list[Result | LeftOut] = []
    with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
        for outcome in pool.map(attempt, entries):
            outcomes.append(outcome)
            progress.advance()
            progress.note(f"{len(outcomes):,}/{len(entries):,} files")
    results: list[Result] = []
    read: list[Entry] = []
    failed: list[LeftOut] = []
    for entry, outcome in zip(entries, outcomes, strict=True):
        if isinstance(outcome, LeftOut):
            failed.append(outcome)
        else:
            results.append(outcome)
            read.append(entry)
    return results, read, failed


def _short_edge(picture: Any) -> int | None:
    """Shorter side of a picture, from its first bytes; None if we have drawn it."""
    return None if made_here(picture) else min(picture.size)


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


def _no_picture(
    source: Source, unreadable: list[LeftOut], skipped: list[LeftOut]
) -> Exception:
    """Error that says that there is nothing to read, and what there is instead."""
    text = f"{source.name} holds no readable picture"
    if source.files is not None:
        text += f" ({', '.join(PICTURE_SUFFIXES)})"
    for files, what in ((unreadable, "could not be read"), (skipped, "were skipped")):
        if files:
            path, why = files[0]
            text += f"; {len(files)} {what}, such as {path.name!r} ({why})"
    is_missing = any(why == HEIF_MISSING for _, why in unreadable)
    return (ImportError if is_missing else ValueError)(f"{text}.")
