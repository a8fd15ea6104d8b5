"""What comes before there are clusters: settings to give as ``pretraining``."""

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from deepcluster_sk.training.strategy import WEIGHT, Strategy

#: Epochs of a phase, or as many as its number of optimiser steps needs.
EPOCHS = [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})]


class Reconstruction(Strategy):
    """Pretraining that rebuilds samples, and may separate them meanwhile.

    Parameters
    ----------
    epochs : int or "auto", default="auto"
        "auto" makes a number of optimiser steps that the method knows.
    omega : float, default=0.0
        Weight of the separation term (Eq. 5) beside the reconstruction. Only for
        :class:`~deepcluster_sk.DeepTripletClusterer`.
    margin : float, default=0.24
        Its margin, in squared distance on the unit sphere.
    from_views : bool, default=False
        Whether each image is rebuilt from an augmented view of it, in joint training as
        well. The latent then does not hold what views differ in. Nor does it hold light
        that a contrast normalisation takes away: images are rebuilt as the encoder sees
        them, except by :class:`~deepcluster_sk.VariationalClusterer`, which models
        images as they are. Not for :class:`~deepcluster_sk.DepictClusterer`, whose
        noise is dropout.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "epochs": EPOCHS,
        "omega": [WEIGHT],
        "margin": [WEIGHT],
        "from_views": ["boolean"],
    }

    def __init__(
        self,
        epochs: int | str = "auto",
        omega: float = 0.0,
        margin: float = 0.24,
        from_views: bool = False,
    ) -> None:
        self.epochs = epochs
        self.omega = omega
        self.margin = margin
        self.from_views = from_views
