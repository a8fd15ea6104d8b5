"""
Photographs, by a pretrained network
====================================

A network that was trained on millions of photographs tells what they show.
:class:`~deepcluster_sk.ImageEmbedder` puts one that you have in front of any clusterer.
"""

# %%
# Pictures
# --------
# Pieces of two photographs that come with scikit-learn, a temple and a flower. Yours
# are read by ``load_pictures(folder, size=224).X``.

import numpy as np
from sklearn.datasets import load_sample_images

rng = np.random.default_rng(0)
SIDE = 160
pieces = []
for photograph in load_sample_images().images:
    height, width, _ = photograph.shape
    for _ in range(60):
        top, left = rng.integers(0, height - SIDE), rng.integers(0, width - SIDE)
        pieces.append(photograph[top : top + SIDE, left : left + SIDE])
X, truth = np.array(pieces), np.repeat([0, 1], 60)

# %%
# A network
# ---------
# Nothing is downloaded here: a small network with random weights stands in, which sees
# colours and edges and no more. Name your own in its place, ``"timm:resnet50"`` or
# ``"network.onnx"``.

import torch
from torch import nn

torch.manual_seed(0)
network = nn.Sequential(
    *(nn.Conv2d(3, 32, 7, stride=4), nn.ReLU()),
    *(nn.Conv2d(32, 64, 3, stride=2), nn.ReLU()),
    *(nn.AdaptiveAvgPool2d(2), nn.Flatten()),
).eval()

# %%
# Clusters
# --------
# The network is loaded when it is needed; weights are in no copy and no clone.

from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline

from deepcluster_sk import ImageEmbedder, NeighborGraphClusterer
from deepcluster_sk.metrics import clustering_accuracy_score

for clusterer in (KMeans(2, random_state=0), NeighborGraphClusterer(2, random_state=0)):
    model = make_pipeline(ImageEmbedder(network), clusterer)
    labels = model.fit_predict(X)
    accuracy = clustering_accuracy_score(truth, labels)
    print(f"{type(clusterer).__name__:<24} accuracy {accuracy:.3f}")

# %%
# What was found
# --------------
# The pictures are drawn by the labels of their vectors.

from deepcluster_sk.plotting import ClustersDisplay

_ = ClustersDisplay.from_predictions(X[:, ::4, ::4], labels)

# %%
# New pictures go the same way.

print(model.predict(X[::30]))
