"""What a fit by graph settles before it computes anything."""

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray

from deepcluster_sk.augmentation.presets import AugmentationLike
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.runtime.seeding import Stage, Streams


@dataclass(frozen=True)
class GraphContext:
    """Data, device and seed of one fit: what every stage reads, and none writes.

    Attributes
    ----------
    rows : ndarray of shape (n, n_features)
        The samples, large images averaged down.
    given : RowLayout
        Layout in which they came.
    reader : SampleReader
        Their layout and scaling.
    augmentation : callable
    contrasts : tuple of str
        Contrast normalisations to choose from.
    bounds : (int, int)
        Fewest and most clusters.
    seed : int
        That every stage's streams are spawned from.
    device : torch.device
    """

    rows: NDArray[Any]
    given: RowLayout
    reader: SampleReader
    augmentation: AugmentationLike
    contrasts: tuple[str, ...]
    bounds: tuple[int, int]
    seed: int
    device: torch.device

    def streams(self, stage: Stage) -> Streams:
        """Random streams of a stage, at their beginning."""
        return Streams.of(self.seed, stage, self.device)

    def views(self, streams: Streams, rows: NDArray[Any]) -> Views:
        """Draw views of samples from the streams of a stage."""
        return Views(
            RowDataset(rows), self.reader, self.augmentation, streams.generator
        )
