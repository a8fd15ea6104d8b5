"""What a fit settles before it computes anything."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from deepcluster_sk.augmentation.presets import AugmentationLike
from deepcluster_sk.counting.profile import ClusterCount
from deepcluster_sk.data.batches import RowDataset, SampleReader, n_batches
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.contest import Appearance
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.persistence.checkpoint import FitRecord
from deepcluster_sk.runtime.caching import cached
from deepcluster_sk.runtime.interrupts import Interrupts
from deepcluster_sk.runtime.progress import Progress
from deepcluster_sk.runtime.seeding import Stage, Streams
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.objectives import Objective

T = TypeVar("T")

#: Epochs at most, where nothing else is said: small sets have been seen enough then.
MOST_EPOCHS = 60


@dataclass(frozen=True)
class GoingOnSettings:
    """How long a fitted network is trained further.

    The trials are in ``benchmarks/notes/training.md``, under "Going on".
    """

    share: float = 1 / 4
    """Of the optimiser steps of joint training from the start."""
    min_epochs: int = 2
    """Epochs at least: labels that were corrected have to be learned."""


GOING_ON = GoingOnSettings()


@dataclass(frozen=True)
class FitContext:
    """Data, device and seed of one fit: what every stage reads, and none writes.

    Attributes
    ----------
    dataset : RowDataset
        The samples, large images averaged down.
    reader : SampleReader
        Their layout and scaling.
    given : RowLayout
        Layout in which they came.
    n_clusters, batch_size : int
    device : torch.device
    precision : torch.dtype
    seed : int
        That every stage's streams are spawned from.
    interrupts : Interrupts
        Whether the fit has been interrupted meanwhile.
    record : FitRecord
        What this fit has computed so far, and what an earlier one had that was killed.
    progress : Progress
        Told of every stage.
    count : ClusterCount or None
        How `n_clusters` was found; None where it was given, or is still to be found.
    known : ndarray of shape (n_samples,), int64, or None
        Clusters of the samples whose cluster is known; -1 of the others.
    latent_dim : int or None
        Of a network that is there already.
    goes_on : bool
        Whether a fitted network is trained further, which takes less.
    holds : bool
        Whether samples are held to the labels they begin with, whatever the targets
        are. Targets that the network makes of its own assignments would know nothing of
        a correction, and would take new samples of a few clusters for the whole.
    """

    dataset: RowDataset
    reader: SampleReader
    given: RowLayout
    n_clusters: int
    batch_size: int
    device: torch.device
    precision: torch.dtype
    seed: int
    interrupts: Interrupts = field(default_factory=Interrupts)
    record: FitRecord = field(default_factory=FitRecord)
    progress: Progress = field(default_factory=Progress)
    count: ClusterCount | None = None
    known: Labels | None = None
    latent_dim: int | None = None
    goes_on: bool = False
    holds: bool = False

    @property
    def layout(self) -> RowLayout:
        """Layout of the samples as the network sees them."""
        return self.reader.layout

    @property
    def n_samples(self) -> int:
        """Samples in the data set."""
        return len(self.dataset)

    @property
    def appearance(self) -> Appearance | None:
        """How samples were seen as clusters were counted; None where they were not."""
        return None if self.count is None else self.count.appearance

    def streams(self, stage: Stage) -> Streams:
        """Random streams of a stage, at their beginning."""
        return Streams.of(self.seed, stage, self.device)

    def views(self, augmentation: AugmentationLike, streams: Streams) -> Views:
        """Draw views of the samples from the streams of a stage."""
        return Views(self.dataset, self.reader, augmentation, streams.generator)

    def epochs(self, steps: int, least: int, most: int = MOST_EPOCHS) -> int:
        """Epochs that make about so many optimiser steps, within bounds.

        Large data sets are seen at least, small ones at most so often.
        """
        if self.goes_on:
            steps, least = round(steps * GOING_ON.share), GOING_ON.min_epochs
        epochs = round(steps / n_batches(self.n_samples, self.batch_size))
        return max(least, min(most, epochs))

    def kept(
        self, memory: Any, stage: Stage, key: dict[str, Any], compute: Callable[[], T]
    ) -> T:
        """Compute a stage, unless it is in a cache or on record."""
        return self.record.stage(stage, lambda: cached(memory, stage, key, compute))

    def run_phase(
        self, net: ClusteringNet, objective: Objective, epochs: int, streams: Streams
    ) -> None:
        """Train a net on the samples, by one objective."""
        net.run_phase(
            objective,
            self.dataset,
            epochs,
            streams,
            self.interrupts,
            self.record,
            self.progress,
        )
