"""Floors under the accuracy of the defaults, over seeds."""

import os
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.datasets import load_dataset
from deepcluster_sk.metrics import clustering_accuracy_score

#: Folder of .npz files; sets that do not come with scikit-learn are read from there.
DATA = os.environ.get("DEEPCLUSTER_SK_DATA")
SEEDS = range(5)


#: Accuracy at least, in the mean and with every seed.
FLOORS = {
    "digits": (0.98, 0.97),
    "usps": (0.98, 0.97),
    "cmu_pie": (0.99, 0.98),
    "coil20": (0.97, 0.96),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "digits",
        *(
            pytest.param(
                name,
                marks=pytest.mark.skipif(
                    DATA is None, reason="DEEPCLUSTER_SK_DATA unset"
                ),
            )
            for name in FLOORS
            if name != "digits"
        ),
    ],
)
def test_defaults_reach_the_floor_with_every_seed(name):
    if name == "digits":
        digits = load_digits()
        X, y = digits.images, digits.target
    else:
        X, y = load_dataset(name, folder=DATA)
    mean, worst = FLOORS[name]
    n_clusters = len(np.unique(y))
    accuracy = []
    for seed in SEEDS:
        model = DeepTripletClusterer(n_clusters, random_state=seed)
        with warnings.catch_warnings():
            # Anchored labels may still move a little as training ends.
            warnings.simplefilter("ignore", ConvergenceWarning)
            accuracy.append(clustering_accuracy_score(y, model.fit_predict(X)))
    assert np.mean(accuracy) >= mean, accuracy
    assert min(accuracy) >= worst, accuracy
