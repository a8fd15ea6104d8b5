"""The scikit-learn faces of the methods."""

from deepcluster_sk.estimators._dec import DECClusterer
from deepcluster_sk.estimators._depict import DepictClusterer
from deepcluster_sk.estimators._triplet import DeepTripletClusterer
from deepcluster_sk.estimators._variational import VariationalClusterer

__all__ = [
    "DECClusterer",
    "DeepTripletClusterer",
    "DepictClusterer",
    "VariationalClusterer",
]
