"""Which network the triplet method trains, where nothing is said."""

from typing import Any

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.methods.triplet.strategies import InstanceDiscrimination


def architecture_of(clusterer: Any, strategy: Any, context: FitContext) -> Any:
    """Architecture of a clusterer that pretrains by a strategy.

    Images that are told from all others at once, as photographs are, take a residual
    network where there is a GPU to train it. A fitted network goes on as it is,
    wherever it was trained.
    """
    if clusterer.architecture != "auto":
        return clusterer.architecture
    if context.goes_on:
        return clusterer.net_.get_params_for("module")["architecture"]
    told_apart = isinstance(strategy, InstanceDiscrimination)
    affords_it = context.device.type == "cuda" and context.layout.is_image
    return "residual" if told_apart and affords_it else "auto"
