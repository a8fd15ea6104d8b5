"""Deep image clustering with a scikit-learn interface."""

from deepcluster_sk.methods.dec.estimator import DECClusterer
from deepcluster_sk.methods.depict.estimator import DepictClusterer
from deepcluster_sk.methods.triplet.estimator import DeepTripletClusterer
from deepcluster_sk.methods.triplet.strategies import (
    DatasetNegatives,
    InstanceDiscrimination,
    TripletMargin,
)
from deepcluster_sk.methods.variational.estimator import VariationalClusterer
from deepcluster_sk.metrics import (
    clustering_accuracy_score,
    clustering_accuracy_scorer,
    confusion,
)
from deepcluster_sk.training.net import StopPhase
from deepcluster_sk.training.pretraining import Reconstruction
from deepcluster_sk.training.targets import PseudoLabels, SelfTraining

__all__ = [
    "DECClusterer",
    "DatasetNegatives",
    "DeepTripletClusterer",
    "DepictClusterer",
    "InstanceDiscrimination",
    "PseudoLabels",
    "Reconstruction",
    "SelfTraining",
    "StopPhase",
    "TripletMargin",
    "VariationalClusterer",
    "clustering_accuracy_score",
    "clustering_accuracy_scorer",
    "confusion",
]
__version__ = "0.1.0"
