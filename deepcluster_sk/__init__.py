"""Deep image clustering with a scikit-learn interface."""

from deepcluster_sk.methods.dec.estimator import DECClusterer
from deepcluster_sk.methods.depict.estimator import DepictClusterer
from deepcluster_sk.methods.triplet.estimator import DeepTripletClusterer
from deepcluster_sk.methods.variational.estimator import VariationalClusterer
from deepcluster_sk.metrics import (
    clustering_accuracy_score,
    clustering_accuracy_scorer,
    confusion,
)

__all__ = [
    "DECClusterer",
    "DeepTripletClusterer",
    "DepictClusterer",
    "VariationalClusterer",
    "clustering_accuracy_score",
    "clustering_accuracy_scorer",
    "confusion",
]
__version__ = "0.1.0"
