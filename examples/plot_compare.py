"""
Four clusterers, four latent spaces
===================================

The clusterers of this package share their interface and differ in what they learn.
Here each clusters the same 300 handwritten digits, and we look at the space it found.
"""

# %%
# Fitting
# -------
# The settings given are there to keep this page quick; leave them out otherwise.

import time

from sklearn.datasets import load_digits

from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    Reconstruction,
    TripletMargin,
    VariationalClusterer,
)

digits = load_digits()
X, y = digits.images[:300], digits.target[:300]

quick = {"n_clusters": 10, "tol": 0.02, "random_state": 0}
models = [
    DeepTripletClusterer(pretraining=TripletMargin(epochs=8), max_epochs=10, **quick),
    DECClusterer(pretraining=Reconstruction(20), max_epochs=10, **quick),
    DepictClusterer(max_epochs=15, **quick),
    VariationalClusterer(max_epochs=15, **quick),
]
for model in models:
    began = time.perf_counter()
    model.fit(X)
    print(f"{type(model).__name__:<22} {time.perf_counter() - began:.0f} s")

# %%
# The latent spaces
# -----------------
# Each along the two directions in which it varies most, coloured by cluster; crosses
# are the cluster centres. The triplet method keeps its latent on a sphere. DEC leaves
# it to the autoencoder. DEPICT confines it to a box, by a tanh. The variational model
# has a Gaussian for every cluster, and places it itself.

from matplotlib import pyplot as plt

from deepcluster_sk.plotting import EmbeddingDisplay

figure, axes = plt.subplots(2, 2, figsize=(9, 9), layout="constrained")
for model, ax in zip(models, axes.flat, strict=True):
    EmbeddingDisplay.from_estimator(model, X, ax=ax)
    ax.set_title(type(model).__name__)

# %%
# New images
# ----------
# The variational model can also make images. Ten from each of three clusters:

import numpy as np

from deepcluster_sk.plotting import ClustersDisplay

variational = models[-1]
drawn, labels = zip(*(variational.sample(10, cluster=k) for k in range(3)), strict=True)
_ = ClustersDisplay.from_predictions(
    np.concatenate(drawn), np.concatenate(labels), image_shape=(8, 8)
)

# %%
# Against the true digits
# -----------------------
# They were not used so far. These short runs say little of how good a method is; the
# benchmarks do.

from deepcluster_sk.metrics import clustering_accuracy_score

for model in models:
    accuracy = clustering_accuracy_score(y, model.labels_)
    print(f"{type(model).__name__:<22} {accuracy:.3f}")
