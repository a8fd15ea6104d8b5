"""Arguments that commands share, and how their values are checked."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

#: Command parsers are added to it; argparse keeps the type's name to itself.
Commands = Any

#: Seeds that NumPy takes.
_MAX_SEED = 2**32 - 1
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def debug_argument() -> argparse.ArgumentParser:
    """Make the parent parser of every command."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--debug", action="store_true", help="show the whole traceback of an error"
    )
    return parent


def device_argument() -> argparse.ArgumentParser:
    """Make the parent parser of every command that computes."""
    parent = argparse.ArgumentParser(add_help=False, parents=[debug_argument()])
    parent.add_argument(
        "--device",
        type=device,
        default="auto",
        help="where to compute: cpu, cuda, cuda:1 (or another number), mps, or auto, "
        "a CUDA GPU where there is one (default: %(default)s)",
    )
    parent.add_argument("--quiet", action="store_true", help="show no progress")
    return parent


def fit_arguments() -> argparse.ArgumentParser:
    """Make the parent parser of every command that trains a model."""
    parent = argparse.ArgumentParser(add_help=False, parents=[device_argument()])
    parent.add_argument(
        "--seed",
        type=whole_number(0, _MAX_SEED),
        default=0,
        help="random seed (default: %(default)s)",
    )
    return parent


def results_arguments() -> argparse.ArgumentParser:
    """Make the parent parser of every command that goes on from a folder of results."""
    parent = argparse.ArgumentParser(add_help=False, parents=[device_argument()])
    parent.add_argument(
        "results",
        type=path,
        metavar="RESULTS",
        help="folder that 'deepcluster cluster' has written",
    )
    parent.add_argument(
        "--force",
        action="store_true",
        help="replace what an earlier run has written; other files are never replaced",
    )
    return parent


def same_pictures_arguments() -> argparse.ArgumentParser:
    """Make the parent parser of those that go on with the pictures of the results."""
    parent = argparse.ArgumentParser(add_help=False, parents=[results_arguments()])
    parent.add_argument(
        "folder",
        type=path,
        nargs="?",
        metavar="FOLDER",
        help="folder or zip file of the pictures (default: the one that was clustered)",
    )
    return parent


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """Make the type of an argument that is a whole number in a range."""
    wanted = f"at least {low}" + ("" if high is None else f" and at most {high}")

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if number < low or (high is not None and number > high):
            raise argparse.ArgumentTypeError(
                f"{text!r} must be a whole number, {wanted}"
            )
        return number

    return convert


def count(text: str) -> int | Literal["auto"]:
    """Type of an argument that is a number of clusters, or "auto"."""
    return "auto" if text == "auto" else whole_number(2)(text)


def path(text: str) -> Path:
    """Type of an argument that names a file or folder."""
    if not text:  # which pathlib takes for the current folder
        raise argparse.ArgumentTypeError("the name is empty; '.' is the current folder")
    return Path(text)


def table_path(text: str) -> Path:
    """Type of an argument that names the table to write."""
    found = path(text)
    if found.suffix.lower() != ".csv":
        raise argparse.ArgumentTypeError(
            f"{text!r} must end in .csv: it names the table"
        )
    return found


def device(text: str) -> str:
    """Type of an argument that names a device, which need not be there."""
    if not _DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a device: use auto, cpu, cuda, cuda:1 (or another "
            "number) or mps"
        )
    return text


def colour(text: str) -> tuple[int, int, int]:
    """Type of an argument that names a colour, or is a grey level."""
    from deepcluster_sk.data.pictures import parse_background

    try:
        return parse_background(int(text) if text.isdecimal() else text)
    except (ImportError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
