"""
Images that fit nowhere
=======================

:class:`~deepcluster_sk.VariationalClusterer` models how images come about, and can say
how likely an image is. The least likely ones are outliers.
"""

# %%
# Digits, and a few that are none
# -------------------------------
# Twenty digits are turned upside down in contrast or scrambled.

import numpy as np
from sklearn.datasets import load_digits

from deepcluster_sk import VariationalClusterer

rng = np.random.default_rng(0)
X = load_digits().images[:600].copy()
odd = rng.choice(len(X), 20, replace=False)
X[odd[:10]] = 16 - X[odd[:10]]
X[odd[10:]] = rng.permuted(X[odd[10:]].reshape(10, -1), axis=1).reshape(-1, 8, 8)

model = VariationalClusterer(
    n_clusters=10, max_epochs=25, tol=0.02, random_state=0
).fit(X)

# %%
# The least likely
# ----------------
# ``score_samples`` bounds the log-likelihood of each image, in nats.

import matplotlib.pyplot as plt

likelihood = model.score_samples(X)
is_odd = np.isin(np.arange(len(X)), odd)
least = np.argsort(likelihood)[:20]
print(f"{is_odd[least].sum()} of the 20 least likely images are odd ones")

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
bins = np.histogram_bin_edges(likelihood, 40)
ax.hist(likelihood[~is_odd], bins, label="digits", alpha=0.7)
ax.hist(likelihood[is_odd], bins, label="odd ones", alpha=0.7)
ax.set(xlabel="bound of the log-likelihood [nats]", ylabel="images", yscale="symlog")
_ = ax.legend()

# %%

from deepcluster_sk.plotting import ClustersDisplay

_ = ClustersDisplay.from_predictions(
    X[least], np.where(is_odd[least], "odd", "digit"), n_images=20
)
