"""
Choosing the weights of the loss without labels
===============================================

Most collections of images come without labels, and the weights of a loss cannot be
chosen by the loss itself. The estimator's own ``score`` reads no labels and can be
compared between settings; here the true digits show how well it does.
"""

# %%
# Data
# ----
# 500 digits; the search holds out half of them, drawn at random, to judge each setting.

from sklearn.datasets import load_digits

X, y = load_digits().images[:500], load_digits().target[:500]

# %%
# A search without labels
# -----------------------
# With real data without labels, ``GridSearchCV(model, grid, cv=cv).fit(X)`` would do.
# This one records the accuracy as well, to be looked at afterwards: what is picked
# depends on the score alone. Some of the settings are bad on purpose. ``memory`` lets
# those that share start and pretraining compute them once.

from tempfile import TemporaryDirectory

from sklearn.model_selection import GridSearchCV, ShuffleSplit

from deepcluster_sk import (
    DeepTripletClusterer,
    PseudoLabels,
    SelfTraining,
    TripletMargin,
)
from deepcluster_sk.model_selection import get_scorer

grid = [
    {"beta": [0.0, 3.0]},
    {"gamma": [30.0]},
    {"init": ["kmeans", "random"], "targets": [SelfTraining()]},
]
with TemporaryDirectory() as folder:
    search = GridSearchCV(
        DeepTripletClusterer(
            n_clusters=10,
            pretraining=TripletMargin(epochs=15),
            max_epochs=6,
            targets=PseudoLabels(n_updates=0),
            tol=1.0,  # six epochs need not settle
            memory=folder,
            random_state=0,
        ),
        grid,
        scoring={
            "score": get_scorer("modularity"),
            "accuracy": get_scorer("clustering_accuracy"),
        },
        refit="score",
        cv=ShuffleSplit(n_splits=1, test_size=0.5, random_state=0),
    ).fit(X, y)
print("picked:", search.best_params_)

# %%
# Was it right?
# -------------
# Each point is a setting, judged on the same held-out half without labels and with.

import matplotlib.pyplot as plt

results = search.cv_results_
fig, ax = plt.subplots(figsize=(5.5, 3.5), layout="constrained")
for i, setting in enumerate(results["params"]):
    ax.scatter(
        results["mean_test_score"][i],
        results["mean_test_accuracy"][i],
        marker="*" if i == search.best_index_ else "o",
        label=", ".join(f"{name} {value}" for name, value in setting.items()),
    )
ax.set_xlabel("score (no labels)")
ax.set_ylabel("accuracy (labels)")
_ = ax.legend(fontsize=7, title="star: picked", title_fontsize=7)
