"""Neighbours among samples that augmentation makes alike.

Two images of one class are often far apart in pixels only because one is a little
turned or shifted. The distance used here is the smallest between one image and any
augmented view of the other, which sees through such changes without a trained network.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy.stats
import torch

from deepcluster_sk.augmentation.presets import AugmentationLike, apply_augmentation
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.networks.inference import ROW_MULTIPLE
from deepcluster_sk.runtime.device import by_device

#: Floats of one block of distances, at most: 4 MiB, which stay in a processor's cache
#: (against blocks of 64 MiB half the time), or 256 MiB elsewhere, where it takes longer
#: to start the work on a small block than to do it.
_BLOCK_FLOATS = (2**20, 2**26)
_CHUNK_ROWS = (1024, 4096)

Features = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class ComponentSettings:
    """Principal components of samples, in which distances are taken."""

    n_components: int = 48
    """Components kept: nearly all that tells small images apart. Not tuned; of the ten
    nearest of a digit, .978 are of its class so."""
    n_samples: int = 5_000
    """Samples that they are found on, at most: time. Not tuned."""


COMPONENTS = ComponentSettings()


@dataclass(frozen=True)
class PrincipalComponents:
    """Features of samples: principal components of what `prepare` makes of them.

    Attributes
    ----------
    prepare : callable
        From ``(n, *sample_shape)``; what it gives is flattened, to d numbers.
    mean : Tensor of shape (d,)
    basis : Tensor of shape (d, n_components)
    spread : Tensor of shape (n_components,) or None
        Standard deviations of the components, up to a common factor, where they are on
        record.
    """

    prepare: Features
    mean: torch.Tensor
    basis: torch.Tensor
    spread: torch.Tensor | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Features ``(n, n_components)`` of samples ``(n, *sample_shape)``."""
        return self.project(self.prepare(x).flatten(1))

    def project(self, prepared: torch.Tensor) -> torch.Tensor:
        """Features ``(n, n_components)`` of what `prepare` made, ``(n, d)``."""
        return (prepared - self.mean) @ self.basis

    def half_whitened(self) -> "PrincipalComponents":
        """Divide each component by the root of its standard deviation.

        Halfway between components as they vary and all of them varying alike.
        """
        assert self.spread is not None
        least = torch.finfo(self.spread.dtype).eps
        share = (self.spread / self.spread[:1].clamp_min(least)).clamp_min(least)
        return replace(self, basis=self.basis / share.sqrt(), spread=share.sqrt())


