"""Where progress is shown: a line that is drawn again and again, or lines of a log."""

import multiprocessing
import os
import threading
from dataclasses import dataclass
from typing import Protocol, TextIO

#: Columns of a line, at most; the last one of a terminal stays free.
MOST_COLUMNS = 80
#: Columns of the bar. It gets what the words leave.
BAR_COLUMNS = (6, 16)
#: What is done of the bar, and what is left; the second pair where the first cannot be
#: written.
BLOCKS, PLAIN = ("\u2588", "\u2591"), ("#", "-")
#: Columns of the name of a stage.
STAGE_COLUMNS = 11
#: Seconds to the first line of a log, and between two: no more than two from the last
#: line of one piece of work to the first of the next. An hour makes 170 kB.
LOG_FIRST, LOG_SECONDS = 0.5, 1.5


@dataclass(frozen=True)
class Status:
    """What there is to be seen of work that runs.

    Attributes
    ----------
    stage : str
    elapsed : float
        Seconds since the work began.
    left : float or None
        Seconds until it is done; None where that is not known yet.
    note : str
        How the stage goes.
    """

    stage: str
    elapsed: float
    left: float | None
    note: str

    @property
    def share(self) -> float | None:
        """Share of the time that is over."""
        if self.left is None:
            return None
        return self.elapsed / max(self.elapsed + self.left, 1e-9)


class Display(Protocol):
    """Where progress is shown; a thread of its own may call it."""

    #: Seconds between two looks.
    interval: float

    def show(self, status: Status) -> None:
        """Show the work as it is now."""

    def say(self, line: str) -> None:
        """Show a line that stays."""

    def end(self, result: str | None, elapsed: float) -> None:
        """Show what came of the work, and how long it took.

        The result is None where an error ended the work, and "" where there is nothing
        to say.
        """


class _Written:
    """A stream that lines are written to, whole, as long as it takes them."""

    interval = 0.25

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self._lock = threading.Lock()

    def _write(self, text: str) -> None:
        with self._lock:
            if self._stream is None:
                return
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self._stream = None  # closed: no reason for the work to fail


class Bar(_Written):
    """One line of a terminal, or of a notebook, that is drawn again and again.

    Parameters
    ----------
    stream : TextIO
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._blocks = BLOCKS if _can_write(stream, "".join(BLOCKS)) else PLAIN
        self._columns = _columns(stream)
        self._share = 0.0
        self._is_drawn = False

    def show(self, status: Status) -> None:
        """Draw the line, and leave the cursor at its beginning."""
        # What others write meanwhile begins there, too.
        self._is_drawn = True
        self._write(f"{self.line(status):<{self._columns}}\r")

    def say(self, line: str) -> None:
        """Write a line in its place."""
        self._write(f"{line:<{self._columns}}\n")

    def end(self, result: str | None, elapsed: float) -> None:
        """Wipe the line, or leave it as it is where an error ended the work."""
        if result:
            self.say(f"{result} in {duration(elapsed)}")
        elif self._is_drawn:
            self._write("\n" if result is None else f"{'':<{self._columns}}\r")

    def line(self, status: Status) -> str:
        """Make the line of a status, as wide as there is room for."""
        head, times = f"{status.stage:<{STAGE_COLUMNS}} ", duration(status.elapsed)
        share = status.share
        if share is not None and status.left is not None:
            # Estimates change; a bar that goes backwards only irritates.
            self._share = share = max(self._share, share)
            times = f"{share:4.0%}  {times}, {duration(status.left)} left"
        tail = f" {times}  {status.note}".rstrip()
        least, most = BAR_COLUMNS
        width = max(least, min(most, self._columns - len(head) - len(tail)))
        done, rest = self._blocks
        if share is None:
            # One block goes round, a step each second.
            place = int(status.elapsed) % width
            bar = rest * place + done + rest * (width - place - 1)
        else:
            n_done = int(share * width)
            bar = done * n_done + rest * (width - n_done)
        return f"{head}{bar}{tail}"[: self._columns]


class Log(_Written):
    """Lines in a file: one before two seconds are over, as long as the work lasts.

    Parameters
    ----------
    stream : TextIO
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._due = LOG_FIRST

    def show(self, status: Status) -> None:
        """Write a line, if it is time."""
        if status.elapsed < self._due:
            return
        self._due = status.elapsed + LOG_SECONDS
        text = f"{duration(status.elapsed)}  {status.stage:<{STAGE_COLUMNS}}"
        if status.left is not None:
            text += f"  {status.share:.0%}, {duration(status.left)} left"
        self.say(f"{text}  {status.note}".rstrip())

    def say(self, line: str) -> None:
        """Write a line."""
        self._write(f"{line}\n")

    def end(self, result: str | None, elapsed: float) -> None:
        """Write what came of it, if there is anything to say."""
        if result:
            self.say(f"{result} in {duration(elapsed)}")


def display_on(stream: TextIO | None) -> Display | None:
    """Choose how progress is shown on a stream.

    A bar needs a terminal or a notebook, and the main thread of the main process: many
    fits at once would draw over each other's.

    Parameters
    ----------
    stream : TextIO or None
        Such as ``sys.stderr``, which a program without a console has not.

    Returns
    -------
    Bar, Log or None
        None where there is no stream.
    """
    if stream is None:
        return None
    is_alone = (
        threading.current_thread() is threading.main_thread()
        and multiprocessing.current_process().name == "MainProcess"
    )
    return Bar(stream) if is_alone and _redraws(stream) else Log(stream)


def duration(seconds: float) -> str:
    """Write seconds as 1:05 or 1:01:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def _redraws(stream: TextIO) -> bool:
    """Whether a line can be drawn anew; a notebook's is no terminal, but can."""
    if type(stream).__module__.startswith("ipykernel."):
        return True
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _columns(stream: TextIO) -> int:
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError, AttributeError):
        columns = 0
    return min(columns or MOST_COLUMNS, MOST_COLUMNS) - 1


def _can_write(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
