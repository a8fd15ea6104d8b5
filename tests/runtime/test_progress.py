import io
import multiprocessing
import pickle
import threading
from types import SimpleNamespace

import pytest

from deepcluster_sk.runtime.display import Bar, Log, Status, display_on, duration
from deepcluster_sk.runtime.progress import Progress


class Clock:
    """Tells the time that it was set to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock):
    return Progress(clock=clock)


def take(progress, clock, n_steps, seconds):
    for _ in range(n_steps):
        clock.now += seconds
        progress.advance()


def test_nothing_is_known_of_work_that_is_not_measured(progress, clock):
    progress.begin("start")
    clock.now += 7
    assert progress.status() == Status("start", 7.0, None, "")
    assert progress.status().share is None


def test_what_is_left_is_the_mean_of_the_steps_so_far_times_those_to_come(
    progress, clock
):
    progress.begin("pretraining")
    clock.now += 3  # getting ready is no step
    progress.steps(10)
    take(progress, clock, 2, 1.0)
    take(progress, clock, 2, 2.0)
    assert progress.status().left == pytest.approx(6 * 1.5)
    clock.now += 1.5  # a step that is as good as done
    assert progress.status().left == pytest.approx(5 * 1.5)
    clock.now += 100  # one that takes longer than all before
    assert progress.status().left == 0


def test_stages_to_come_take_as_long_as_those_they_are_like(progress, clock):
    progress.begin("start")
    clock.now += 20
    progress.expect("pretraining")
    progress.expect("second look", like="start", times=0.5)
    progress.expect("training", 30, like="pretraining", times=2.0)
    assert progress.status().left is None
    progress.begin("pretraining")
    progress.steps(10)
    assert progress.status().left is None
    take(progress, clock, 4, 1.0)
    assert progress.status().left == pytest.approx(6 + 10 + 60)
    assert progress.status().share == pytest.approx(24 / 100)
    progress.begin("second look")  # pretraining ended early
    assert progress.status().left == pytest.approx(10 + 60)
    clock.now += 4
    assert progress.status().left == pytest.approx(6 + 60)
    progress.begin("training")
    assert progress.status().left == pytest.approx(60)
    progress.steps(20)
    take(progress, clock, 10, 3.0)
    assert progress.status().left == pytest.approx(30)
    take(progress, clock, 10, 3.0)
    assert progress.status().left == 0
    assert progress.status().share == 1


def test_stages_that_came_from_a_cache_are_not_waited_for(progress, clock):
    progress.expect("pretraining")
    progress.expect("second look", like="start")
    progress.expect("training", 10, like="pretraining")
    progress.begin("training")
    progress.steps(10)
    take(progress, clock, 5, 1.0)
    assert progress.status().left == pytest.approx(5)


def test_a_phase_with_no_steps_left_takes_no_time(progress, clock):
    progress.begin("training")
    progress.steps(0)
    assert progress.status().left == 0


def test_a_copy_tells_nobody(clock):
    stream = io.StringIO()
    copy = pickle.loads(pickle.dumps(Progress(Log(stream), clock)))
    with copy.shown("done"):
        copy.begin("start")
        copy.say("something")
    assert stream.getvalue() == ""


STATUSES = [
    Status("start", 3.4, None, ""),
    Status("pretraining", 12.0, 61.0, "epoch 3/60, loss 0.6431"),
    Status("training", 3675.0, 36754.0, "epoch 38/45, loss 1.402e+04, 12.3% moved"),
    Status("reading pictures", 100 * 3600.0, 100 * 3600.0, "x" * 90),
]


@pytest.mark.parametrize("status", STATUSES)
def test_a_bar_fits_eighty_columns_and_leaves_the_cursor_at_the_beginning(status):
    stream = Terminal()
    bar = Bar(stream)
    bar.show(status)
    text = stream.getvalue()
    assert "\n" not in text
    assert text.endswith("\r")
    assert len(text) == 79 + 1
    assert text.startswith(status.stage)
    assert duration(status.elapsed) in text


def test_a_line_that_is_drawn_anew_hides_the_one_before():
    stream = Terminal()
    bar = Bar(stream)
    for status in reversed(STATUSES):
        bar.show(status)
    bar.say("taken for drawings")
    bar.end("fitted", 61.4)
    *drawn, last = stream.getvalue().split("\r")
    assert {len(line) for line in drawn} == {79}
    said, result, rest = last.split("\n")
    assert (said.rstrip(), result.rstrip(), rest) == (
        "taken for drawings",
        "fitted in 1:01",
        "",
    )
    assert len(said) == len(result) == 79


def test_a_bar_grows_and_never_shrinks():
    bar = Bar(Terminal())
    shown = [
        bar.line(Status("training", elapsed, left, ""))
        for elapsed, left in ((10.0, 30.0), (20.0, 20.0), (21.0, 40.0), (60.0, 0.0))
    ]
    blocks = [line.count("\u2588") for line in shown]
    assert blocks == [4, 8, 8, 16]
    assert ["25%" in shown[0], "50%" in shown[2], "100%" in shown[3]] == [True] * 3
    assert "0:21, 0:40 left" in shown[2]


def test_a_bar_moves_while_nothing_is_known():
    bar = Bar(Terminal())
    lines = [bar.line(Status("start", float(second), None, "")) for second in range(3)]
    assert len({line[: line.index("0:0")] for line in lines}) == 3
    assert all("left" not in line for line in lines)


def test_a_bar_is_plain_where_blocks_cannot_be_written():
    stream = Terminal()
    stream.encoding = "ascii"
    line = Bar(stream).line(STATUSES[1])
    assert "#" in line
    assert line.isascii()


def test_a_log_has_no_carriage_return_and_is_never_silent_for_two_seconds():
    told = []

    class Stream(io.StringIO):
        def write(self, text):
            told.append(now)
            return super().write(text)

    stream = Stream()
    log = Log(stream)
    for tick in range(int(3600 / Log.interval)):
        now = tick * Log.interval
        log.show(Status("training", now, 3600 - now, "epoch 1/2"))
    log.end("fitted", 3600.0)
    text = stream.getvalue()
    assert "\r" not in text
    lines = text.splitlines()
    assert lines[0] == "0:00  training     0%, 1:00:00 left  epoch 1/2"
    assert lines[-1] == "fitted in 1:00:00"
    assert max(map(len, lines)) < 80
    gaps = [b - a for a, b in zip([0.0, *told], told, strict=False)]
    assert max(gaps) > 1
    assert gaps[0] + max(gaps) <= 2  # from one piece of work to the next, too
    assert len(text) < 200_000


def test_short_work_makes_no_lines_in_a_log():
    stream = io.StringIO()
    log = Log(stream)
    log.show(Status("start", 0.4, None, ""))
    assert stream.getvalue() == ""


def fail(progress):
    with progress.shown("fitted"):
        progress.begin("start")
        progress.tick()
        raise ZeroDivisionError


def test_a_failure_leaves_no_result(clock):
    for display in (Bar(Terminal()), Log(Terminal())):
        with pytest.raises(ZeroDivisionError):
            fail(Progress(display, clock))
        text = display._stream.getvalue()
        assert "fitted" not in text
        assert text == "" or text.endswith("\r\n")


def test_it_is_shown_though_nobody_tells_anything_meanwhile():
    class Told:
        interval = 0.001

        def __init__(self):
            self.statuses, self.enough = [], threading.Event()

        def show(self, status):
            self.statuses.append(status)
            if len(self.statuses) == 3:
                self.enough.set()

        def end(self, result, elapsed):
            self.result = result

    told = Told()
    with Progress(told).shown("done") as nothing:
        assert nothing is None
    assert not told.statuses
    progress = Progress(told)
    with progress.shown("done"):
        progress.begin("start")
        assert told.enough.wait(60)
    assert {status.stage for status in told.statuses} == {"start"}
    assert told.result == "done"
    assert not [t for t in threading.enumerate() if t.name == "progress"]


def test_a_stream_that_is_closed_meanwhile_is_no_error(clock):
    stream = Terminal()
    progress = Progress(Bar(stream), clock)
    with progress.shown("fitted"):
        progress.begin("start")
        stream.close()
        progress.tick()
        progress.say("something")


def test_what_is_drawn_where(monkeypatch):
    class OutStream(io.StringIO):
        """As a notebook has it."""

    OutStream.__module__ = "ipykernel.iostream"
    assert display_on(None) is None
    assert isinstance(display_on(io.StringIO()), Log)
    assert isinstance(display_on(Terminal()), Bar)
    assert isinstance(display_on(OutStream()), Bar)
    found = []
    thread = threading.Thread(target=lambda: found.append(display_on(Terminal())))
    thread.start()
    thread.join()
    assert isinstance(found[0], Log)
    worker = SimpleNamespace(name="LokyProcess-1")
    monkeypatch.setattr(multiprocessing, "current_process", lambda: worker)
    assert isinstance(display_on(Terminal()), Log)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0:00"), (59.6, "1:00"), (65, "1:05"), (3600, "1:00:00"), (3725, "1:02:05")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
