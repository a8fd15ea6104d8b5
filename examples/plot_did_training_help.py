"""
Did training help?
==================

The deep clusterers start from clusters that are found without a network. What training
adds can be seen: what moved, where to, and whether it moved for the better.
"""

# %%
# A start that needs help
# -----------------------
# k-means on the latent, instead of the graph, so that there is something left to do.
# (The other settings make this page quick.)

import numpy as np
from sklearn.datasets import load_digits

from deepcluster_sk import DeepTripletClusterer, TripletMargin

digits = load_digits()
X, y = digits.images[:600], digits.target[:600]
model = DeepTripletClusterer(
    n_clusters=10,
    init="kmeans",
    targets="self-training",
    pretraining=TripletMargin(epochs=15),
    max_epochs=15,
    tol=0.01,
    random_state=0,
).fit(X)
moved = model.labels_ != model.initial_labels_
print(f"{moved.mean():.1%} of the images have moved")

# %%
# What moved, and where to
# ------------------------
# Rows are clusters at the start, columns clusters at the end. What lies off the
# diagonal has moved.

from deepcluster_sk.plotting import MatchedConfusionDisplay

display = MatchedConfusionDisplay.from_predictions(model.initial_labels_, model.labels_)
display.ax_.set_ylabel("cluster at the start")
_ = display.ax_.set_xlabel("cluster at the end")

# %%
# Some of the images that moved, in the clusters they moved to. Are they at home there?

from deepcluster_sk.plotting import ClustersDisplay

_ = ClustersDisplay.from_predictions(X[moved], model.labels_[moved])

# %%
# How it went
# -----------
# Losses fall whatever happens. Labels that stop changing are the better sign.

from deepcluster_sk.plotting import HistoryDisplay

_ = HistoryDisplay.from_estimator(model)

# %%
# The judge
# ---------
# With known classes the question has an answer. Without them, compare pictures.

from deepcluster_sk.metrics import clustering_accuracy_score

for name, labels in [("start", model.initial_labels_), ("end", model.labels_)]:
    print(f"{name:<6} accuracy {clustering_accuracy_score(y, labels):.3f}")
if moved.any():
    print("images that moved, by cluster:", np.bincount(model.labels_[moved]))
