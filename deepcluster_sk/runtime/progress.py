"""How far long work is, and how long it will take: told while it runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deepcluster_sk.runtime.display import Display, Status


class _Stage:
    """One stage of the work: its steps, and the seconds that one takes."""

    def __init__(self, like: str = "", times: float = 1.0) -> None:
        self.n_steps = 1
        self.n_done = 0
        self.like, self.times = like, times
        self.began: float | None = None
        self.last = 0.0

    def begin(self, now: float) -> None:
        self.began = self.last = now
        self.n_done = 0

    def advance(self, now: float) -> None:
        self.n_done += 1
        self.last = now

    @property
    def seconds_a_step(self) -> float | None:
        """Mean of the steps so far."""
        if self.began is None or not self.n_done:
            return None
        return (self.last - self.began) / self.n_done


class Progress:
    """Progress of one piece of work, over all its stages.

    Whoever works tells of stages and steps; a thread of its own lets the display show
    them, so that no step is held up by a terminal, and none is silent because it is
    long. What is left is told from measured steps: the mean of those of the running
    stage, and for a stage to come that of the stage it is known to be like.

    Parameters
    ----------
    display : Display, default=None
        Where it is shown; None is nowhere.
    clock : callable, default=time.monotonic
        Tells the time, in seconds.
    """

    def __init__(
        self,
        display: Display | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._display = display
        self._clock = clock
        self._lock = threading.RLock()
        self._stages: dict[str, _Stage] = {}
        self._running = ""
        self._note = ""
        self._began = clock()

    def __reduce__(self) -> tuple[type["Progress"], tuple[()]]:
        # Of a net that is pickled while it is trained: a copy tells nobody.
        return Progress, ()

    def begin(self, stage: str) -> None:
        """Begin a stage, which ends the one before."""
        with self._lock:
            now = self._clock()
            before = self._stages.get(self._running)
            if before is not None and not before.n_done and before.n_steps == 1:
                before.advance(now)
            self._running, self._note = stage, ""
            self._stages.setdefault(stage, _Stage()).begin(now)

    def expect(
        self, stage: str, n_steps: int = 1, like: str = "", times: float = 1.0
    ) -> None:
        """Expect a stage to come, after those that are known already.

        Parameters
        ----------
        stage : str
        n_steps : int, default=1
        like : str, default=""
            Stage that tells how long a step takes, as long as none of this one is over.
        times : float, default=1.0
            How long a step takes, as a multiple of one of that stage.
        """
        with self._lock:
            self._stages[stage] = _Stage(like, times)
            self._stages[stage].n_steps = n_steps

    def steps(self, n_steps: int) -> None:
        """Say how many steps the running stage has; the first of them begins now."""
        with self._lock:
            if self._running in self._stages:
                self._stages[self._running].n_steps = n_steps
                self._stages[self._running].begin(self._clock())

    def advance(self) -> None:
        """Count a step of the running stage."""
        with self._lock:
            if self._running in self._stages:
                self._stages[self._running].advance(self._clock())

    def note(self, text: str) -> None:
        """Tell how the running stage goes."""
        self._note = text

    def say(self, line: str) -> None:
        """Tell something that stays."""
        if self._display is not None:
            self._display.say(line)

    def status(self) -> Status:
        """Look at it as it is now."""
        with self._lock:
            now = self._clock()
            return Status(self._running, now - self._began, self._left(now), self._note)

    def tick(self) -> None:
        """Let the display show it as it is now."""
        if self._display is not None and self._running:
            self._display.show(self.status())

    @contextmanager
    def shown(self, result: str = "") -> Iterator[None]:
        """Show it inside the block; at its end, say what came of it.

        Parameters
        ----------
        result : str, default=""
            Such as "fitted", which is said unless an error ends the block.
        """
        self._began = self._clock()
        display = self._display
        if display is None:
            yield
            return
        over = threading.Event()
        outcome: str | None = None

        def show() -> None:
            while not over.wait(display.interval):
                self.tick()

        ticker = threading.Thread(target=show, name="progress", daemon=True)
        ticker.start()
        try:
            yield
            outcome = result
        finally:
            over.set()
            ticker.join()
            display.end(outcome, self._clock() - self._began)

    def _left(self, now: float) -> float | None:
        """Seconds that are left of the running stage, and of those that are expected.

        None where one of them cannot be known yet.
        """
        total, names = 0.0, list(self._stages)
        # What was expected earlier, and never begun, was in a cache.
        first = names.index(self._running) if self._running in names else 0
        for stage in (self._stages[name] for name in names[first:]):
            n_left = stage.n_steps - stage.n_done
            if n_left <= 0:
                continue
            seconds = self._seconds_a_step(stage)
            if seconds is None:
                return None
            left = seconds * n_left
            if stage.began is not None:
                left -= now - stage.last
            total += max(left, 0.0)
        return total

    def _seconds_a_step(self, stage: _Stage) -> float | None:
        """Seconds of a step: its own, or those of the stage that it is like."""
        if stage.seconds_a_step is not None:
            return stage.seconds_a_step
        model = self._stages.get(stage.like)
        if model is None or model.seconds_a_step is None:
            return None
        return stage.times * model.seconds_a_step
