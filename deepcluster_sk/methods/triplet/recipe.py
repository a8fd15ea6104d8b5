"""The paper's own recipe: what its text says, and how it is read where it is silent."""

from typing import Any

from deepcluster_sk.methods.triplet.strategies import DatasetNegatives
from deepcluster_sk.training.pretraining import Reconstruction
from deepcluster_sk.training.targets import SelfTraining

#: The system of the paper, without any graph, trained by its own targets (Eq. 3).
PAPER: dict[str, Any] = {
    "beta": 0.8,
    "init": "mixture",
    "augmentation": "distorted",
    "pretraining": Reconstruction(omega=0.3, from_views=True),
    "targets": SelfTraining(),
}
#: Weights that the paper has for its deep network.
DEEP: dict[str, Any] = {"beta": 0.7, "omega": 0.3, "margin": 0.3}
#: To the letter, but for the sign and the sums of its equations: one view, which only
#: the separation term sees; a latent without bounds; the printed loop for negatives.
LITERAL: dict[str, Any] = {
    "beta": 0.8,
    "init": "kmeans",
    "module__contrast": "none",
    "module__radius": None,
    "module__kernel_power": 1,
    "n_views": 1,
    "negatives": DatasetNegatives(literal=True),
    "pretraining": Reconstruction(3),
    "targets": SelfTraining(on_views=False),
    "max_epochs": 20,
    "callbacks__lr_decay": None,
}
