"""
What the balance term does
==========================

``gamma`` weighs the term that asks each image to be sure of its cluster, and all
clusters to be used. Figure 4 of the paper shows it by the images of one class.
"""

# %%
# Without it and with it
# ----------------------
# Balance has work to do where the network trains on its own sharpened assignments, as
# in the paper, not on the labels of a graph. (The other settings make this page quick.)

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from deepcluster_sk import DeepTripletClusterer, Reconstruction
from deepcluster_sk.plotting import AssignmentDisplay

digits = load_digits()
X, y = digits.images[:600], digits.target[:600]

figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", sharey=True)
for gamma, ax in zip((0.0, 0.01, 1.0), axes, strict=True):
    model = DeepTripletClusterer(
        n_clusters=10,
        gamma=gamma,
        init="kmeans",
        targets="self-training",
        pretraining=Reconstruction(epochs=10),
        max_epochs=15,
        tol=1.0,
        random_state=0,
    ).fit(X)
    AssignmentDisplay.from_estimator(model, X, y, label=1, ax=ax)
    ax.set_title(f"gamma = {gamma}")

# %%
# Bars are the mean probabilities of the images of the digit 1, a dot is the share of
# them in each cluster. Clusters are named after the digit they match best. More balance
# makes assignments surer, that is, it brings bars and dots together; it does not make
# them right.
