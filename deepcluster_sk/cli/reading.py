"""How the pictures of a fit were read, so that others can be read alike."""

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepcluster_sk.cli.output import cell
from deepcluster_sk.cli.telling import telling

if TYPE_CHECKING:
    from deepcluster_sk.datasets import LeftOut, Pictures

#: Files named of those that were left out for one reason.
_N_NAMED = 10


@dataclass(frozen=True)
class Reading:
    """Size, colours and depth that a model was fitted on.

    Attributes
    ----------
    folder : str
        Folder or zip file where its pictures were.
    side : int
        Pixels of a side of the squares.
    is_colour : bool
    dtype : {"uint8", "float32"}
        Of the pixels: 8 bits a channel, or more.
    background : tuple of 3 ints
        What is seen through transparent pictures.
    """

    folder: str
    side: int
    is_colour: bool
    dtype: str
    background: tuple[int, int, int]

    def to_json(self, **besides: Any) -> bytes:
        """Write it, and what else is to be kept, as a file that can be read again."""
        text = json.dumps({"reading": asdict(self), **besides}, indent=1)
        return f"{text}\n".encode()

    @classmethod
    def from_json(cls, path: Path) -> "Reading":
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no such file, or is damaged.
        """
        try:
            found = json.loads(path.read_bytes())["reading"]
            return cls(**{**found, "background": tuple(found["background"])})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{str(path)!r} does not tell how pictures were read, or is damaged."
            ) from error

    def read(self, folder: Path, *, quiet: bool = False) -> "Pictures":
        """Read a folder or zip file as the pictures of the fit were read.

        Raises
        ------
        ValueError
            If its pictures have another depth, among other reasons.
        """
        from deepcluster_sk.datasets import load_pictures

        found = load_pictures(
            folder,
            size=self.side,
            background=self.background,
            exact_size=True,
            colour=self.is_colour,
            verbose=int(not quiet),
        )
        say_left_out(found, folder)
        if str(found.X.dtype) != self.dtype:
            bits = {"uint8": "8 bits a channel", "float32": "more than 8 bits"}
            raise ValueError(
                f"{str(folder)!r} holds pictures of "
                f"{bits[str(found.X.dtype)]}, but the model was fitted on pictures of "
                f"{bits[self.dtype]}: save them in one depth."
            )
        return found


def check_pictures(folder: Path) -> None:
    """Refuse what is not there, before anything is imported that takes seconds.

    Raises
    ------
    NotADirectoryError
    """
    if not (folder.is_dir() or folder.is_file()):
        raise NotADirectoryError(f"There is no folder or zip file {str(folder)!r}.")


def first_reading(
    folder: Path,
    size: int,
    background: tuple[int, int, int],
    cache: str | None = None,
    *,
    quiet: bool = False,
) -> tuple["Pictures", Reading]:
    """Read the pictures of a fit, or take them from a cache, and tell how."""
    with telling("loading", quiet=quiet):
        from deepcluster_sk.datasets import load_pictures

    found = load_pictures(
        folder,
        size=size,
        background=background,
        memory=cache,
        verbose=int(not quiet),
    )
    say_left_out(found, folder)
    X = found.X
    reading = Reading(
        folder=str(folder.absolute()),
        side=X.shape[1],
        is_colour=X.ndim == 4,
        dtype=str(X.dtype),
        background=background,
    )
    return found, reading


def say_left_out(pictures: "Pictures", folder: Path) -> None:
    """Say on standard error what was left out of a source: a line a reason."""
    _say("Not readable", pictures.unreadable, folder)
    _say("Skipped", pictures.skipped, folder)


def _say(what: str, files: Sequence["LeftOut"], folder: Path) -> None:
    names = defaultdict(list)
    for found in files:
        names[found.reason].append(cell(found.path.relative_to(folder)))
    for reason, group in names.items():
        shown = ", ".join(group[:_N_NAMED])
        more = len(group) - _N_NAMED
        rest = f" and {more:,} more" if more > 0 else ""
        print(f"{what} ({len(group):,}), {reason}: {shown}{rest}", file=sys.stderr)
