"""How the pictures of a fit were read, so that others can be read alike."""

import json
import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepcluster_sk.cli.output import cell
from deepcluster_sk.cli.telling import printable, telling

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
    white : float or None
        What stands for white in the pixels; None in floating-point numbers that have a
        white of their own.
    background : tuple of 3 ints
        What is seen through transparent pictures.
    """

    folder: str
    side: int
    is_colour: bool
    dtype: str
    white: float | None
    background: tuple[int, int, int]

    def to_json(self, **besides: Any) -> bytes:
        """Write it, and what else is to be kept, as a file that can be read again."""
        text = json.dumps({"reading": asdict(self), **besides}, indent=1)
        return f"{text}\n".encode()

    @classmethod
    def from_json(cls, path: Path) -> tuple["Reading", dict[str, Any]]:
        """Read what :meth:`to_json` wrote, and give all that the file tells besides.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no such file, or is damaged.
        """
        try:
            told = json.loads(path.read_bytes())
            found = told["reading"]
            # Results of before do not tell white; of 8 bits it is known.
            is_of_8_bits = found["dtype"] == "uint8"
            is_told = "white" in found or is_of_8_bits
            white = 255.0 if is_of_8_bits else None
            fields = {"white": white, **found, "background": (*found["background"],)}
            if not _make_sense(**fields):
                raise ValueError("values of other types, or out of range")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{str(path)!r} does not tell how pictures were read, or is damaged."
            ) from error
        if not is_told:
            raise ValueError(
                f"{str(path)!r} is of an earlier version, which did not note on what "
                "scale pictures of more than 8 bits were read: cluster them anew."
            )
        return cls(**fields), told

    def place(self, named: Path | None) -> Path:
        """Give where pictures are: where somebody says, or else where the fit's were.

        Raises
        ------
        NotADirectoryError
            If the latter is no longer there.
        """
        if named is not None:
            return named
        folder = Path(self.folder)
        if not (folder.is_dir() or folder.is_file()):
            raise NotADirectoryError(
                f"There is no folder or zip file {self.folder!r}, where the pictures "
                "of the fit were: if they have moved, name the new place behind "
                "RESULTS."
            )
        return folder

    def read(self, folder: Path, *, quiet: bool = False) -> "Pictures":
        """Read a folder or zip file as the pictures of the fit were read.

        Raises
        ------
        ValueError
            If its pictures are integers and those of the fit floating-point numbers,
            with which they have no common scale, among other reasons.
        """
        from deepcluster_sk.data.picture_loading import read_pictures

        found, white = read_pictures(
            folder,
            size=self.side,
            background=self.background,
            exact_size=True,
            colour=self.is_colour,
            white=self.white,
            memory=None,
            verbose=int(not quiet),
        )
        say_left_out(found, folder)
        if white != self.white:
            raise ValueError(
                f"{str(folder)!r} holds pictures of integers, but the model was fitted "
                "on floating-point numbers: save them as these, on the same scale."
            )
        return found


def _make_sense(
    folder: Any, side: Any, is_colour: Any, dtype: Any, white: Any, background: Any
) -> bool:
    """Whether the fields of a reading have the types and ranges they should have."""
    whole = (side, *background)
    return (
        isinstance(folder, str)
        and isinstance(is_colour, bool)
        and dtype in ("uint8", "float32")
        and all(isinstance(n, int) and not isinstance(n, bool) for n in whole)
        and side > 0
        and len(background) == 3
        and all(0 <= level <= 255 for level in background)
        and (white is None or 0 < white < math.inf)
    )


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
    cache: str | None,
    *,
    quiet: bool,
) -> tuple["Pictures", Reading]:
    """Read the pictures of a fit, or take them from a cache, and tell how."""
    with telling("loading", quiet=quiet):
        from deepcluster_sk.data.picture_loading import read_pictures

    found, white = read_pictures(
        folder,
        size=size,
        background=background,
        exact_size=False,
        colour=None,
        white=None,
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
        white=white,
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
        line = f"{what} ({len(group):,}), {reason}: {shown}{rest}"
        print(printable(line), file=sys.stderr)
