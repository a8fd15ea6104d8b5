"""
Choosing the weights of the loss
================================

Each term of the loss has a weight. A grid search needs something to maximise: here, the
agreement with a small labelled sample. Training still reads no labels.
"""

# %%
# Data
# ----
# 600 of the digits; a third of them are held out to score each setting.

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, ShuffleSplit

X, y = load_digits(return_X_y=True)
X, y = X[:600].reshape(-1, 8, 8), y[:600]

# %%
# The search
# ----------
# ``beta`` weighs the clustering term, ``omega`` the separation of unlike images; 0
# switches a term off. The scorer predicts the held-out images and pairs
# clusters with digits before counting. ``memory`` lets settings share what they have in
# common: the start, and pretraining.

from tempfile import TemporaryDirectory

from deepcluster_sk import DeepTripletClusterer, TripletMargin
from deepcluster_sk.metrics import clustering_accuracy_scorer

with TemporaryDirectory() as folder:
    search = GridSearchCV(
        DeepTripletClusterer(
            n_clusters=10,
            pretraining=TripletMargin(epochs=5),
            max_epochs=8,
            tol=1.0,
            memory=folder,
            random_state=0,
        ),
        {"beta": [0.0, 3.0], "omega": [0.0, 0.1]},
        scoring=clustering_accuracy_scorer,
        cv=ShuffleSplit(n_splits=1, test_size=1 / 3, random_state=0),
        refit=False,
    ).fit(X, y)

# %%
# Results
# -------
# One split and one seed make a rough guess: differences of a few hundredths are
# chance. For a decision, use more splits and seeds, and ``n_jobs`` for more processes.

import matplotlib.pyplot as plt
import numpy as np

results = search.cv_results_
scores = np.array(results["mean_test_score"]).reshape(2, 2)
for setting, score in zip(results["params"], scores.flat, strict=True):
    print(setting, f"accuracy {score:.3f}")

fig, ax = plt.subplots(figsize=(4, 3), layout="constrained")
image = ax.imshow(scores, cmap="viridis")
ax.set_xticks([0, 1], ["0", "0.1"])
ax.set_yticks([0, 1], ["0", "3"])
ax.set_xlabel("omega (separation)")
ax.set_ylabel("beta (clustering)")
_ = fig.colorbar(image, label="accuracy on held-out images")

# %%
# Parts of the method have parameters of their own, which a grid may run over as well:
# ``{"pretraining__margin": [0.24, 1.0]}``.
#
# Without any labels, leave ``scoring`` out. The estimator's own ``score`` asks how well
# the clusters agree with a graph of held-out images that small distortions make alike.
# It never reads ``y``.
