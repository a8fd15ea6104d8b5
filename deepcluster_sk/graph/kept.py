"""Graphs kept in memory, within bounds, for whoever asks for them again."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from deepcluster_sk.graph.graph import Graph


class KeptGraphs:
    """Graphs by key; those not asked for longest go first. Threads may share it.

    Parameters
    ----------
    max_bytes : int
        Of all graphs together. One that is larger by itself is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._graphs: OrderedDict[Hashable, Graph] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._graphs)

    @property
    def n_bytes(self) -> int:
        """Bytes of all graphs."""
        with self._lock:
            return self._n_bytes()

    def get(self, key: Hashable) -> Graph | None:
        """Return the graph of a key, if it is kept."""
        with self._lock:
            if key in self._graphs:
                self._graphs.move_to_end(key)
            return self._graphs.get(key)

    def put(self, key: Hashable, graph: Graph) -> None:
        """Keep a graph, and let go of others where there is no room for all."""
        with self._lock:
            self._graphs[key] = graph
            self._graphs.move_to_end(key)
            while self._n_bytes() > self.max_bytes:
                self._graphs.popitem(last=False)

    def clear(self) -> None:
        """Let go of all graphs."""
        with self._lock:
            self._graphs.clear()

    def _n_bytes(self) -> int:
        return sum(graph.n_bytes for graph in self._graphs.values())
