"""
How many clusters there are
===========================

Nothing counts clusters reliably without labels. What can be done is to count the groups
that have clear borders, and to look at the candidates before one is chosen.
"""

# %%
# Count
# -----
# :func:`~deepcluster_sk.model_selection.suggest_n_clusters` merges many small groups of
# a neighbour graph until every border is clear. The line is where a border ends to be
# clear; the number taken is the last below it.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from deepcluster_sk.model_selection import ClusterProfileDisplay, suggest_n_clusters
from deepcluster_sk.plotting import ClustersDisplay

X = load_digits().images[:900]
count = suggest_n_clusters(X, max_clusters=30, random_state=0)
print(f"{count.n_clusters} clusters; {count.lowest} to {count.highest} can be defended")
ClusterProfileDisplay.from_profile(count.profile, n_clusters=count.n_clusters)

# %%
# Look
# ----
# Ten digits need not be ten groups: some are written in two ways that have a clear
# border, others run into each other.

shown = X[count.nodes]
ClustersDisplay.from_predictions(shown, count.labels_at(count.n_clusters))

# %%
# Fit, and merge
# --------------
# ``n_clusters="auto"`` counts inside a fit. The clusters found are a tree:
# ``labels_at`` merges those with the least clear border, without another fit.

from scipy.cluster.hierarchy import dendrogram

from deepcluster_sk import NeighborGraphClusterer

model = NeighborGraphClusterer(n_clusters="auto", random_state=0).fit(X)
figure, ax = plt.subplots(layout="constrained")
dendrogram(model.cluster_tree_, ax=ax)
ax.set(xlabel="cluster", ylabel="1 - half the share of links across the border")
ax.set_ylim(model.cluster_tree_[0, 2] - 0.02, 1.005)

print(model.n_clusters_, "clusters merged to five:", set(model.labels_at(5).tolist()))
plt.show()
