"""Where pictures come from: a folder, a zip file, a list, a data set."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from deepcluster_sk.data.picture_archives import files_in, opened_archive
from deepcluster_sk.data.picture_files import Entry, LeftOut, files_below, files_named
from deepcluster_sk.data.samples import image_of, is_data_set, is_picture


class Source(NamedTuple):
    """Pictures that are to be read, and what is not tried.

    Attributes
    ----------
    name : str
        How an error message begins.
    entries : list of Entry
    skipped : list of LeftOut
    files : list of Path or None
        All that it depends on; None where that is more than files.
    """

    name: str
    entries: list[Entry]
    skipped: list[LeftOut]
    files: list[Path] | None = None


@contextmanager
def opened_source(source: Any) -> Iterator[Source]:
    """Open a source for a while.

    Raises
    ------
    NotADirectoryError
        If there is no such folder or zip file.
    ValueError
        If its name is empty, or it is a damaged zip file.
    TypeError
        If it is nothing that pictures are read from.
    """
    if isinstance(source, (str, os.PathLike)):
        if not os.fspath(source):  # which pathlib takes for the current folder
            raise ValueError("The source's name is empty; '.' is the current folder.")
        root = Path(source)
        if root.is_dir():
            entries, skipped = files_below(root)
            files = [entry.path for entry in entries]
            yield Source(f"The folder {str(root)!r}", entries, skipped, files)
            return
        if not root.is_file():
            raise NotADirectoryError(f"There is no folder or zip file {str(root)!r}.")
        with opened_archive(root) as archive:
            entries, skipped = files_in(archive, root)
            yield Source(f"The zip file {str(root)!r}", entries, skipped, [root])
    elif isinstance(source, (list, tuple)):
        yield _of_list(source)
    elif is_data_set(source):
        one_at_a_time = threading.Lock()  # few data sets were written for threads

        def get(number: int) -> Any:
            with one_at_a_time:
                return image_of(source, number)

        entries = [_entry(get, number) for number in range(len(source))]
        yield Source("The data set", entries, [])
    else:
        raise TypeError(
            f"A {type(source).__name__} is no folder, zip file, list of files or of "
            "Pillow images, or data set. Arrays need no reading: a clusterer takes "
            "them as they are."
        )


def _of_list(items: Sequence[Any]) -> Source:
    """Files and Pillow images of a list, in its order."""
    entries: list[Entry] = []
    skipped: list[LeftOut] = []
    for number, item in enumerate(items):
        if isinstance(item, (str, os.PathLike)):
            found, none = files_named([Path(item)])
            entries += found
            skipped += none
        elif is_picture(item):
            entries.append(_entry(items.__getitem__, number))
        else:
            raise TypeError(
                f"Entry {number} of the list is a {type(item).__name__}: it must be "
                "the path of a file, or a Pillow image."
            )
    is_files = not any(map(is_picture, items))
    files = [entry.path for entry in entries] if is_files else None
    return Source("The list", entries, skipped, files)


def _entry(get: Callable[[int], Any], number: int) -> Entry:
    """Entry of a Pillow image that is in memory, or is made when it is asked for."""
    return Entry(Path(str(number)), partial(_given, get, number))


@contextmanager
def _given(get: Callable[[int], Any], number: int) -> Iterator[Any]:
    picture = get(number)
    if not is_picture(picture):
        raise ValueError(f"no Pillow image, but of type {type(picture).__name__}")
    # It is somebody else's: not to be closed, and not to be decoded at a lower size,
    # as one that has been loaded is not.
    picture.load()
    yield picture
