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
# Fit, then merge and divide
# --------------------------
# ``n_clusters="auto"`` counts inside a fit. The clusters found are a tree:
# ``labels_at`` merges those with the least clear border, or divides them where the
# border is clearest, without another fit.

from deepcluster_sk import NeighborGraphClusterer
from deepcluster_sk.plotting import ClusterTreeDisplay

model = NeighborGraphClusterer(n_clusters="auto", random_state=0).fit(X)
ClusterTreeDisplay.from_estimator(model)
print(model.n_clusters_, "clusters merged to five:", set(model.labels_at(5).tolist()))

# %%
# What the clusters are made of: twice as many.

ClusterTreeDisplay.from_estimator(model, n_clusters=2 * model.n_clusters_)
ClustersDisplay.from_predictions(X, model.labels_at(2 * model.n_clusters_), n_images=10)

# %%
# In no cluster
# -------------
# Digits in negative look like none of those fitted on.

found = model.predict(16 - X[:20], outliers=True)
print("of 20 negatives, in no cluster:", (found == -1).sum())
plt.show()
