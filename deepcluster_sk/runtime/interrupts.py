"""Telling a user's Ctrl-C from a callback's way of stopping: both raise the same."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass
class Interrupts:
    """Whether the process has been interrupted by a signal.

    Attributes
    ----------
    seen : bool
    """

    seen: bool = False


@contextmanager
def noticing_interrupts() -> Iterator[Interrupts]:
    """Notice SIGINT inside the block; what it did before, it still does.

    skorch's callbacks end training by raising ``KeyboardInterrupt``, which is what
    Ctrl-C raises too. Python runs signal handlers in the main thread only; in any other
    nothing needs to be noticed.
    """
    noticed = Interrupts()
    before: Any = None
    if threading.current_thread() is threading.main_thread():
        before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # ignored, left to the system, or set outside Python
        yield noticed
        return

    def handler(number: int, frame: FrameType | None) -> None:
        noticed.seen = True
        before(number, frame)

    signal.signal(signal.SIGINT, handler)
    try:
        yield noticed
    finally:
        signal.signal(signal.SIGINT, before)
