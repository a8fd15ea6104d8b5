"""
A search on a cluster
=====================

Joblib can hand the fits of a search to the workers of a Dask cluster. This program
starts a small one on the local machine; with the address of a scheduler it uses that
one instead::

    python search_on_a_cluster.py scheduler:8786

It needs ``pip install "deepcluster-sk[distributed]"``.
"""

import sys
from tempfile import TemporaryDirectory

from distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from deepcluster_sk import DeepTripletClusterer, PseudoLabels


def search(folder):
    """Search over two weights of the loss, without labels."""
    model = DeepTripletClusterer(
        n_clusters=10,
        max_epochs=4,
        targets=PseudoLabels(n_updates=0),
        tol=1.0,  # four epochs need not settle
        device="cpu",
        memory=folder,  # for several machines: a folder that all of them see
        random_state=0,
    )
    return GridSearchCV(
        model,
        {"gamma": [0.01, 1.0], "omega": [0.1, 1.0]},
        cv=ShuffleSplit(n_splits=1, test_size=0.5, random_state=0),
    )


# Workers are new processes that import this file, so what starts them stands here.
if __name__ == "__main__":
    X = load_digits().images[:600]
    if len(sys.argv) > 1:
        client = Client(sys.argv[1])
    else:
        # One thread a worker: as many workers as cores fill a machine.
        client = Client(LocalCluster(n_workers=2, threads_per_worker=1))
    with client, TemporaryDirectory() as folder, parallel_config(backend="dask"):
        found = search(folder).fit(X)
    for setting, score in zip(
        found.cv_results_["params"], found.cv_results_["mean_test_score"], strict=True
    ):
        print(setting, f"score {score:.3f}")
    print("picked:", found.best_params_)
