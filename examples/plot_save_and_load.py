"""
Keeping a model
===============

A fitted model is one file of numbers and JSON, which runs nothing when it is read. The
machine that reads it needs neither the images it was fitted on nor the same device.
"""

# %%
# Fit and save
# ------------

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.datasets import load_digits

import deepcluster_sk
from deepcluster_sk import DepictClusterer

X = load_digits().images[:600]
model = DepictClusterer(n_clusters=10, max_epochs=10, tol=0.02, random_state=0).fit(X)

with TemporaryDirectory() as folder:
    path = Path(folder, "digits.safetensors")
    model.save(path)
    print(f"{path.stat().st_size / 1e6:.1f} MB")
    again = deepcluster_sk.load(path)

# %%
# The same to the last bit
# ------------------------

X_new = load_digits().images[600:]
print(np.array_equal(again.predict_proba(X_new), model.predict_proba(X_new)))
print(again.summary())

# %%
# What it keeps of the images
# ---------------------------
# Their centres, decoded: an average image of each cluster. Mind that before a model of
# private pictures is shared.

from deepcluster_sk.plotting import CentersDisplay

_ = CentersDisplay.from_estimator(again)
