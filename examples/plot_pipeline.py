"""
Learned features in a pipeline
==============================

Often there are many images and few labels. A clusterer learns features from all the
images; a simple classifier then needs only a handful of labels. Both fit into one
scikit-learn pipeline.
"""

# %%
# Many images, few labels
# -----------------------
# 800 digits, of which we pretend to know thirty.

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X, y = X[:800], y[:800]
X_labelled, X_rest, y_labelled, y_rest = train_test_split(
    X, y, train_size=30, stratify=y, random_state=0
)

# %%
# Features from all images
# ------------------------
# These rows are flat, so the estimator is told the shape of an image. It never reads
# labels. A few epochs are enough for this example.

from deepcluster_sk import DeepTripletClusterer, Reconstruction, TripletMargin

clusterer = DeepTripletClusterer(
    n_clusters=10,
    image_shape=(8, 8),
    pretraining=TripletMargin(epochs=15),
    max_epochs=8,
    tol=0.02,  # settled when an epoch moves less than 2 % of the images
    random_state=0,
).fit(X)

# %%
# A pipeline
# ----------
# ``FrozenEstimator`` keeps what was learned: fitting the pipeline fits the last step
# only.

from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

on_pixels = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
on_features = make_pipeline(
    FrozenEstimator(clusterer), StandardScaler(), LogisticRegression(max_iter=1000)
)
for name, pipeline in [("pixels", on_pixels), ("learned features", on_features)]:
    accuracy = pipeline.fit(X_labelled, y_labelled).score(X_rest, y_rest)
    print(f"logistic regression on {name}: accuracy {accuracy:.3f}")

# %%
# What the features keep
# ----------------------
# ``inverse_transform`` is the decoder. The first row shows images, the second what
# their few features remember of them.

import matplotlib.pyplot as plt

from deepcluster_sk.plotting import ClustersDisplay

shown = X[:12]
rebuilt = clusterer.inverse_transform(clusterer.transform(shown))
fig, ax = plt.subplots(figsize=(8, 2), layout="constrained")
ClustersDisplay.from_predictions(
    np.concatenate([shown, np.clip(rebuilt, 0, 16)]),
    np.repeat(["image", "rebuilt"], len(shown)),
    probabilities=np.tile(np.linspace(1, 0, len(shown)), 2),  # keeps the order
    n_images=len(shown),
    image_shape=(8, 8),
    ax=ax,
)
_ = ax.set_ylabel("")

# %%
# Fitting a pipeline that ends in the clusterer works as well, here for feature
# vectors: 20 principal components instead of images.

from sklearn.decomposition import PCA

vectors = make_pipeline(
    PCA(20, random_state=0),
    DeepTripletClusterer(
        n_clusters=10,
        pretraining=Reconstruction(epochs=10, omega=0.3),
        max_epochs=5,
        tol=1.0,
        random_state=0,
    ),
)
labels = vectors.fit_predict(X)
print("images per cluster:", np.bincount(labels, minlength=10))
