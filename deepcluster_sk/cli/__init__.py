"""The command line: ``deepcluster``, or ``python -m deepcluster_sk``.

A file a command. None imports torch, scikit-learn or NumPy before its command runs:
help and errors of usage are to answer at once.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deepcluster_sk import __version__
from deepcluster_sk.cli import assign, cluster, correct, demo, embed, info, report

__all__ = ["main"]

#: What shells report of a program that Ctrl-C has ended.
_INTERRUPTED = 130


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
        ``SystemExit`` with status 2 and one line on standard error; Ctrl-C with 130.
    """
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold what the terminal has no character for.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = _build_parser()
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        if arguments.debug:
            raise
        parser.exit(_INTERRUPTED, f"\n{parser.prog}: interrupted\n")
    except (ImportError, OSError, ValueError) as error:
        if arguments.debug:
            raise
        parser.exit(2, f"{parser.prog}: error: {' '.join(str(error).split())}\n")
    return 0


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
