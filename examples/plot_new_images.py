"""
Labelling images that come later
================================

Fit once, then label what arrives. Two things are worth a look before new labels are
trusted: how sure the model is, and whether an image is of the old kind at all.
"""

# %%
# Fit on what is there
# --------------------
# 600 digits are there, 400 come later. (The settings make this page quick.)

from sklearn.datasets import load_digits

from deepcluster_sk import DeepTripletClusterer, TripletMargin

digits = load_digits()
X, X_new, y_new = digits.images[:600], digits.images[600:1000], digits.target[600:1000]
model = DeepTripletClusterer(
    n_clusters=10,
    pretraining=TripletMargin(epochs=10),
    max_epochs=10,
    tol=0.02,
    random_state=0,
).fit(X)

# %%
# Label what comes
# ----------------
# New images are scaled as the old ones were. Shape and colour must be the same.

from deepcluster_sk.metrics import clustering_accuracy_score

labels = model.predict(X_new)
print(f"accuracy on new images: {clustering_accuracy_score(y_new, labels):.3f}")

# %%
# The least sure
# --------------
# Each bears the cluster it was put into.

from deepcluster_sk.plotting import DoubtfulDisplay

_ = DoubtfulDisplay.from_estimator(model, X_new)

# %%
# Something else altogether
# -------------------------
# A clusterer has a cluster for everything, noise included. Pictures of nothing it has
# seen tend to be less sure, but that is no guarantee: look at them.

import matplotlib.pyplot as plt
import numpy as np

noise = np.random.default_rng(0).uniform(0, 16, size=(400, 8, 8))
figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
bins = np.linspace(0, 1, 31)
for name, images in [("new digits", X_new), ("noise", noise)]:
    largest = model.predict_proba(images).max(axis=1)
    ax.hist(largest, bins=bins, alpha=0.6, label=name)
ax.set_xlabel("largest probability of an image")
ax.set_ylabel("images")
_ = ax.legend()
