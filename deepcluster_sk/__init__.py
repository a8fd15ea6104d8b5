"""Deep image clustering with a scikit-learn interface.

Names are imported when they are first asked for, so that ``import deepcluster_sk``
and the command line's ``--help`` need not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "DECClusterer",
    "DatasetNegatives",
    "DeepTripletClusterer",
    "DepictClusterer",
    "FitCheckpoint",
    "FitInterruptedWarning",
    "ImageEmbedder",
    "InstanceDiscrimination",
    "ModelFileError",
    "NeighborGraphClusterer",
    "PseudoLabels",
    "Reconstruction",
    "SelfTraining",
    "StopPhase",
    "TEMIClusterer",
    "TripletMargin",
    "VariationalClusterer",
    "clustering_accuracy_score",
    "clustering_accuracy_scorer",
    "confusion",
    "load",
]
__version__ = "0.1.0"

if TYPE_CHECKING:
    # What type checkers and editors read; a test compares it with `_HOMES`.
    from deepcluster_sk.base.saving import load
    from deepcluster_sk.embedding.embedder import ImageEmbedder
    from deepcluster_sk.methods.dec.estimator import DECClusterer
    from deepcluster_sk.methods.depict.estimator import DepictClusterer
    from deepcluster_sk.methods.neighbor_graph.estimator import NeighborGraphClusterer
    from deepcluster_sk.methods.temi.estimator import TEMIClusterer
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
    from deepcluster_sk.persistence.checkpoint import FitCheckpoint
    from deepcluster_sk.persistence.files import ModelFileError
    from deepcluster_sk.runtime.interrupts import FitInterruptedWarning
    from deepcluster_sk.training.net import StopPhase
    from deepcluster_sk.training.pretraining import Reconstruction
    from deepcluster_sk.training.targets import PseudoLabels, SelfTraining
else:
    #: Module that each public name comes from.
    _HOMES = {
        "DECClusterer": "methods.dec.estimator",
        "DatasetNegatives": "methods.triplet.strategies",
        "DeepTripletClusterer": "methods.triplet.estimator",
        "DepictClusterer": "methods.depict.estimator",
        "FitCheckpoint": "persistence.checkpoint",
        "FitInterruptedWarning": "runtime.interrupts",
        "ImageEmbedder": "embedding.embedder",
        "InstanceDiscrimination": "methods.triplet.strategies",
        "ModelFileError": "persistence.files",
        "NeighborGraphClusterer": "methods.neighbor_graph.estimator",
        "PseudoLabels": "training.targets",
        "Reconstruction": "training.pretraining",
        "SelfTraining": "training.targets",
        "StopPhase": "training.net",
        "TEMIClusterer": "methods.temi.estimator",
        "TripletMargin": "methods.triplet.strategies",
        "VariationalClusterer": "methods.variational.estimator",
        "clustering_accuracy_score": "metrics",
        "clustering_accuracy_scorer": "metrics",
        "confusion": "metrics",
        "load": "base.saving",
    }
    #: Modules that are attributes of the package without an import of their own.
    _MODULES = ("datasets", "metrics", "model_selection", "plotting", "report")

    def __getattr__(name):
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value  # found at once the next time
        return value

    def __dir__():
        return sorted({*globals(), *_HOMES, *_MODULES})
