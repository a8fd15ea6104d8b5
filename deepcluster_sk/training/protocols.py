"""What the engine asks of a network, and what objectives may ask of the engine."""

from typing import Any, ClassVar, Protocol

import torch

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.networks.clustering import Embedding
from deepcluster_sk.runtime.seeding import Streams


class ClusteringModule(Protocol):
    """Network of a method: what every phase and every fitted estimator asks of it.

    ``forward`` is between a network and its objective, and is not listed here.
    """

    latent_dim: int
    #: Weights that have an axis of clusters, and which.
    cluster_axes: ClassVar[dict[str, int]]

    @property
    def cluster_centers(self) -> torch.Tensor:
        """Centres of the clusters, ``(n_clusters, latent_dim)``."""

    def set_centers(self, centers: torch.Tensor) -> None:
        """Place the clusters, ``(n_clusters, latent_dim)``."""

    def reseed(self, cluster: int, seeds: torch.Tensor, others: torch.Tensor) -> None:
        """Let one cluster begin anew.

        Parameters
        ----------
        cluster : int
        seeds : Tensor of shape ``(m, *sample_shape)``
            Samples that it is to take, most of them from one other cluster.
        others : Tensor of shape ``(k, *sample_shape)``
            Samples that are to stay with that one, if any.
        """

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Embed samples ``(n, *sample_shape)``, as ``(n, latent_dim)``."""

    def embed(self, x: torch.Tensor) -> Embedding:
        """Latent vectors and log assignments of samples, in evaluation."""


class TrainedNet(Protocol):
    """The net that runs a phase, as objectives see it."""

    module_: Any
    reader: SampleReader
    precision: torch.dtype
    #: Optimiser steps of the running phase.
    phase_steps_: int

    @property
    def torch_device(self) -> torch.device:
        """Device the module is on."""

    def embed(self, dataset: RowDataset) -> Embedding:
        """Latent vectors and assignments of a whole data set, on the device."""


class PhaseRecord(Protocol):
    """Who keeps the state of a running phase, to go on from after a kill."""

    def resume(self, net: Any, streams: Streams) -> int:
        """Bring a phase that has begun to where it was; epochs that are over."""

    def epoch_ended(self, net: Any, streams: Streams) -> None:
        """Keep the state, if it is time."""
