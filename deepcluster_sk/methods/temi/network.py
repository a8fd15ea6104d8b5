"""Network of TEMI: perceptrons side by side, and the slow copies that teach them."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from deepcluster_sk.networks.autoencoders import checked_widths
from deepcluster_sk.networks.clustering import Embedding
from deepcluster_sk.networks.contrast import Contrast

#: Widths of the hidden layers before the latent.
WIDTHS = (256,)
ALL = slice(None)


class Assignments(NamedTuple):
    """A training pass.

    Attributes
    ----------
    student, teacher : Tensor of shape (n_heads, n, n_clusters)
        log p of all heads; no gradient goes to the teachers'.
    """

    student: torch.Tensor
    teacher: torch.Tensor


class Heads(nn.Module):
    """Perceptrons of one shape on the same samples, each with its own weights.

    A head ends in a latent vector of unit length; the cosines to its directions, one a
    cluster, divided by a temperature, are its logits.

    Parameters
    ----------
    n_heads : int
    widths : sequence of int
        Of the input, of the hidden layers, and of the latent.
    n_clusters : int
    temperature : float
    """

    def __init__(
        self, n_heads: int, widths: Sequence[int], n_clusters: int, temperature: float
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.weights = nn.ParameterList(
            torch.randn(n_heads, before, after) / math.sqrt(before)
            for before, after in pairwise(widths)
        )
        self.biases = nn.ParameterList(
            torch.zeros(n_heads, 1, after) for after in widths[1:]
        )
        # Clusters first, as in all weights that have an axis of clusters.
        self.directions = nn.Parameter(torch.randn(n_clusters, n_heads, widths[-1]))

    def encode(self, x: torch.Tensor, heads: slice = ALL) -> torch.Tensor:
        """Embed samples ``(n, d)``, as ``(n_heads, n, latent_dim)``, float32."""
        hidden = x[None]
        for depth, (weight, bias) in enumerate(
            zip(self.weights, self.biases, strict=True)
        ):
            chosen = weight[heads]
            hidden = F.gelu(hidden) if depth else hidden.expand(len(chosen), -1, -1)
            hidden = torch.baddbmm(bias[heads], hidden, chosen)
        return F.normalize(hidden.float(), dim=-1)

    def assign(self, latent: torch.Tensor, heads: slice = ALL) -> torch.Tensor:
        """Latent vectors to log p, ``(n_heads, n, n_clusters)``, float32."""
        with torch.autocast(latent.device.type, enabled=False):
            directions = F.normalize(self.directions[:, heads], dim=-1)
            logits = latent @ directions.permute(1, 2, 0) / self.temperature
            return torch.log_softmax(logits, dim=-1)

    def keep_first(self) -> None:
        """Let all heads go but the first."""
        self.weights = nn.ParameterList(w.detach()[:1].clone() for w in self.weights)
        self.biases = nn.ParameterList(b.detach()[:1].clone() for b in self.biases)
        self.directions = nn.Parameter(self.directions.detach()[:, :1].clone())


class TEMINetwork(nn.Module):
    """Heads that learn, and moving averages of them, which teach them.

    Samples are brought to unit length first. Heads are trained side by side, and weight
    pairs together; the network is one of them, `speaking`, as its teacher has it.

    Parameters
    ----------
    sample_shape : tuple of int
        ``(d,)``; images are taken as flat vectors.
    n_clusters, latent_dim, n_heads : int
    channels : sequence of int, default=None
        Widths of the hidden layers before the latent; None is 256.
    temperature : float, default=0.1
    contrast : {"none", "image", "local", "level", "figure", "edges"}, default="none"
        Contrast normalisation images are seen under.

    Attributes
    ----------
    speaking : int
        Head that embeds, and whose clusters are meant: the first, but while the others
        are placed.

    References
    ----------
    Adaloglou, Michels, Kalisch, Kollmann (2023), arXiv:2303.17896, section 3.
    """

    cluster_axes: ClassVar[dict[str, int]] = dict.fromkeys(
        ("student.directions", "teacher.directions"), 0
    )

    def __init__(
        self,
        sample_shape: tuple[int, ...],
        n_clusters: int,
        latent_dim: int,
        n_heads: int,
        channels: Sequence[int] | None = None,
        temperature: float = 0.1,
        contrast: str = "none",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.contrast = Contrast(contrast)
        hidden = WIDTHS if channels is None else checked_widths(channels)
        widths = (math.prod(sample_shape), *hidden, latent_dim)
        self.student = Heads(n_heads, widths, n_clusters, temperature)
        self.teacher = Heads(n_heads, widths, n_clusters, temperature)
        self.teacher.load_state_dict(self.student.state_dict())
        self.teacher.requires_grad_(False)
        self.speaking = 0

    @property
    def n_heads(self) -> int:
        """Heads that there are."""
        return len(self.teacher.biases[0])

    @property
    def cluster_centers(self) -> torch.Tensor:
        """Directions of the clusters in the latent space, of unit length."""
        return F.normalize(self.teacher.directions[:, self.speaking], dim=-1)

    @torch.no_grad()
    def set_centers(self, centers: torch.Tensor) -> None:
        """Point the clusters to centres, ``(n_clusters, latent_dim)``."""
        for heads in (self.student, self.teacher):
            directions = F.normalize(centers.to(heads.directions), dim=-1)
            heads.directions[:, self.speaking] = directions

    @torch.no_grad()
    def reseed(self, cluster: int, seeds: torch.Tensor, others: torch.Tensor) -> None:
        """Point a cluster to the middle of samples ``(m, *sample_shape)``."""
        middle = F.normalize(self.encode(seeds).mean(0), dim=-1)
        for heads in (self.student, self.teacher):
            heads.directions[cluster, self.speaking] = middle

    @torch.no_grad()
    def follow(self, momentum: float) -> None:
        """Move the teachers towards the students, by ``1 - momentum`` of the way."""
        pairs = zip(self.teacher.parameters(), self.student.parameters(), strict=True)
        for slow, fast in pairs:
            slow.lerp_(fast, 1 - momentum)

    def keep_first(self) -> None:
        """Let all heads go but the first."""
        self.student.keep_first()
        self.teacher.keep_first()
        self.teacher.requires_grad_(False)

    def see(self, x: torch.Tensor) -> torch.Tensor:
        """Bring samples to unit length, ``(n, d)``: their product is their cosine."""
        return F.normalize(self.contrast(x).flatten(1).float(), dim=1)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Embed samples on the unit sphere, ``(n, latent_dim)``, float32."""
        return self.embed(x).latent

    def embed(self, x: torch.Tensor) -> Embedding:
        """Latent vectors and assignments of a batch."""
        heads = slice(self.speaking, self.speaking + 1)
        latent = self.teacher.encode(self.see(x), heads)
        return Embedding(latent[0], self.teacher.assign(latent, heads)[0])

    def forward(self, x: torch.Tensor) -> Assignments:
        """Training pass of samples ``(n, *sample_shape)``."""
        seen = self.see(x)
        student, teacher = (
            heads.assign(heads.encode(seen)) for heads in (self.student, self.teacher)
        )
        return Assignments(student, teacher)
