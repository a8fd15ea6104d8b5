"""The clustering layer, and the autoencoder around it of the triplet method and DEC."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import nn

from deepcluster_sk.losses.clustering import student_t_log_assignment
from deepcluster_sk.losses.reconstruction import reconstruction_loss
from deepcluster_sk.networks.autoencoders import make_autoencoder
from deepcluster_sk.networks.contrast import Contrast


class Embedding(NamedTuple):
    """What a clustering network says of a batch, in evaluation.

    Attributes
    ----------
    latent : Tensor of shape (n, latent_dim)
    log_assignment : Tensor of shape (n, n_clusters)
        log q.
    """

    latent: torch.Tensor
    log_assignment: torch.Tensor


class Pass(NamedTuple):
    """What an autoencoder with a clustering layer says of a batch, in training.

    Attributes
    ----------
    latent : Tensor of shape (n, latent_dim)
    log_assignment : Tensor of shape (n, n_clusters)
        log q.
    reconstruction : Tensor of shape ``(n_reconstructed, *sample_shape)``
    seen : Tensor of shape ``(n, *sample_shape)``
        The rows under the contrast normalisation.
    """

    latent: torch.Tensor
    log_assignment: torch.Tensor
    reconstruction: torch.Tensor
    seen: torch.Tensor

    def reconstruction_loss(self, x: torch.Tensor, as_seen: bool) -> torch.Tensor:
        """Error (Eq. 1) against the first rows of what was given, or as they are seen.

        Parameters
        ----------
        x : Tensor of shape ``(n, *sample_shape)``
            The rows of the pass.
        as_seen : bool
            Whether they are to be rebuilt under the contrast normalisation.

        Returns
        -------
        Tensor, scalar
        """
        wanted = self.seen if as_seen else x
        return reconstruction_loss(
            self.reconstruction, wanted[: len(self.reconstruction)]
        )


class Sphere(nn.Module):
    """Scale vectors to a given length; without a radius, leave them alone.

    Parameters
    ----------
    radius : float or None
    """

    def __init__(self, radius: float | None) -> None:
        super().__init__()
        self.radius = radius

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Put the rows of `x`, ``(n, d)``, on the sphere; float32."""
        x = x.float()
        if self.radius is None:
            return x
        return self.radius * nn.functional.normalize(x, dim=1)

    def unit(self, x: torch.Tensor) -> torch.Tensor:
        """Bring rows on the sphere to length 1; unconstrained ones are left alone."""
        return x if self.radius is None else x / self.radius


