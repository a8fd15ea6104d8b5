"""Photographs told apart by their patches, without a network.

Every small patch of an image is coded by the few words of a dictionary it is near to.
A linear map of the codes then brings together what occurs in one image: it is linear
discriminant analysis of the patches, every image a class of its own. An image is what
its mapped patches are on average in each cell of a grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from deepcluster_sk.runtime.device import by_device

#: Images are shrunk to so many pixels on their shorter side: all trials were of 32x32.
IMAGE_SIDE = 32
_TINY = float(torch.finfo(torch.float32).eps)
#: Few enough that their codes stay in a processor's cache, or enough for a GPU:
#: a multiple of the images whose patches are drawn at the same places.
_CHUNK_IMAGES = (16, 128)
_SAME_PLACES = 16


@dataclass(frozen=True)
class PatchSettings:
    """How images are described by their patches.

    The trials are in ``benchmarks/notes/photographs.md``, under "Patches and latent
    together". Figures are of CIFAR-10: the share of the ten nearest that are of the
    same class, or the NMI of a partition of patches and latent together.
    """

    grey: bool = False
    """Whether images are looked at without their colours."""
    shrinkage: int = 1
    """How many times smaller images are looked at, of 32 pixels at first."""
    side: int = 6
    """Pixels of a patch. NMI .30 with 8, .33 with 5 and 6."""
    stride: int = 2
    """Pixels from one patch to the next. At 1 a share of .47 instead of .44, in five
    times the time; NMI .33 both."""
    n_words: int = 2_048
    """Words of the dictionary. 512, 1,024, 2,048: .44, .46, .47; NMI .329, .332,
    .337."""
    active_share: float = 0.02
    """Share of the words a patch is coded by, on average. .01 and .04: .43 and .44; NMI
    .32 and .335 instead of .33."""
    n_dimensions: int = 128
    """Dimensions a patch is mapped to. 32, 64 and 256: .45, .47, .46; no gain."""
    grid: int = 4
    """Cells on a side that mapped patches are averaged in. 1, 2, 3: .36, .42, .46; 4, 5
    and 6 no difference, .47."""
    n_images: int = 6_000
    """Images to learn from, at most. 12,000: no difference."""
    word_patches: int = 10
    """Patches of each image that words are drawn from; not tuned."""
    map_patches: int = 100
    """Patches of each image that the map is learned from. 40: .44 instead of .45."""
    spread_patches: int = 100_000
    """Patches in all, at most, that V is estimated from: fifty for each of its rows.
    Not tuned. With a hundred of each image the start of 4,000 USPS takes 1.6 times as
    long."""
    n_components: int = 256
    """Principal components of the features. 64, 128, 256: NMI .32, .33, .33, as with
    all."""
    patch_floor: float = 0.05
    """Added to the variances of patches that are divided by, as a share of their mean:
    the faint components are noise. Not tuned."""
    code_floor: float = 1e-4
    """The same of the codes, whose faint components are words that stand for the same.
    Not tuned."""
    blank_share: float = 1e-4
    """Squared length of a patch that shows something, as a share of their mean. With
    blank patches counted, MNIST's ground was one word, and the graph noise."""


