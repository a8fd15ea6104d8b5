"""
Clustering embeddings of a pretrained network
=============================================

Photographs are hard to cluster from their pixels. A pretrained network such as CLIP or
DINO turns each into a vector; vectors are clustered as images are.
"""

# %%
# Vectors
# -------
# No network is downloaded here. These 600 vectors are made as embeddings are: of
# unit length, eight groups of unequal spread, in 64 dimensions.
#
# .. code-block:: python
#
#    embeddings = network.encode(photographs)  # whatever gives (n, d)

import numpy as np

rng = np.random.default_rng(0)
y = rng.integers(0, 8, 600)
means = rng.normal(size=(8, 64))
spread = rng.uniform(1.0, 3.5, size=(8, 1))
X = means[y] + spread[y] * rng.normal(size=(600, 64))
X /= np.linalg.norm(X, axis=1, keepdims=True)

# %%
# Clustering
# ----------
# Two axes without ``image_shape`` are vectors: no option is needed. The graph alone
# takes a second, and is worth trying first; k-means is the yardstick. The clusterer
# made for embeddings starts from both, and learns from pairs of neighbours. Which is
# best depends on the vectors: round groups, as here, are what k-means is for.

from sklearn.cluster import KMeans

from deepcluster_sk import NeighborGraphClusterer, TEMIClusterer
from deepcluster_sk.metrics import clustering_accuracy_score

models = {
    "k-means": KMeans(8, n_init=10, random_state=0),
    "graph alone": NeighborGraphClusterer(8, random_state=0),
    "deep": TEMIClusterer(8, max_epochs=30, tol=1.0, random_state=0),
}
for name, model in models.items():
    labels = model.fit_predict(X)
    print(f"{name:<12} accuracy {clustering_accuracy_score(y, labels):.3f}")

# %%
# The map
# -------
# t-SNE of the learned features, coloured by cluster; crosses are the centres.

from deepcluster_sk.plotting import EmbeddingDisplay

_ = EmbeddingDisplay.from_estimator(models["deep"], X, method="tsne")