class StudentTClustering(nn.Module):
    """Soft assignment to trained centres by a Student-t kernel (Eq. 2).

    Parameters
    ----------
    n_clusters, latent_dim : int
    sphere : Sphere
        Where latent and centres live. What is trained are the directions of the
        centres, of length 1: a step of Adam turns them by as much whatever the radius,
        while centres trained at the length of a large radius hardly move.
    power : float, default=1.0
        Of the kernel.

    References
    ----------
    arXiv:1901.06474, section 3.2.
    """

    def __init__(
        self, n_clusters: int, latent_dim: int, sphere: Sphere, power: float = 1.0
    ) -> None:
        super().__init__()
        self.sphere = sphere
        self.power = power
        self.weight = nn.Parameter(torch.empty(n_clusters, latent_dim))
        nn.init.xavier_uniform_(self.weight)

    @property
    def centers(self) -> torch.Tensor:
        """Cluster centres in latent space, ``(n_clusters, latent_dim)``."""
        return self.sphere(self.weight)

    @torch.no_grad()
    def set_centers(self, centers: torch.Tensor) -> None:
        """Place the centres, ``(n_clusters, latent_dim)``."""
        self.weight.copy_(self.sphere.unit(self.sphere(centers.to(self.weight))))

    @torch.no_grad()
    def place(self, cluster: int, center: torch.Tensor) -> None:
        """Place one of the centres, ``(latent_dim,)``."""
        centers = self.centers.clone()
        centers[cluster] = center
        self.weight[cluster] = self.sphere.unit(self.sphere(centers))[cluster]

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Latent ``(n, latent_dim)`` to log q, ``(n, n_clusters)``, float32."""
        with torch.autocast(latent.device.type, enabled=False):
            return student_t_log_assignment(latent, self.centers, self.power)


class ClusteringAutoencoder(nn.Module):
    """Autoencoder with a clustering layer on its latent.

    Parameters
    ----------
    architecture, channels
        As ``make_autoencoder`` of ``networks.autoencoders`` takes them.
    sample_shape : tuple of int
        ``(C, H, W)`` or ``(d,)``.
    n_clusters, latent_dim : int
    radius : float or None
        Radius of the sphere the latent is kept on; None leaves it unconstrained.
    kernel_power : float, default=1.0
        Of the clustering layer's kernel.
    contrast : {"none", "image", "local", "level", "figure", "edges"}, default="none"
        Contrast normalisation the encoder sees images under.
    batch_norm : bool, default=True
        As ``make_autoencoder`` of ``networks.autoencoders`` takes it.

    References
    ----------
    arXiv:1901.06474, Fig. 2.
    """

    cluster_axes: ClassVar[dict[str, int]] = {"clustering.weight": 0}

    def __init__(
        self,
        architecture: Any,
        sample_shape: tuple[int, ...],
        n_clusters: int,
        latent_dim: int,
        radius: float | None,
        channels: Sequence[int] | None = None,
        kernel_power: float = 1.0,
        contrast: str = "none",
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.autoencoder: Any = make_autoencoder(
            architecture, sample_shape, latent_dim, channels, batch_norm
        )
        self.contrast = Contrast(contrast)
        self.sphere = Sphere(radius)
        # Off the sphere, scale and place of the latent are the autoencoder's own.
        self.whiten: nn.Module = (
            nn.Identity()
            if radius is None
            else nn.BatchNorm1d(latent_dim, affine=False)
        )
        self.clustering = StudentTClustering(
            n_clusters, latent_dim, self.sphere, kernel_power
        )

    @property
    def cluster_centers(self) -> torch.Tensor:
        """Centres of the clusters in latent space, ``(n_clusters, latent_dim)``."""
        return self.clustering.centers

    def set_centers(self, centers: torch.Tensor) -> None:
        """Place the centres, ``(n_clusters, latent_dim)``."""
        self.clustering.set_centers(centers)

    @torch.no_grad()
    def reseed(self, cluster: int, seeds: torch.Tensor, others: torch.Tensor) -> None:
        """Place a centre in the middle of samples ``(m, *sample_shape)``."""
        self.clustering.place(cluster, self.encode(seeds).mean(0))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Embed samples on the sphere, ``(n, latent_dim)``, float32."""
        return self._encoded(self.contrast(x))

    def _encoded(self, seen: torch.Tensor) -> torch.Tensor:
        """Embed samples under their contrast normalisation."""
        latent: torch.Tensor = self.sphere(
            self.whiten(self.autoencoder.encode(seen).float())
        )
        return latent

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Latent vectors to samples."""
        return self.autoencoder.decode(latent)

    def embed(self, x: torch.Tensor) -> Embedding:
        """Latent vectors and assignments of a batch."""
        latent = self.encode(x)
        return Embedding(latent, self.clustering(latent))

    def forward(self, x: torch.Tensor, n_reconstructed: int, first: int = 0) -> Pass:
        """Training pass: latent and log q of all rows, reconstruction of a few.

        Parameters
        ----------
        x : Tensor of shape ``(n, *sample_shape)``
            Views stacked along the batch.
        n_reconstructed : int
            How many rows the decoder is asked for.
        first : int, default=0
            The first of them.

        Returns
        -------
        Pass
        """
        seen = self.contrast(x)
        latent = self._encoded(seen)
        reconstruction = self.decode(latent[first : first + n_reconstructed])
        return Pass(latent, self.clustering(latent), reconstruction, seen)
