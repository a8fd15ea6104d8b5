"""Labels that training is held to, and how they are found anew."""

from collections.abc import Callable

import numpy as np

from deepcluster_sk.graph.graph import Graph, slack_for
from deepcluster_sk.graph.propagation import pinned
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.training.protocols import TrainedNet
from deepcluster_sk.training.targets import PseudoLabels

#: From the net and its labels ``(n,)`` to refined ones, ``(n,)``.
Refine = Callable[[TrainedNet, Labels], Labels]


class LabelUpdates:
    """Labels of all samples, with a judge that says when others may take their place.

    Parameters
    ----------
    labels : ndarray of shape (n,), int64
        Of the start.
    n_clusters : int
    strategy : PseudoLabels
    graph : Graph, default=None
        The judge; without one nothing is judged, and nothing refined.
    refine : callable, default=None
        Finds new labels.
    known : ndarray of shape (n,), int64, default=None
        Labels that stay what they are; -1 where there is none.
    """

    def __init__(
        self,
        labels: Labels,
        n_clusters: int,
        strategy: PseudoLabels,
        graph: Graph | None = None,
        refine: Refine | None = None,
        known: Labels | None = None,
    ) -> None:
        self.labels = labels
        self.known = known
        self.n_clusters = n_clusters
        self.strategy = strategy
        self.graph = graph
        self.refine = refine
        if graph is not None:
            self._least_merit = graph.modularity(labels) - slack_for(n_clusters)
        self._n_updates = 0

    def update(self, net: TrainedNet, labels: Labels, elapsed: float) -> bool:
        """Find new labels where it is time, and take them where they are good enough.

        Fewer clusters are never good enough: modularity may be higher without one that
        the net has not learned yet, but so many were asked for.

        The updates come at equal distances over the phase. Two distances follow the
        last, for labels found when the learning rate is nearly 0 are not learned.

        Parameters
        ----------
        net : TrainedNet
        labels : ndarray of shape (n,)
            Those of the net, now.
        elapsed : float
            Share of the phase that is over.

        Returns
        -------
        bool
            Whether new ones were taken.
        """
        wanted = int(self.strategy.n_updates)
        due = int(elapsed * (wanted + 2))
        if self.refine is None or self.graph is None:
            return False
        if not self._n_updates < due <= wanted:
            return False
        self._n_updates = due
        found = pinned(self.refine(net, labels), self.known)
        if len(np.unique(found)) < len(np.unique(self.labels)):
            return False
        if self.graph.modularity(found) < self._least_merit:
            return False
        self.labels = found
        return True
