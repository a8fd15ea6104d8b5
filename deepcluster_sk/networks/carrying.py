"""Weights of a network carried over to one with other clusters."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray


def carried(
    weights: Mapping[str, torch.Tensor],
    cluster_axes: Mapping[str, int],
    origins: NDArray[np.int64],
) -> dict[str, torch.Tensor]:
    """Weights for a network whose clusters each go on from one of another's.

    Parameters
    ----------
    weights : mapping of str to Tensor
        Of the network that there is.
    cluster_axes : mapping of str to int
        Those that have an axis of clusters, and which.
    origins : ndarray of shape (n_clusters,), int64
        Cluster of the first network that each of the second goes on from.

    Returns
    -------
    dict of str to Tensor
    """
    chosen = torch.from_numpy(origins)
    return {
        name: tensor.index_select(cluster_axes[name], chosen.to(tensor.device))
        if name in cluster_axes
        else tensor
        for name, tensor in weights.items()
    }
