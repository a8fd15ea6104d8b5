"""Network of DEPICT: one encoder seen through noise and without, one decoder."""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from torch import nn

from deepcluster_sk.losses.precision import row_products
from deepcluster_sk.networks.autoencoders import (
    checked_widths,
    hidden_widths,
    initialize_xavier,
    resolve_architecture,
)
from deepcluster_sk.networks.clustering import Embedding
from deepcluster_sk.networks.contrast import Contrast
from deepcluster_sk.networks.heads import START_MARGIN, claim_by_head

#: Maps of the strided convolutions.
CHANNELS = {"shallow": (50, 50), "deep": (50, 50, 50)}
#: Side of the first kernel and of the others, in pixels.
KERNELS = (4, 5)
#: Slope of the leaky rectifiers below 0.
SLOPE = 0.01


class Pathways(NamedTuple):
    """A training pass.

    Attributes
    ----------
    log_assignment : Tensor of shape (n, n_clusters)
        log p of the noisy pathway.
    clean_log_assignment : Tensor of shape (n, n_clusters)
        log p of the clean one.
    decoded, clean : list of Tensor of shape (n, ...)
        Layers of the decoder, from the noisy code, and of the clean encoder; the input
        first.
    """

    log_assignment: torch.Tensor
    clean_log_assignment: torch.Tensor
    decoded: list[torch.Tensor]
    clean: list[torch.Tensor]


