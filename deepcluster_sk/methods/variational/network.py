"""Gaussian-mixture variational autoencoder."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import nn

from deepcluster_sk.methods.variational.losses import (
    bernoulli_nll,
    gaussian_divergence,
    gaussian_nll,
    uniform_divergence,
)
from deepcluster_sk.networks.autoencoders import initialize_xavier, make_autoencoder
from deepcluster_sk.networks.clustering import Embedding
from deepcluster_sk.networks.contrast import Contrast
from deepcluster_sk.networks.heads import claim_by_head

#: Features the encoder hands on, unless it is the user's own.
N_FEATURES = 128
#: Log-variances are kept within these bounds: a variance must not reach 0.
MIN_LOG_VARIANCE, MAX_LOG_VARIANCE = -10.0, 6.0


class Bound(NamedTuple):
    """Parts of the evidence lower bound of a batch.

    Attributes
    ----------
    log_assignment : Tensor of shape (n, n_clusters)
        log q(k|x), of every row.
    weights : Tensor of shape (n_modelled, s)
        Of the s alternatives that were decoded: q(k|x) for every cluster, or 1 for one
        relaxed draw.
    nll, divergence : Tensor of shape (n_modelled, s)
        -log p(x|z) at a draw of z, and KL(q(z|x,k) || p(z|k)), of each alternative.
    """

    log_assignment: torch.Tensor
    weights: torch.Tensor
    nll: torch.Tensor
    divergence: torch.Tensor


class MixtureVAE(nn.Module):
    """Autoencoder with a mixture of Gaussians as the prior of its latent space.

    A cluster k is drawn evenly, z from the Gaussian of that cluster, and x from the
    decoder. The encoder gives q(k|x) and, with k entering as one-hot, q(z|x,k).
    Everything, the prior's means and variances included, is learned together.

    Parameters
    ----------
    architecture : {"auto", "shallow", "deep", "residual", "mlp"}, callable or Module
        Of the encoder. The decoder is an MLP, since it runs once for every cluster; a
        network of the user's own is used for both.
    sample_shape : tuple of int
        ``(C, H, W)`` or ``(d,)``.
    n_clusters, latent_dim : int
    likelihood : {"bernoulli", "gaussian"}
        p(x|z): Bernoulli for pixels in [0, 1], or Gaussian with one learned variance.
    relaxation : {"marginal", "gumbel"}
        Whether the bound sums over clusters, or is taken at one relaxed draw.
    channels : sequence of int, default=None
        Widths of the encoder's convolutions or hidden layers.
    contrast : {"none", "image", "local", "level", "figure", "edges"}, default="none"
        Contrast normalisation the encoder sees images under.

    References
    ----------
    Prasad, Das and Bhowmick (2020), arXiv:2005.04613.
    """

    cluster_axes: ClassVar[dict[str, int]] = {
        **dict.fromkeys(("assignment.weight", "assignment.bias"), 0),
        **dict.fromkeys(("prior_mean", "prior_log_variance"), 0),
        "of_cluster.weight": 1,
    }

    def __init__(
        self,
        architecture: Any,
        sample_shape: tuple[int, ...],
        n_clusters: int,
        latent_dim: int,
        likelihood: str,
        relaxation: str,
        channels: Sequence[int] | None = None,
        contrast: str = "none",
    ) -> None:
        super().__init__()
        self.n_clusters = n_clusters
        self.latent_dim = latent_dim
        self.likelihood = likelihood
        self.relaxation = relaxation
        self.contrast = Contrast(contrast)
        self.recognition, self.generation, n_features = _two_networks(
            architecture, sample_shape, latent_dim, channels
        )
        self.assignment = nn.Linear(n_features, n_clusters)
        self.hidden = nn.Linear(n_features, n_features)
        # Of a one-hot k, a dense layer is a table.
        self.of_cluster = nn.Linear(n_clusters, n_features, bias=False)
        self.posterior = nn.Linear(n_features, 2 * latent_dim)
        for layer in (self.assignment, self.hidden, self.of_cluster, self.posterior):
            initialize_xavier(layer)
        self.prior_mean = nn.Parameter(torch.randn(n_clusters, latent_dim))
        self.prior_log_variance = nn.Parameter(torch.zeros(n_clusters, latent_dim))
        self.log_noise = nn.Parameter(torch.zeros(()))

    @property
    def cluster_centers(self) -> torch.Tensor:
        """Means of the mixture, ``(n_clusters, latent_dim)``."""
        return self.prior_mean

    @torch.no_grad()
    def set_centers(self, centers: torch.Tensor) -> None:
        """Place the means of the mixture, ``(n_clusters, latent_dim)``."""
        self.prior_mean.copy_(centers)

    @torch.no_grad()
    def reseed(self, cluster: int, seeds: torch.Tensor, others: torch.Tensor) -> None:
        """Give samples ``(m, *sample_shape)`` to another Gaussian of the mixture.

        It takes over all that belongs to the one that most of them are assigned to, but
        for the mean, which is theirs.
        """
        latent, log_assignment = self.embed(seeds)
        first = log_assignment.argmax(1).mode().values
        self.of_cluster.weight[:, cluster] = self.of_cluster.weight[:, first]
        self.prior_log_variance[cluster] = self.prior_log_variance[first]
        self.prior_mean[cluster] = latent.mean(0)
        features, _ = self._recognize(seeds)
        claim_by_head(self.assignment, cluster, features, self._recognize(others)[0])

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Posterior means E[z|x], ``(n, latent_dim)``, float32."""
        return self.embed(x).latent

    def embed(self, x: torch.Tensor) -> Embedding:
        """Posterior means, over all clusters, and log q(k|x)."""
        features, log_assignment = self._recognize(x)
        means = torch.stack(
            [self._posterior(features, code)[0] for code in self._codes(features)]
        )
        latent = torch.einsum("nk,knd->nd", log_assignment.exp(), means)
        return Embedding(latent, log_assignment)

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Mean of p(x|z), ``(n, *sample_shape)``."""
        decoded = self.generation.decode(latent)
        return decoded.sigmoid() if self.likelihood == "bernoulli" else decoded

    def elbo(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Evidence lower bound of samples, ``(n,)``, its expectation over given draws.

        Parameters
        ----------
        x : Tensor of shape (n, *sample_shape)
        noise : Tensor of shape (n_draws, latent_dim)
            Standard normal numbers, the same for all samples and clusters: z is taken
            at the posterior mean plus each of them times the standard deviation.
        """
        features, log_assignment = self._recognize(x)
        bound = -uniform_divergence(log_assignment)
        for k, code in enumerate(self._codes(features)):
            mean, log_variance = self._posterior(features, code)
            divergence = gaussian_divergence(
                mean, log_variance, *(part[k] for part in self.prior())
            )
            deviation = (0.5 * log_variance).exp()
            draws = (mean + deviation * drawn for drawn in noise)
            errors = [self._nll(self.generation.decode(z), x) for z in draws]
            nll = torch.stack(errors).mean(0)
            bound = bound - log_assignment[:, k].exp() * (nll + divergence)
        return bound

    def forward(
        self,
        x: torch.Tensor,
        n_modelled: int,
        temperature: float = 1.0,
        modelled: torch.Tensor | None = None,
    ) -> Bound:
        """Training pass.

        Parameters
        ----------
        x : Tensor of shape (n, *sample_shape)
            Views stacked along the batch.
        n_modelled : int
            How many leading rows the bound is asked for.
        temperature : float, default=1.0
            Of the relaxed draw; the nearer to 0, the nearer to one-hot.
        modelled : Tensor of shape (n_modelled, *sample_shape), default=None
            The samples that the leading rows are views of, where they are: the bound
            is that of the samples, with the posterior that a view of each gives.
        """
        features, log_assignment = self._recognize(x)
        features, log_q = features[:n_modelled], log_assignment[:n_modelled]
        if self.relaxation == "gumbel":
            drawn = nn.functional.gumbel_softmax(log_q, temperature)
            codes, weights = drawn[:, None], torch.ones_like(log_q[:, :1])
        else:
            codes = torch.eye(self.n_clusters, dtype=x.dtype, device=x.device)[None]
            weights = log_q.exp()
        mean, log_variance = self._posterior(features[:, None], codes)
        divergence = gaussian_divergence(
            mean, log_variance, *(codes @ part for part in self.prior())
        )
        latent = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        n_codes = latent.shape[1]
        decoded = self.generation.decode(latent.flatten(0, 1))
        samples = x[:n_modelled] if modelled is None else modelled
        copies = samples.repeat_interleave(n_codes, dim=0)
        nll = self._nll(decoded, copies).unflatten(0, (-1, n_codes))
        return Bound(log_assignment, weights, nll, divergence)

    def _recognize(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of samples, and log q(k|x); float32."""
        features = self.recognition.encode(self.contrast(x)).float().relu()
        with torch.autocast(x.device.type, enabled=False):
            return features, torch.log_softmax(self.assignment(features), dim=1)

    def _posterior(
        self, features: torch.Tensor, codes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of q(z|x,k) for (relaxed) one-hot codes."""
        with torch.autocast(features.device.type, enabled=False):
            hidden = (self.hidden(features) + self.of_cluster(codes)).relu()
            mean, log_variance = self.posterior(hidden).chunk(2, dim=-1)
        return mean, log_variance.clamp(MIN_LOG_VARIANCE, MAX_LOG_VARIANCE)

    def prior(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log-variances of p(z|k), ``(n_clusters, latent_dim)``."""
        log_variance = self.prior_log_variance
        return self.prior_mean, log_variance.clamp(MIN_LOG_VARIANCE, MAX_LOG_VARIANCE)

    def _nll(self, decoded: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        if self.likelihood == "bernoulli":
            return bernoulli_nll(decoded, x)
        return gaussian_nll(decoded, x, self.log_noise.clamp_min(MIN_LOG_VARIANCE))

    def _codes(self, like: torch.Tensor) -> torch.Tensor:
        return torch.eye(self.n_clusters, dtype=torch.float32, device=like.device)


def _two_networks(
    architecture: Any,
    sample_shape: tuple[int, ...],
    latent_dim: int,
    channels: Sequence[int] | None,
) -> tuple[Any, Any, int]:
    """Build encoder and decoder; the number is the width of what the encoder gives."""
    if not isinstance(architecture, str):
        own = make_autoencoder(architecture, sample_shape, latent_dim)
        return own, own, latent_dim
    wide: Any = make_autoencoder(architecture, sample_shape, N_FEATURES, channels)
    narrow: Any = make_autoencoder("mlp", sample_shape, latent_dim)
    # The halves that nobody needs.
    wide.decoder = nn.Identity()
    narrow.encoder = nn.Identity()
    return wide, narrow, N_FEATURES
