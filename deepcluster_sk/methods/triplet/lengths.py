"""How long the triplet method trains, where nothing else is said."""

from typing import Any

import numpy as np

from deepcluster_sk.base.context import MOST_EPOCHS, FitContext
from deepcluster_sk.base.start import Start
from deepcluster_sk.methods.triplet.strategies import (
    InstanceDiscrimination,
    TripletMargin,
)
from deepcluster_sk.training.pretraining import Reconstruction
from deepcluster_sk.training.targets import PseudoLabels, SelfTraining

#: Optimiser steps of each kind of pretraining, and epochs at least. Telling single
#: images apart takes more of them than telling clusters apart.
PRETRAINING = {
    Reconstruction: (100, 1),
    TripletMargin: (600, 4),
    InstanceDiscrimination: (2_000, 20),
}
#: With a residual network, which has more to learn; and epochs at most.
RESIDUAL = (20_000, 20, 100)
#: Rebuilding images from their views takes longer, as there is more to learn.
FROM_VIEWS = (1_680, 1)
#: Optimiser steps of joint training. Of photographs, whose views differ more, the
#: network would forget part of the start in as few as serve others.
JOINT, PHOTOGRAPHS = 450, 900
#: And by the network's own targets, which come into being meanwhile.
SELF_TRAINING = 860
#: Epochs of joint training, at least.
LEAST = 8
#: Epochs at most of a few drawings, and drawings for each epoch where there are more.
#: Of 300 digits, USPS, clothes and MNIST thirty do what sixty did.
OF_FEW, IMAGES_AN_EPOCH = 30, 15
#: Clusters up to which no more steps are needed, and how many times more at most.
FEW_CLUSTERS, MOST_TIMES = 10, 3.0


def pretraining_epochs(
    strategy: Reconstruction | TripletMargin | InstanceDiscrimination,
    context: FitContext,
    architecture: Any,
) -> int:
    """Epochs of pretraining, by its strategy and the network."""
    if strategy.epochs != "auto":
        return int(strategy.epochs)
    if isinstance(strategy, InstanceDiscrimination) and architecture == "residual":
        return context.epochs(*RESIDUAL)
    steps, least = PRETRAINING[type(strategy)]
    if isinstance(strategy, Reconstruction) and strategy.from_views:
        steps, least = FROM_VIEWS
    if isinstance(strategy, TripletMargin):
        return context.epochs(steps, least, epochs_at_most(context.n_samples))
    return context.epochs(steps, least)


def epochs_at_most(n_samples: int) -> int:
    """Epochs on drawings at most: the fewer there are, the fewer."""
    return int(np.clip(n_samples // IMAGES_AN_EPOCH, OF_FEW, MOST_EPOCHS))


def joint_epochs(
    max_epochs: int | str,
    targets: PseudoLabels | SelfTraining,
    start: Start,
    context: FitContext,
) -> int:
    """Epochs of joint training at most; more clusters take longer to tell apart."""
    if max_epochs != "auto":
        return int(max_epochs)
    steps = PHOTOGRAPHS if start.are_photographs else JOINT
    if isinstance(targets, SelfTraining):
        steps = max(steps, SELF_TRAINING)
    times = min(MOST_TIMES, max(1.0, np.sqrt(context.n_clusters / FEW_CLUSTERS)))
    steps = round(steps * times)
    if start.image_kind == "drawing" and isinstance(targets, PseudoLabels):
        return context.epochs(steps, LEAST, epochs_at_most(context.n_samples))
    return context.epochs(steps, LEAST)
