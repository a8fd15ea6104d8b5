import ctypes

from deepcluster_sk.runtime import malloc
from deepcluster_sk.runtime.malloc import keeping_freed_memory


class Recorder:
    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *arguments: self.calls.append((name, *arguments))


def test_thresholds_are_raised_and_memory_is_returned_at_the_end(monkeypatch):
    libc = Recorder()
    monkeypatch.setattr(malloc, "_glibc", lambda: libc)
    with keeping_freed_memory():
        raised = {call[1]: call[2] for call in libc.calls}
    lowered = {call[1]: call[2] for call in libc.calls if call[0] == "mallopt"}
    assert raised.keys() == lowered.keys() == {-1, -3}
    assert all(lowered[name] < raised[name] for name in raised)
    assert libc.calls[-1] == ("malloc_trim", 0)


def test_on_another_c_library_nothing_happens(monkeypatch):
    monkeypatch.setattr(malloc.sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: 1 / 0)
    with keeping_freed_memory():
        pass


def test_it_can_be_nested():
    with keeping_freed_memory(), keeping_freed_memory():
        pass
