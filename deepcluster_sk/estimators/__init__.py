"""The scikit-learn faces of the methods."""

from deepcluster_sk.estimators._dec import DECClusterer
from deepcluster_sk.estimators._triplet import DeepTripletClusterer

__all__ = ["DECClusterer", "DeepTripletClusterer"]
