"""Photographs told apart by their patches, without a network.

Every small patch of an image is coded by the few words of a dictionary it is near to.
A linear map of the codes then brings together what occurs in one image: it is linear
discriminant analysis of the patches, every image a class of its own. An image is what
its mapped patches are on average in each cell of a grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

#: Images are shrunk to so many pixels on their shorter side.
IMAGE_SIDE = 32
PATCH_SIDE = 6
#: Pixels from one patch of an image to the next.
STRIDE = 2
N_WORDS = 2048
#: Share of the words a patch is coded by, on average.
ACTIVE_SHARE = 0.02
#: Dimensions a patch is mapped to.
PATCH_DIM = 128
#: Cells of the grid, on a side.
GRID = 4
#: Images to learn from, at most.
LEARNING_IMAGES = 6_000
#: Patches of each that words are drawn from, and that the map is learned from.
WORD_PATCHES, MAP_PATCHES = 10, 100
#: Added to the variances divided by, as a share of their mean: in a patch the faint
#: components are noise, in the codes they are words that stand for the same.
_PATCH_FLOOR, _CODE_FLOOR = 0.05, 1e-4
#: Squared length of a patch that shows something, as a share of their mean.
_BLANK_SHARE = 1e-4
_TINY = float(torch.finfo(torch.float32).eps)
#: Few enough that their codes stay in a processor's cache.
_CHUNK_IMAGES = 16


@dataclass(frozen=True)
class PatchFeatures:
    r"""Features of images by their patches.

    With :math:`x` a whitened patch and :math:`d_j` the words, all of unit length, the
    code is :math:`a_j = [x^T d_j > t]`, scaled to unit length; a blank patch, as the
    ground of a drawing is full of, is near to no word. The map P maximises

    .. math:: \operatorname{tr} P^T U P
        \quad \text{where} \quad P^T V P = I, \quad
        V = E[a a^T], \quad U = E[\bar a \bar a^T],

    with :math:`\bar a` the mean code of an image. Its first column, which is about the
    same for all patches, is left out.

    Attributes
    ----------
    side : int
        Pixels of a patch.
    mean : Tensor of shape (d,)
        Of the patches, each less its own mean; d is C * side * side.
    whitening : Tensor of shape (d, d)
    blank : float
        Squared length of a patch, less its own mean, up to which it is blank.
    words : Tensor of shape (n_words, d)
    threshold : float
    projection : Tensor of shape (n_words, patch_dim)

    References
    ----------
    Chen, Yun, Ma, Olshausen and LeCun (2022), "Minimalistic unsupervised learning with
    the sparse manifold transform", arXiv:2209.15261.
    Coates and Ng (2011), "The importance of encoding versus training with sparse coding
    and vector quantization".
    """

    side: int
    mean: torch.Tensor
    whitening: torch.Tensor
    blank: float
    words: torch.Tensor
    threshold: float
    projection: torch.Tensor

    @classmethod
    def learn(cls, images: torch.Tensor, generator: torch.Generator) -> PatchFeatures:
        """Find words and map of images.

        Parameters
        ----------
        images : Tensor of shape (n, C, H, W)
        generator : torch.Generator
            On the device of the images.

        Returns
        -------
        PatchFeatures
        """
        images = shrunk(images)
        side = min(PATCH_SIDE, *images.shape[2:])
        pool = _sampled_patches(images, side, WORD_PATCHES, generator).flatten(0, 1)
        lengths = pool.square().sum(1)
        blank = float(_BLANK_SHARE * lengths.mean())
        if (lengths > blank).any():
            pool = pool[lengths > blank]
        mean = pool.mean(0)
        covariance = (pool - mean).T @ (pool - mean) / len(pool)
        whitening = _inverse_root(covariance, _PATCH_FLOOR)
        order = torch.randperm(len(pool), generator=generator, device=pool.device)
        words = F.normalize((pool[order[:N_WORDS]] - mean) @ whitening, dim=1)
        learned = cls(side, mean, whitening, blank, words, 0.0, words)
        likeness = learned._likeness(pool[order[-N_WORDS:]]).flatten()
        n_active = max(1, round(ACTIVE_SHARE * len(likeness)))
        learned = replace(learned, threshold=float(likeness.topk(n_active).values[-1]))
        return replace(learned, projection=learned._best_map(images, generator))

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Features of images ``(n, C, H, W)``, ``(n, patch_dim * cells)``."""
        chunks = shrunk(images).split(_CHUNK_IMAGES)
        return torch.cat([self._features(chunk) for chunk in chunks])

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        patches = _patches(images, self.side, STRIDE)
        # Codes of any length will do: what they are mapped to is scaled anyway.
        mapped = F.normalize(self._words_near(patches) @ self.projection, dim=3)
        maps = mapped.permute(0, 3, 1, 2)
        cells = _averaged(maps, *(min(GRID, side) for side in maps.shape[2:]))
        return F.normalize(cells, dim=1).flatten(1)

    def _codes(self, patches: torch.Tensor) -> torch.Tensor:
        return F.normalize(self._words_near(patches), dim=-1)

    def _words_near(self, patches: torch.Tensor) -> torch.Tensor:
        near = self._likeness(patches) > self.threshold
        shown = patches.square().sum(-1, keepdim=True) > self.blank
        return (near & shown).float()

    def _likeness(self, patches: torch.Tensor) -> torch.Tensor:
        whitened = F.normalize((patches - self.mean) @ self.whitening, dim=-1)
        return whitened @ self.words.T

    def _best_map(
        self, images: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        moments, means = _SecondMoments(images.device), []
        for chunk in images.split(_CHUNK_IMAGES):
            patches = _sampled_patches(chunk, self.side, MAP_PATCHES, generator)
            codes = self._codes(patches)
            moments.add(codes.flatten(0, 1))
            means.append(codes.mean(1))
        mean_codes = torch.cat(means)
        u = (mean_codes.T @ mean_codes).cpu().double().numpy()
        v = moments.total() / codes.shape[1]
        v += (_CODE_FLOOR * v.trace() / len(v) + _TINY) * np.eye(len(v))
        last = len(v) - 1
        _, vectors = scipy.linalg.eigh(
            u, v, subset_by_index=(max(0, last - PATCH_DIM), last)
        )
        return torch.from_numpy(vectors[:, -2::-1].copy()).to(images)


def shrunk(images: torch.Tensor) -> torch.Tensor:
    """Shrink images whose shorter side is of more than 32 pixels.

    Parameters
    ----------
    images : Tensor of shape (n, C, H, W)

    Returns
    -------
    Tensor of shape (n, C, h, w)
    """
    shorter = min(images.shape[2:])
    if shorter <= IMAGE_SIDE:
        return images
    height, width = (round(side * IMAGE_SIDE / shorter) for side in images.shape[2:])
    return _averaged(images, height, width)


def _averaged(maps: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Means of ``(n, C, H, W)`` in height x width cells.

    As adaptive average pooling, which not every GPU has for cells of unequal size.
    """
    rows, columns = (
        F.adaptive_avg_pool1d(torch.eye(size), cells).to(maps)
        for size, cells in zip(maps.shape[2:], (height, width), strict=True)
    )
    return rows.T @ maps @ columns


def _patches(images: torch.Tensor, side: int, stride: int) -> torch.Tensor:
    """Patches less their own means, ``(n, rows, columns, C * side * side)``."""
    windows = images.unfold(2, side, stride).unfold(3, side, stride)
    patches = windows.permute(0, 2, 3, 1, 4, 5).flatten(3)
    return patches - patches.mean(3, keepdim=True)


def _sampled_patches(
    images: torch.Tensor, side: int, n_patches: int, generator: torch.Generator
) -> torch.Tensor:
    """Draw patches of each image, at the same places of a few images."""
    sampled = []
    for chunk in images.split(_CHUNK_IMAGES):
        patches = _patches(chunk, side, 1).flatten(1, 2)
        places = torch.randperm(
            patches.shape[1], generator=generator, device=patches.device
        )
        sampled.append(patches[:, places[:n_patches]])
    return torch.cat(sampled)


class _SecondMoments:
    """``codes.T @ codes``, block by block.

    Nearly all entries are zeros, of which a CPU is spared the products.
    """

    def __init__(self, device: torch.device) -> None:
        self.is_sparse = device.type == "cpu"
        self.blocks: list[Any] = []

    def add(self, codes: torch.Tensor) -> None:
        """Add a block of codes ``(n, n_words)``."""
        if self.is_sparse:
            dense = codes.numpy()
            rows, columns = np.divmod(np.flatnonzero(dense), dense.shape[1])
            entries = dense[rows, columns], (rows, columns)
            self.blocks.append(scipy.sparse.csr_matrix(entries, dense.shape))
        else:
            self.blocks = [sum(self.blocks) + codes.T @ codes]

    def total(self) -> NDArray[np.float64]:
        """Sum over all blocks, ``(n_words, n_words)``."""
        if self.is_sparse:
            codes = scipy.sparse.vstack(self.blocks)
            return (codes.T @ codes).toarray().astype(np.float64)
        return self.blocks[0].cpu().double().numpy()


def _inverse_root(matrix: torch.Tensor, floor: float) -> torch.Tensor:
    """Inverse square root of a covariance, raised by a share of its mean variance."""
    # In float64, which not every GPU has.
    values, vectors = torch.linalg.eigh(matrix.cpu().double())
    raised = (values + floor * values.mean()).clamp_min(_TINY)
    return ((vectors / raised.sqrt()) @ vectors.T).to(matrix)
