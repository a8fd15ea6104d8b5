"""What one fit settles before it trains."""

from dataclasses import dataclass

import numpy as np
import torch

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.runtime.caching import Streams


@dataclass
class Run:
    """What one fit has settled before training, for the holes of the template.

    Attributes
    ----------
    layout : RowLayout
    n_samples, batch_size : int
    device : torch.device
    precision : torch.dtype
    views : Views
        The samples, their augmentation, and the random numbers on the device.
    random_state : RandomState
        Of everything on the host.
    contrast : str
        Contrast normalisation the network sees samples under.
    photographs : bool
        Whether the samples are like photographs: images whose neighbours in pixels tell
        little, for a few hubs are near to all.
    """

    layout: RowLayout
    n_samples: int
    batch_size: int
    device: torch.device
    precision: torch.dtype
    views: Views
    random_state: np.random.RandomState
    contrast: str = "none"
    photographs: bool = False

    @property
    def streams(self) -> Streams:
        """All random numbers of the fit."""
        return Streams(self.random_state, self.views.generator)
