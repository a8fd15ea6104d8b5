"""
From images to clusters
=======================

Handwritten digits from start to end: cluster them without labels, look at the
clusters, and only then ask how they compare with the true digits.
"""

# %%
# The data
# --------
# scikit-learn comes with 1,797 grey images of 8x8 pixels. Any array of images would
# do; scaling happens inside the estimator.

from sklearn.datasets import load_digits

digits = load_digits()
X, y = digits.images, digits.target
print(X.shape, X.dtype)

# %%
# Clustering
# ----------
# As for any clusterer of scikit-learn. ``random_state`` makes the run repeatable;
# the three other settings make it shorter than it would be by default.

from deepcluster_sk import DeepTripletClusterer, TripletMargin

model = DeepTripletClusterer(
    n_clusters=10,
    pretraining=TripletMargin(epochs=8),
    max_epochs=6,
    tol=0.01,
    random_state=0,
).fit(X)

# %%
# What the defaults became for these images.

print(model.summary())

# %%
# Looking at the clusters
# -----------------------
# One row per cluster, the images it is surest of first. No label is needed to see
# whether a row shows one thing or two.

from deepcluster_sk.plotting import ClustersDisplay

_ = ClustersDisplay.from_estimator(model, X, n_images=15)

# %%
# The learned features, seen along the two directions in which they vary most.
# Crosses mark the cluster centres.

from deepcluster_sk.plotting import EmbeddingDisplay

_ = EmbeddingDisplay.from_estimator(model, X)

# %%
# How the terms of the loss went.

from deepcluster_sk.plotting import HistoryDisplay

_ = HistoryDisplay.from_estimator(model)

# %%
# Comparing with the true digits
# ------------------------------
# Here the true digits are known. They were not used so far.

from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from deepcluster_sk.metrics import clustering_accuracy_score

kmeans = KMeans(10, n_init=10, random_state=0).fit(digits.data)
for name, labels in [
    ("k-means on pixels", kmeans.labels_),
    ("the start of training", model.initial_labels_),
    ("the end of training", model.labels_),
]:
    accuracy = clustering_accuracy_score(y, labels)
    nmi = normalized_mutual_info_score(y, labels)
    print(f"{name:<22} accuracy {accuracy:.3f}   NMI {nmi:.3f}")

# %%
# Rows are digits, columns clusters, paired so that the diagonal is as heavy as it
# can be. What lies off the diagonal is what was mistaken for what.

from deepcluster_sk.plotting import MatchedConfusionDisplay

_ = MatchedConfusionDisplay.from_predictions(y, model.labels_)
