"""Results kept in memory, within bounds, for whoever asks for them again."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What knows how much memory it takes."""

    @property
    def n_bytes(self) -> int:
        """Bytes it takes."""


T = TypeVar("T", bound=Sized)


class Kept(Generic[T]):
    """Results by key; those not asked for longest go first. Threads may share it.

    Parameters
    ----------
    max_bytes : int
        Of all results together. One that is larger by itself is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._results: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._results)

    @property
    def n_bytes(self) -> int:
        """Bytes of all results."""
        with self._lock:
            return self._n_bytes()

    def get(self, key: Hashable) -> T | None:
        """Return the result of a key, if it is kept."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: Hashable, result: T) -> None:
        """Keep a result, and let go of others where there is no room for all."""
        with self._lock:
            self._results[key] = result
            self._results.move_to_end(key)
            while self._n_bytes() > self.max_bytes:
                self._results.popitem(last=False)

    def clear(self) -> None:
        """Let go of all results."""
        with self._lock:
            self._results.clear()

    def _n_bytes(self) -> int:
        return sum(result.n_bytes for result in self._results.values())