PATCHES = PatchSettings()


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
    projection : Tensor of shape (n_words, n_dimensions)
        Of fewer words or images, one column less than the fewer of them at most.
    settings : PatchSettings

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
    settings: PatchSettings = PATCHES

    @classmethod
    def learn(
        cls,
        images: torch.Tensor,
        generator: torch.Generator,
        settings: PatchSettings = PATCHES,
    ) -> PatchFeatures:
        """Find words and map of images.

        Parameters
        ----------
        images : Tensor of shape (n, C, H, W)
        generator : torch.Generator
            On the device of the images.
        settings : PatchSettings

        Returns
        -------
        PatchFeatures
        """
        images = looked_at(images, settings)
        side = min(settings.side, *images.shape[2:])
        pool = _sampled_patches(images, side, settings.word_patches, generator).flatten(
            0, 1
        )
        lengths = pool.square().sum(1)
        blank = float(settings.blank_share * lengths.mean())
        if (lengths > blank).any():
            pool = pool[lengths > blank]
        mean = pool.mean(0)
        covariance = (pool - mean).T @ (pool - mean) / len(pool)
        whitening = _inverse_root(covariance, settings.patch_floor)
        order = torch.randperm(len(pool), generator=generator, device=pool.device)
        n_words = settings.n_words
        words = F.normalize((pool[order[:n_words]] - mean) @ whitening, dim=1)
        learned = cls(side, mean, whitening, blank, words, 0.0, words, settings)
        likeness = learned._likeness(pool[order[-n_words:]]).flatten()
        n_active = max(1, round(settings.active_share * len(likeness)))
        learned = replace(learned, threshold=float(likeness.topk(n_active).values[-1]))
        return replace(learned, projection=learned._best_map(images, generator))

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Features of images ``(n, C, H, W)``, ``(n, n_dimensions * cells)``."""
        chunks = _chunks(looked_at(images, self.settings))
        return torch.cat([self._features(chunk) for chunk in chunks])

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        patches = _patches(images, self.side, self.settings.stride)
        # Codes of any length will do: what they are mapped to is scaled anyway.
        mapped = F.normalize(self._words_near(patches) @ self.projection, dim=3)
        maps = mapped.permute(0, 3, 1, 2)
        cells = _averaged(maps, *(min(self.settings.grid, n) for n in maps.shape[2:]))
        return F.normalize(cells, dim=1).flatten(1)

    def _codes(self, patches: torch.Tensor) -> torch.Tensor:
        near = self._words_near(patches)
        return near.mul_(near.sum(-1, keepdim=True).clamp_min(1).rsqrt())

    def _words_near(self, patches: torch.Tensor) -> torch.Tensor:
        near = self._likeness(patches).gt_(self.threshold)
        return near.mul_(patches.square().sum(-1, keepdim=True) > self.blank)

    def _likeness(self, patches: torch.Tensor) -> torch.Tensor:
        whitened = F.normalize((patches - self.mean) @ self.whitening, dim=-1)
        return whitened @ self.words.T

    def _best_map(
        self, images: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        settings, moments, means = self.settings, _SecondMoments(images.device), []
        n_spread = math.ceil(settings.spread_patches / len(images))
        for chunk in _chunks(images):
            patches = _sampled_patches(
                chunk, self.side, settings.map_patches, generator
            )
            codes = self._codes(patches)
            spread = codes[:, :n_spread]  # the places are in random order
            moments.add(spread.flatten(0, 1))
            means.append(codes.mean(1))
        v = moments.total() / spread.shape[1]
        v += (settings.code_floor * v.trace() / len(v) + _TINY) * np.eye(len(v))
        vectors = _most_spread(torch.cat(means), v, settings.n_dimensions + 1)
        return torch.from_numpy(vectors[:, -2::-1].copy()).to(images)


def looked_at(images: torch.Tensor, settings: PatchSettings = PATCHES) -> torch.Tensor:
    """Shrink images to 32 pixels on their shorter side, or fewer, and take colour away.

    Parameters
    ----------
    images : Tensor of shape (n, C, H, W)
    settings : PatchSettings

    Returns
    -------
    Tensor of shape (n, C or 1, h, w)
    """
    shorter = min(images.shape[2:])
    factor = min(1.0, IMAGE_SIDE / shorter) / settings.shrinkage
    if settings.grey:
        images = images.mean(1, keepdim=True)
    if factor == 1:
        return images
    height, width = (max(1, round(side * factor)) for side in images.shape[2:])
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
    for chunk in _chunks(images):
        patches = _patches(chunk, side, 1).flatten(1, 2)
        n, n_places = patches.shape[:2]
        places = torch.stack(
            [
                torch.randperm(n_places, generator=generator, device=images.device)
                for _ in range(0, n, _SAME_PLACES)
            ]
        )[:, :n_patches]
        places = places.repeat_interleave(_SAME_PLACES, dim=0)[:n]
        sampled.append(
            patches.gather(1, places[:, :, None].expand(-1, -1, patches.shape[2]))
        )
    return torch.cat(sampled)


def _chunks(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """As many images as are worked on at once."""
    return images.split(by_device(images.device, *_CHUNK_IMAGES))


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


def _most_spread(
    rows: torch.Tensor, v: NDArray[np.float64], n_vectors: int
) -> NDArray[np.float64]:
    """Directions of most spread of the rows where V is the measure, the most one last.

    Of fewer rows than columns, as many directions as there are rows are found by the
    products of the rows with each other, which are a smaller matrix.
    """
    n, n_columns = rows.shape
    first, last = max(0, min(n, n_columns) - n_vectors), min(n, n_columns) - 1
    if n >= n_columns:
        u = (rows.T @ rows).cpu().double().numpy()
        return scipy.linalg.eigh(u, v, subset_by_index=(first, last))[1]
    root = scipy.linalg.cholesky(v, lower=True)
    evened = scipy.linalg.solve_triangular(
        root, rows.T.cpu().double().numpy(), lower=True
    )
    products = evened.T @ evened
    values, vectors = scipy.linalg.eigh(products, subset_by_index=(first, last))
    found = evened @ vectors / np.sqrt(np.maximum(values, _TINY))
    return scipy.linalg.solve_triangular(root, found, lower=True, trans=1)


def _inverse_root(matrix: torch.Tensor, floor: float) -> torch.Tensor:
    """Inverse square root of a covariance, raised by a share of its mean variance."""
    # In float64, which not every GPU has.
    values, vectors = torch.linalg.eigh(matrix.cpu().double())
    raised = (values + floor * values.mean()).clamp_min(_TINY)
    return ((vectors / raised.sqrt()) @ vectors.T).to(matrix)
