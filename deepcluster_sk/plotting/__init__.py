"""Pictures of a clustering, drawn with matplotlib, as scikit-learn's displays are.

Install it with ``pip install "deepcluster-sk[plot]"``. A display is made by
``from_estimator`` or from what has been predicted already, holds what it shows, and is
drawn once when it is made; ``plot`` draws it again elsewhere. Nothing here changes
matplotlib's settings or opens a window.
"""

from deepcluster_sk.plotting.assignments import AssignmentDisplay
from deepcluster_sk.plotting.centers import CentersDisplay
from deepcluster_sk.plotting.clusters import ClustersDisplay
from deepcluster_sk.plotting.confusion import MatchedConfusionDisplay
from deepcluster_sk.plotting.doubtful import DoubtfulDisplay
from deepcluster_sk.plotting.embedding import EmbeddingDisplay
from deepcluster_sk.plotting.history import HistoryDisplay
from deepcluster_sk.plotting.profile import ClusterProfileDisplay
from deepcluster_sk.plotting.tree import ClusterTreeDisplay

__all__ = [
    "AssignmentDisplay",
    "CentersDisplay",
    "ClusterProfileDisplay",
    "ClusterTreeDisplay",
    "ClustersDisplay",
    "DoubtfulDisplay",
    "EmbeddingDisplay",
    "HistoryDisplay",
    "MatchedConfusionDisplay",
]
