"""Deep image clustering with a scikit-learn interface."""

from deepcluster_sk.estimators import (
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    VariationalClusterer,
)
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
__version__ = "0.1.0.dev0"
