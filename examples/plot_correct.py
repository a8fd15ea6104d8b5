"""
Correcting clusters by hand
===========================

Nine clusters of ten digits: one of them has two kinds. Somebody who looks at them sees
it, splits that one, names the parts, and the model learns it in a short training.
"""

# %%
# Fit, and look
# -------------

import numpy as np
from sklearn.datasets import load_digits

from deepcluster_sk import DECClusterer, Reconstruction, clustering_accuracy_score
from deepcluster_sk.plotting import ClustersDisplay

X, y = load_digits().images[:800], load_digits().target[:800]
short = {"pretraining": Reconstruction(epochs=15), "max_epochs": 10, "tol": 0.02}
model = DECClusterer(n_clusters=9, init="graph", targets="pseudo-labels", **short)
model.set_params(random_state=0).fit(X)
_ = ClustersDisplay.from_estimator(model, X)

# %%
# Split, and name
# ---------------
# The digits are asked here which cluster holds two of them; a reader would look.

most = [np.bincount(model.labels_[y == digit]).argmax() for digit in range(10)]
shared = np.bincount(most).argmax()
model.split(shared, X)

digit_of = [np.bincount(y[model.labels_ == k]).argmax() for k in range(10)]
model.rename([f"digit {digit}" for digit in digit_of])
_ = ClustersDisplay.from_estimator(model, X)

# %%
# Tell a few labels
# -----------------
# Of the images most in doubt somebody says which cluster they belong to.

rows = model.doubtful(X, n=40)
known = np.full(len(X), -1)
known[rows] = np.argsort(digit_of)[y[rows]]  # the cluster of the digit that one sees
before = model.predict(X)
model.set_params(warm_start=True).fit_with_labels(X, known)

for labels in (before, model.labels_):
    print(f"{clustering_accuracy_score(y, labels):.1%} right")
print(model.cluster_names_)
