"""The command line: ``deepcluster``, or ``python -m deepcluster_sk``.

A file a command. None imports torch, scikit-learn or NumPy before its command runs:
help and errors of usage are to answer at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deepcluster_sk import __version__
from deepcluster_sk.cli import assign, cluster, correct, demo, embed, info, report
from deepcluster_sk.cli.arguments import path
from deepcluster_sk.cli.telling import printable
from deepcluster_sk.runtime.malloc import keeping_freed_memory

__all__ = ["main"]

#: What shells report of a program that Ctrl-C has ended, and of one that wrote to a
#: pipe that nobody reads any more.
_INTERRUPTED, _UNREAD = 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments after the program's name; None reads those of the process.

    Returns
    -------
    status : int
        0 on success. What the caller got wrong, and what could not be written, ends in
        ``SystemExit`` with status 2 and one line on standard error; Ctrl-C with 130; a
        pipe that nobody reads any more, as before ``head``, with 141 and no word.
    """
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold what the terminal has no character for.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = _build_parser()
    arguments = _parsed(parser, argv)
    try:
        with keeping_freed_memory():
            arguments.run(arguments)
        print(end="", flush=True)  # a pipe may break here as well
    except KeyboardInterrupt:
        if arguments.debug:
            raise
        parser.exit(_INTERRUPTED, f"\n{parser.prog}: interrupted\n")
    except BrokenPipeError:
        if arguments.debug:
            raise
        # Python writes what is left once more when it ends.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        parser.exit(_UNREAD)
    except (ImportError, OSError, ValueError) as error:
        if arguments.debug:
            raise
        said = printable(" ".join(str(error).split()))
        parser.exit(2, f"{parser.prog}: error: {said}\n")
    return 0


def _parsed(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None
) -> argparse.Namespace:
    """Parse arguments, a FOLDER that may be left out behind options too.

    The argparse of older Pythons looks for it only where RESULTS is.
    """
    arguments, left = parser.parse_known_args(argv)
    words = [word for word in left if word != "--"]
    may_be_folder = getattr(arguments, "folder", "") is None
    if may_be_folder and len(words) == 1 and (left != words or words[0][:1] != "-"):
        try:
            arguments.folder = path(words[0])
        except argparse.ArgumentTypeError as error:
            parser.error(f"argument FOLDER: {error}")
    elif left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    return arguments


def _build_parser() -> argparse.ArgumentParser:
    as_module = Path(sys.argv[0]).name == "__main__.py"
    parser = argparse.ArgumentParser(
        prog="python -m deepcluster_sk" if as_module else "deepcluster",
        description="Deep image clustering.",
    )
    parser.add_argument(
        "--version", action="version", version=f"deepcluster_sk {__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (demo, cluster, assign, correct, report, embed, info):
        command.add_parser(commands)
    return parser
