"""
How much is chance?
===================

Fits that differ in their seed alone may differ in their clusters. Clusters that come
back deserve more trust than those of one fit.
"""

# %%
# Five seeds
# ----------
# Of the graph alone, which is quick, and of k-means. How alike two clusterings are is
# told by the adjusted Rand index: 1 for the same clusters, 0 for chance.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk import NeighborGraphClusterer

digits = load_digits()
X, y = digits.images[:500], digits.target[:500]
found = {
    "graph": [
        NeighborGraphClusterer(10, random_state=seed).fit_predict(X)
        for seed in range(5)
    ],
    "k-means": [
        KMeans(10, random_state=seed).fit_predict(digits.data[:500])
        for seed in range(5)
    ],
}
figure, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
for ax, (name, runs) in zip(axes, found.items(), strict=True):
    alike = np.array([[adjusted_rand_score(a, b) for a in runs] for b in runs])
    image = ax.imshow(alike, vmin=0, vmax=1)
    ax.set(title=name, xlabel="seed", ylabel="seed")
_ = figure.colorbar(image, ax=axes, label="adjusted Rand index")

# %%
# Images that seeds agree on
# --------------------------
# Name the clusters of every run as in the first, and count for each image how many runs
# agree. What no two runs agree on is worth a look.

from deepcluster_sk.metrics import confusion
from deepcluster_sk.plotting import ClustersDisplay

runs = found["graph"]
named = []
for run in runs:
    _, first, second = confusion(runs[0], run)
    names = dict(zip(second, first, strict=True))
    named.append([names[label] for label in run])
agreement = np.mean(np.array(named) == runs[0], axis=0)
print(
    f"{np.mean(agreement == 1):.1%} of the images are in the same cluster in all runs"
)
disputed = agreement < 1
_ = ClustersDisplay.from_predictions(
    X[disputed], runs[0][disputed], probabilities=-agreement[disputed]
)
