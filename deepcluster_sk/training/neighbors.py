"""Neighbours among images that augmentation makes alike.

Two images of one class are often far apart in pixels only because one is a little
turned or shifted. The distance used here is the smallest between one image and any
augmented view of the other, which sees through such changes without a trained network.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from deepcluster_sk.training.augmentation import AugmentationLike, apply_augmentation
from deepcluster_sk.training.batches import RowDataset, SampleReader

#: Principal components kept; they hold nearly all that tells small images apart.
N_COMPONENTS = 48
#: Rows the components are found on, at most.
PCA_ROWS = 5000
#: Floats of one block of distances, at most: 64 MiB.
_BLOCK_FLOATS = 2**24
_CHUNK_ROWS = 1024


class Neighbors(NamedTuple):
    """Nearest references of each query, nearest first.

    Attributes
    ----------
    indices : Tensor of shape (n_queries, k), int64
    distances : Tensor of shape (n_queries, k), float32
    """

    indices: torch.Tensor
    distances: torch.Tensor


@dataclass
class ViewProjector:
    """Images and augmented views of them as principal components of pixels.

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
    mean: torch.Tensor = field(init=False)
    basis: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        device = self.generator.device
        order = torch.randperm(
            len(self.dataset), generator=self.generator, device=device
        )
        sample = torch.cat(list(self._read(order[:PCA_ROWS])))
        self.mean = sample.mean(0)
        width = min(N_COMPONENTS, *sample.shape)
        _, _, self.basis = torch.pca_lowrank(sample - self.mean, width, center=False)

    def project(self, indices: torch.Tensor, augment: bool = False) -> torch.Tensor:
        """Components of rows `indices`, or of an augmented view of each.

        Returns
        -------
        Tensor of shape (len(indices), n_components), float32
        """
        chunks = self._read(indices, augment)
        return torch.cat([(chunk - self.mean) @ self.basis for chunk in chunks])

    def views(self, indices: torch.Tensor, n_views: int) -> list[torch.Tensor]:
        """Project the images themselves, and `n_views` augmented views of them."""
        return [
            self.project(indices),
            *(self.project(indices, augment=True) for _ in range(n_views)),
        ]

    def _read(
        self, indices: torch.Tensor, augment: bool = False
    ) -> Iterator[torch.Tensor]:
        for chunk in indices.split(_CHUNK_ROWS):
            batch = self.reader.read(self.dataset.fetch(chunk), self.generator.device)
            if augment:
                batch = apply_augmentation(self.augmentation, batch, self.generator)
            yield batch.flatten(1)


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
        Whether queries and references are the same images; then none is its own
        neighbour.

    Returns
    -------
    Neighbors
    """
    squares = [view.square().sum(1) for view in references]
    block = max(1, _BLOCK_FLOATS // len(references[0]))
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
