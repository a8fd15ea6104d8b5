"""Parts of the triplet method as objects: its pretraining, and its negatives."""

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from deepcluster_sk.training.pretraining import EPOCHS
from deepcluster_sk.training.strategy import POSITIVE, WEIGHT, Strategy


class TripletMargin(Strategy):
    """Pretraining that tells each image, in two views, from the nearest of its batch.

    It does so by the triplet margin loss (Eq. 5), and does nothing else.

    Parameters
    ----------
    epochs : int or "auto", default="auto"
        "auto" makes about 600 optimiser steps, and 4 epochs at least.
    margin : float, default=1.0
        In squared distance on the unit sphere. The nearest of a batch is soon at the
        paper's 0.24, and nothing is learned beyond.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "epochs": EPOCHS,
        "margin": [WEIGHT],
    }

    def __init__(self, epochs: int | str = "auto", margin: float = 1.0) -> None:
        self.epochs = epochs
        self.margin = margin


class InstanceDiscrimination(Strategy):
    """Pretraining that tells each image from all others of its batch at once.

    It does so by the normalised, temperature-scaled cross-entropy (NT-Xent). The
    learning rate rises to ten times `lr` in each phase, with which networks with batch
    normalisation learn photographs best, unless `architecture` is a network of your
    own.

    Parameters
    ----------
    epochs : int or "auto", default="auto"
        "auto" makes about 2,000 optimiser steps, and 20 epochs at least.
    temperature : float, default=0.2
        The lower, the more the nearest of the others count.

    References
    ----------
    Chen et al. (2020), "A simple framework for contrastive learning of visual
    representations", arXiv:2002.05709.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "epochs": EPOCHS,
        "temperature": [POSITIVE],
    }

    def __init__(self, epochs: int | str = "auto", temperature: float = 0.2) -> None:
        self.epochs = epochs
        self.temperature = temperature


class DatasetNegatives(Strategy):
    """Negatives from the whole data set, chosen by the paper's Algorithm 1.

    Parameters
    ----------
    n_augmentations : int, default=10
        Views that measure an image's augmentation ball.
    literal : bool, default=False
        Whether to draw by the loop that is printed, which is slow, instead of for all
        images at once.

    References
    ----------
    arXiv:1901.06474, section 3.3.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_augmentations": [Interval(Integral, 1, None, closed="left")],
        "literal": ["boolean"],
    }

    def __init__(self, n_augmentations: int = 10, literal: bool = False) -> None:
        self.n_augmentations = n_augmentations
        self.literal = literal