@dataclass(frozen=True)
class SeveralFeatures:
    """Features of several kinds, side by side.

    Where neighbours are linked, each kind has its own graph, and these are summed.

    Attributes
    ----------
    kinds : tuple of callable
    """

    kinds: tuple[Features, ...]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Features ``(n, d)`` of samples ``(n, *sample_shape)``, all kinds together."""
        return torch.cat([kind(x) for kind in self.kinds], 1)


class Neighbors(NamedTuple):
    """Nearest references of each query, nearest first.

    Attributes
    ----------
    indices : Tensor of shape (n_queries, k), int64
    distances : Tensor of shape (n_queries, k), float32
    """

    indices: torch.Tensor
    distances: torch.Tensor


@dataclass(frozen=True)
class Views:
    """Samples of a data set, and augmented views of them, as features.

    Attributes
    ----------
    dataset : RowDataset
    reader : SampleReader
    augmentation : callable
    generator : torch.Generator
        Of the augmentation; its device is the one computed on.
    """

    dataset: RowDataset
    reader: SampleReader
    augmentation: AugmentationLike
    generator: torch.Generator

    def draw(
        self, features: Features, indices: torch.Tensor, augment: bool = False
    ) -> torch.Tensor:
        """Features of rows `indices`, or of an augmented view of each.

        Returns
        -------
        Tensor of shape (len(indices), d), float32
        """
        return torch.cat([features(x) for x in self._batches(indices, augment)])

    def stack(
        self, features: Features, indices: torch.Tensor, n_views: int
    ) -> list[torch.Tensor]:
        """Features of the samples themselves, then of `n_views` augmented views."""
        return [
            self.draw(features, indices),
            *(self.draw(features, indices, augment=True) for _ in range(n_views)),
        ]

    def principal_components(
        self, prepare: Features, settings: ComponentSettings = COMPONENTS
    ) -> PrincipalComponents:
        """Find the principal components of what `prepare` makes of the samples.

        Parameters
        ----------
        prepare : callable
            From ``(n, *sample_shape)``; what it gives is flattened.
        settings : ComponentSettings

        Returns
        -------
        PrincipalComponents
        """
        order = torch.randperm(
            len(self.dataset), generator=self.generator, device=self.generator.device
        )
        sample = self.draw(prepare, order[: settings.n_samples]).flatten(1)
        mean = sample.mean(0)
        width = min(settings.n_components, *sample.shape)
        _, spread, basis = torch.pca_lowrank(sample - mean, width, center=False)
        return PrincipalComponents(prepare, mean, basis, spread)

    def _batches(self, indices: torch.Tensor, augment: bool) -> Iterator[torch.Tensor]:
        device = self.generator.device
        for chunk in indices.split(by_device(device, *_CHUNK_ROWS)):
            batch = self.reader.read(self.dataset.fetch(chunk), device)
            if augment:
                batch = apply_augmentation(self.augmentation, batch, self.generator)
            yield batch


def hubness(neighbors: Neighbors, n_references: int) -> float:
    r"""Skewness of how often each reference is a neighbour.

    .. math:: \frac{1}{n} \sum_j \left( \frac{N_j - k}{\sigma_N} \right)^3

    with N_j the queries that reference j is a neighbour of. Where distances tell what
    is alike it is about 1 or less; where they do not, a few hubs are near to all.

    Parameters
    ----------
    neighbors : Neighbors
    n_references : int

    Returns
    -------
    float
        0 where every reference is a neighbour equally often.

    References
    ----------
    Radovanovic, Nanopoulos and Ivanovic (2010), "Hubs in space: popular nearest
    neighbors in high-dimensional data".
    """
    found = neighbors.indices.flatten().cpu().numpy()
    counts = np.bincount(found, minlength=n_references)
    return float(scipy.stats.skew(counts)) if np.ptp(counts) else 0.0


def view_neighbors(
    queries: torch.Tensor,
    references: Sequence[torch.Tensor],
    k: int,
    same: bool = False,
) -> Neighbors:
    r"""Nearest references, each at the distance of its nearest view.

    .. math:: d(i, j) = \min_v \lVert x_i - y_j^{(v)} \rVert

    Parameters
    ----------
    queries : Tensor of shape (n_queries, d)
    references : sequence of Tensor of shape (n_references, d)
        Views of the references.
    k : int
    same : bool, default=False
        Whether queries and references are the same samples; then none is its own
        neighbour.

    Returns
    -------
    Neighbors
    """
    squares = [view.square().sum(1) for view in references]
    # Blocks of whole multiples, so that a query's result does not depend on the others.
    n_floats = by_device(queries.device, *_BLOCK_FLOATS)
    block = max(1, n_floats // len(references[0]) // ROW_MULTIPLE) * ROW_MULTIPLE
    indices, distances = [], []
    for start in range(0, len(queries), block):
        chunk = queries[start : start + block]
        nearest: torch.Tensor | None = None
        for view, square in zip(references, squares, strict=True):
            gap = torch.addmm(square[None], chunk, view.T, alpha=-2)
            nearest = (
                gap if nearest is None else torch.minimum(nearest, gap, out=nearest)
            )
        assert nearest is not None
        nearest += chunk.square().sum(1, keepdim=True)
        if same:
            rows = torch.arange(len(chunk), device=chunk.device)
            nearest[rows, rows + start] = torch.inf
        value, index = nearest.topk(k, dim=1, largest=False)
        indices.append(index)
        distances.append(value.clamp_min_(0).sqrt_())
    return Neighbors(torch.cat(indices), torch.cat(distances))
