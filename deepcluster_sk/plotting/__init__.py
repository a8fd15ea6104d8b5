"""Pictures of a clustering, drawn with matplotlib.

Install it with ``pip install "deepcluster-sk[plot]"``. Nothing here changes
matplotlib's settings or opens a window: each function draws on axes and returns
what it drew on.
"""

from deepcluster_sk.plotting.clusters import plot_clusters
from deepcluster_sk.plotting.confusion import plot_confusion
from deepcluster_sk.plotting.embedding import plot_embedding
from deepcluster_sk.plotting.history import plot_history

__all__ = ["plot_clusters", "plot_confusion", "plot_embedding", "plot_history"]