class DepictNetwork(nn.Module):
    """Autoencoder whose layers are rebuilt one by one, with a softmax on its code.

    The encoder is a row of convolutions of stride 2, or of dense layers for vectors,
    with leaky rectifiers, then a dense layer, batch normalisation, which the paper does
    not have, and tanh. The decoder mirrors it; images, in [-1, 1], come out of a tanh
    as well, standardised vectors do not. The noisy
    pathway is the encoder with dropout on the input and on the first layer.

    Parameters
    ----------
    architecture : {"auto", "shallow", "deep", "mlp"}
    sample_shape : tuple of int
        ``(C, H, W)`` or ``(d,)``.
    n_clusters, latent_dim : int
    channels : sequence of int, default=None
        Widths of the convolutions or of the dense layers.
    dropout : float, default=0.1
    contrast : {"none", "image", "local", "level", "figure", "edges"}, default="none"
        Contrast normalisation the encoder sees images under.

    References
    ----------
    Ghasedi Dizaji et al. (2017), arXiv:1704.06327, section 3.3.
    """

    cluster_centers: torch.Tensor
    cluster_axes: ClassVar[dict[str, int]] = dict.fromkeys(
        ("head.weight", "head.bias", "cluster_centers"), 0
    )

    def __init__(
        self,
        architecture: str,
        sample_shape: tuple[int, ...],
        n_clusters: int,
        latent_dim: int,
        channels: Sequence[int] | None = None,
        dropout: float = 0.1,
        contrast: str = "none",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.contrast = Contrast(contrast)
        self.noise = nn.Dropout(dropout)
        kind = resolve_architecture(architecture, sample_shape)
        widths = None if channels is None else checked_widths(channels)
        if kind == "mlp":
            n_features = int(torch.Size(sample_shape).numel())
            down, up, shape = _dense(n_features, widths or hidden_widths(n_features))
            if len(sample_shape) == 1:
                up[0][-1] = nn.Identity()
            down[0].insert(0, nn.Flatten())
            up[0].append(nn.Unflatten(1, sample_shape))
        else:
            down, up, shape = _convolutional(sample_shape, widths or CHANNELS[kind])
        features = int(torch.Size(shape).numel())
        code = nn.Sequential(
            nn.Flatten(),
            nn.Linear(features, latent_dim),
            # Large images would drive every code to the ends of the tanh.
            nn.BatchNorm1d(latent_dim, affine=False),
            nn.Tanh(),
        )
        expand = nn.Sequential(
            nn.Linear(latent_dim, features), nn.Unflatten(1, shape), nn.LeakyReLU(SLOPE)
        )
        self.encoder = nn.ModuleList([*down, code])
        # From the code to the input.
        self.decoder = nn.ModuleList([expand, *reversed(up)])
        self.head = nn.Linear(latent_dim, n_clusters)
        self.register_buffer("cluster_centers", torch.zeros(n_clusters, latent_dim))
        self.apply(initialize_xavier)

    @torch.no_grad()
    def set_centers(self, centers: torch.Tensor) -> None:
        """Make the softmax assign codes to the nearest centre.

        As ``-s |z - c|^2`` differs from ``2 s z.c - s |c|^2`` by what all clusters
        share, that takes weights ``2 s c`` and biases ``-s |c|^2``.
        """
        centers = centers.to(self.cluster_centers)
        self.cluster_centers.copy_(centers)
        gaps = torch.cdist(centers, centers).square().fill_diagonal_(torch.inf)
        nearest = gaps.amin(1)
        nearest = nearest[nearest.isfinite()]
        gap = nearest.mean() if len(nearest) else centers.new_tensor(1.0)
        scale = START_MARGIN / gap.clamp_min(1e-3)
        self.head.weight.copy_(2 * scale * centers)
        self.head.bias.copy_(-scale * centers.square().sum(1))

    @torch.no_grad()
    def reseed(self, cluster: int, seeds: torch.Tensor, others: torch.Tensor) -> None:
        """Let the softmax assign samples ``(m, *sample_shape)`` to another cluster."""
        codes = self.encode(seeds)
        self.cluster_centers[cluster] = codes.mean(0)
        claim_by_head(self.head, cluster, codes, self.encode(others))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Clean codes of samples, ``(n, latent_dim)``, float32."""
        return self._layers(self.contrast(x))[-1].float()

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Codes to samples."""
        return self._decoded(latent)[0]

    def assign(self, latent: torch.Tensor) -> torch.Tensor:
        """Codes to log p, ``(n, n_clusters)``, float32."""
        with torch.autocast(latent.device.type, enabled=False):
            product = row_products(latent.float(), self.head.weight)
            return torch.log_softmax(product + self.head.bias, dim=1)

    def embed(self, x: torch.Tensor) -> Embedding:
        """Codes and assignments of a batch, without noise."""
        latent = self.encode(x)
        return Embedding(latent, self.assign(latent))

    def forward(self, x: torch.Tensor) -> Pathways:
        """Training pass of samples ``(n, *sample_shape)`` through all pathways."""
        seen = self.contrast(x)
        noisy = self._layers(seen, self.noise)[-1]
        *layers, code = self._layers(seen)
        # The code itself is not rebuilt: it is what the decoder starts from.
        return Pathways(
            self.assign(noisy), self.assign(code), self._decoded(noisy), [x, *layers]
        )

    def _layers(
        self, x: torch.Tensor, noise: nn.Module | None = None
    ) -> list[torch.Tensor]:
        """Layers of the encoder, the code last."""
        layers = []
        for depth, stage in enumerate(self.encoder):
            # Noise on the input and on the first layer.
            x = stage(noise(x) if noise is not None and depth < 2 else x)
            layers.append(x)
        return layers

    def _decoded(self, latent: torch.Tensor) -> list[torch.Tensor]:
        """Layers of the decoder, the input first."""
        layers = []
        x = latent
        for stage in self.decoder:
            x = stage(x)
            layers.append(x)
        return layers[::-1]


_Stages = tuple[list[nn.Sequential], list[nn.Sequential], tuple[int, ...]]


def _dense(n_features: int, widths: Sequence[int]) -> _Stages:
    """Stages down, stages up, both from the input on, and the shape of the last."""
    down, up = [], []
    for number, (before, after) in enumerate(pairwise([n_features, *widths])):
        down.append(nn.Sequential(nn.Linear(before, after), nn.LeakyReLU(SLOPE)))
        up.append(nn.Sequential(nn.Linear(after, before), _output(number)))
    return down, up, (widths[-1],)


def _convolutional(image_shape: tuple[int, ...], widths: Sequence[int]) -> _Stages:
    depth, *sides = image_shape
    down, up = [], []
    for number, wide in enumerate(widths):
        kernel = KERNELS[min(number, 1)]
        padding = (kernel - 1) // 2
        small = [(side + 2 * padding - kernel) // 2 + 1 for side in sides]
        # What the transposed convolution falls short of the side it came from.
        short = [
            side - ((less - 1) * 2 - 2 * padding + kernel)
            for side, less in zip(sides, small, strict=True)
        ]
        forth = nn.Conv2d(depth, wide, kernel, 2, padding)
        back = nn.ConvTranspose2d(wide, depth, kernel, 2, padding, tuple(short))  # type: ignore[arg-type]
        down.append(nn.Sequential(forth, nn.LeakyReLU(SLOPE)))
        up.append(nn.Sequential(back, _output(number)))
        depth, sides = wide, small
    return down, up, (depth, *sides)


def _output(number: int) -> nn.Module:
    """Activation of a decoder's layer: a tanh at the input, rectifiers elsewhere."""
    return nn.LeakyReLU(SLOPE) if number else nn.Tanh()
