"""The two phases of the Gaussian-mixture autoencoder."""

from typing import Any

import torch

from deepcluster_sk.augmentation.view import View
from deepcluster_sk.losses.cross_entropy import cross_entropy_loss
from deepcluster_sk.losses.total import total_loss
from deepcluster_sk.methods.variational.losses import expected_term, uniform_divergence
from deepcluster_sk.methods.variational.network import Bound
from deepcluster_sk.training.objectives import Objective, Terms
from deepcluster_sk.training.self_training import ClusteringObjective

#: Temperature of the relaxed draw at the end of training; it starts at 1.
FINAL_TEMPERATURE = 0.3


class VariationalPretraining(Objective):
    """Reconstruction alone, with nothing paid for what the latent tells.

    Parameters
    ----------
    view : View, default=None
        Views that the samples are rebuilt from; None rebuilds them from themselves.
    """

    name = "pretrain"

    def __init__(self, view: View | None = None) -> None:
        self.view = view

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Give the samples, or views of them."""
        x = rows if self.view is None else self.view(rows)
        return {"x": x, "n_modelled": len(rows), "modelled": rows}

    def __call__(
        self, inputs: dict[str, Any], outputs: Bound, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Reconstruction error of a batch."""
        loss = expected_term(outputs.weights, outputs.nll)
        return {"reconstruction": loss}, loss


class VariationalClustering(ClusteringObjective):
    """The negated evidence lower bound, in nats per image.

    A mixture left to itself from the start puts everything into one cluster. Two things
    prevent that: both divergences are warmed up, and q(k|x) of an augmented view of
    each image is held to the start for a while. What is left then is the bound.

    Parameters
    ----------
    view : View
    warmup : float
        Share of the phase over which the divergences rise to their weight of 1.
    start_weight : float
        Weight, in nats, of the cross-entropy between the start and q(k|x).
    on_views : bool
        Whether it is views that are held to the start, or the samples themselves.
    from_views : bool
        Whether the posterior of a sample is that which a view of it gives. The bound
        holds for any posterior; with this one, what views differ in is no part of z.
    **settings
        As :class:`ClusteringObjective` takes them.

    References
    ----------
    Prasad, Das and Bhowmick (2020), arXiv:2005.04613.
    """

    def __init__(
        self,
        view: View,
        warmup: float,
        start_weight: float,
        on_views: bool,
        from_views: bool,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.view = view
        self.warmup = warmup
        self.start_weight = start_weight
        self.on_views = on_views
        self.from_views = from_views

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Stack the samples, which are modelled, and what is held to the start."""
        x = self.view(rows) if self.from_views else rows
        if self.held or self.known is not None:
            x = torch.cat([x, self.view(rows) if self.on_views else rows])
        temperature = FINAL_TEMPERATURE**self.elapsed
        return {
            "x": x,
            "n_modelled": len(rows),
            "temperature": temperature,
            "modelled": rows,
        }

    def __call__(
        self, inputs: dict[str, Any], outputs: Bound, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Terms of a batch and their weighted sum."""
        n = len(indices)
        warm = min(1.0, self.elapsed / self.warmup) if self.warmup else 1.0
        terms = {
            "reconstruction": expected_term(outputs.weights, outputs.nll),
            "latent": expected_term(outputs.weights, outputs.divergence),
            "discrete": uniform_divergence(outputs.log_assignment[:n]).mean(),
        }
        weights = {"reconstruction": 1.0, "latent": warm, "discrete": warm}
        if len(outputs.log_assignment) > n:
            target = torch.zeros_like(outputs.log_assignment[:n])
            if self.share:
                target = self.share * self.held_targets(indices)
            target = self.with_known(target, indices)
            terms["start"] = cross_entropy_loss(target, outputs.log_assignment[n:])
            weights["start"] = self.start_weight
        return terms, total_loss(terms, weights)
