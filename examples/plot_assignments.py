"""
Where the probability goes
==========================

``predict_proba`` gives each image a share of every cluster. Their mean over the images
of one class shows whether that class has a cluster to itself: Figure 4 of the paper.
"""

# %%
# A fit that is not perfect
# -------------------------
# k-means on the latent, instead of the graph, leaves some classes in pieces. (The other
# settings make this page quick.)

from sklearn.datasets import load_digits

from deepcluster_sk import DeepTripletClusterer, Reconstruction

digits = load_digits()
X, y = digits.images[:400], digits.target[:400]
model = DeepTripletClusterer(
    n_clusters=10,
    init="kmeans",
    targets="self-training",
    pretraining=Reconstruction(epochs=10),
    max_epochs=25,
    tol=0.02,
    random_state=0,
).fit(X)

# %%
# Class by class
# --------------
# Bars are mean probabilities; a dot is the share of the images whose most probable
# cluster it is. Clusters are named after the digit they match best. A bar far below its
# dot: the images are in the cluster without being sure of it. Several dots: the class
# is in pieces.

import matplotlib.pyplot as plt

from deepcluster_sk.plotting import AssignmentDisplay

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained", sharey=True)
for digit, ax in zip((0, 8), axes, strict=True):
    AssignmentDisplay.from_estimator(model, X, y, label=digit, ax=ax)

# %%
# Without classes
# ---------------
# Of all images the same picture shows whether the clusters are used evenly. It needs no
# labels.

_ = AssignmentDisplay.from_estimator(model, X)
