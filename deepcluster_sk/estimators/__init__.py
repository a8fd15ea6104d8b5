"""The scikit-learn faces of the methods."""

from deepcluster_sk.estimators._triplet import DeepTripletClusterer

__all__ = ["DeepTripletClusterer"]
