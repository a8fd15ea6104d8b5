"""What commands tell while they work, on standard error, unless they are quiet."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deepcluster_sk.runtime.display import display_on
from deepcluster_sk.runtime.progress import Progress


@contextmanager
def telling(stage: str, *, quiet: bool) -> Iterator[None]:
    """Tell that a command works inside the block, and for how long."""
    progress = Progress(None if quiet else display_on(sys.stderr))
    with progress.shown():
        progress.begin(stage)
        yield


def printable(text: str) -> str:
    r"""Write what a terminal would obey, in the name of a file say, as ``\x1b``."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode()
        for sign in text
    )
