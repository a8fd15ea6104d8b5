"""Ctrl-C while a fit runs: the first ends the training, the second ends the fit.

Callbacks of skorch stop training by raising ``KeyboardInterrupt``, which is what Ctrl-C
raises too; whoever catches one asks here which of the two it was.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sklearn.exceptions import ConvergenceWarning


class FitInterruptedWarning(ConvergenceWarning):
    """A fit that Ctrl-C ended early has left a model all the same."""


class Interrupts:
    """Interrupts of one fit, by SIGINT, and where they may be raised.

    At first one is raised where it comes: there is nothing to lose. Once something is
    to be kept (:meth:`hold`) the first waits until training can be left, and may be
    survived. The second is raised at once, always.

    Attributes
    ----------
    count : int
        How many there were.
    stage : str or None
        What the first one ended, once it has been survived.
    """

    def __init__(self) -> None:
        self.count = 0
        self.stage: str | None = None
        self._held = False
        self._raises = False

    @property
    def seen(self) -> bool:
        """Whether there was one."""
        return self.count > 0

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Take SIGINT over inside the block.

        A handler of the user's own is left to decide: it counts as an interrupt if it
        raises ``KeyboardInterrupt``. Python runs handlers in the main thread only; in
        any other nothing needs to be noticed.
        """
        before: Any = None
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
        if not callable(before):  # ignored, left to the system, or set outside Python
            yield
            return

        def handler(number: int, frame: FrameType | None) -> None:
            if before is signal.default_int_handler:
                self.count += 1
                if self._held and not self._raises and self.count == 1:
                    return
                raise KeyboardInterrupt
            try:
                before(number, frame)
            except KeyboardInterrupt:
                self.count += 1
                raise

        signal.signal(signal.SIGINT, handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def hold(self) -> None:
        """Say that from now on there is something to keep."""
        self._held = True

    def check(self) -> None:
        """Raise the interrupt that waits, here where nothing is torn by it."""
        if self.seen:
            raise KeyboardInterrupt

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Raise an interrupt anywhere inside the block: what it tears is not kept."""
        self.check()
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    @contextmanager
    def survived(self, stage: str) -> Iterator[None]:
        """End the block at the first interrupt, if there is something to keep."""
        try:
            yield
        except KeyboardInterrupt:
            if not self._held or self.count != 1:
                raise
            self.stage = self.stage or stage
