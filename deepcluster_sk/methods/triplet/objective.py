"""The two phases of the triplet method: pretraining and joint training."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk.augmentation.presets import AugmentationLike, apply_augmentation
from deepcluster_sk.augmentation.view import channels_last
from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.losses.balance import balance_loss
from deepcluster_sk.losses.clustering import clustering_loss
from deepcluster_sk.losses.separation import separation_loss
from deepcluster_sk.losses.total import total_loss
from deepcluster_sk.methods.triplet.mining import (
    augmentation_radii,
    in_batch_negatives,
    select_negatives,
    select_negatives_literal,
)
from deepcluster_sk.methods.triplet.strategies import DatasetNegatives
from deepcluster_sk.networks.clustering import Sphere
from deepcluster_sk.networks.inference import autocast, evaluating, stream
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.training.objectives import Objective, Terms
from deepcluster_sk.training.protocols import TrainedNet
from deepcluster_sk.training.self_training import SelfTrainingObjective

#: Share of negatives within the ball beyond which the user is warned.
COMMON_FALLBACKS = 0.5
NegativeMode = Literal["batch", "dataset", "literal"]
_SELECT = {"dataset": select_negatives, "literal": select_negatives_literal}


@dataclass
class Triplets:
    """Where positives and negatives come from.

    A pass is a stack of blocks of b rows: the images, `n_views` augmented views of
    them and, unless negatives are taken from the batch, the chosen negatives.

    Attributes
    ----------
    augmentation : callable
    generator : torch.Generator
        Of the augmentation and the draws of negatives.
    mode : {"batch", "dataset", "literal"}
        Negatives from the batch, from the whole data set, or the latter by the loop of
        the paper's Algorithm 1.
    n_views : int
        Augmented views of each image in a pass; 0 trains without augmentation.
    n_augmentations : int
        Views that measure an augmentation ball where `mode` is not "batch"; in a batch
        its `n_views` do.
    max_tries : int
        Candidates drawn for an anchor at most.
    hardest : bool
        Whether an anchor's negative in the batch is the nearest image outside its ball,
        not any of them.
    negatives : Tensor of shape (n,) or None
        The chosen negative of every row of the data set, where `mode` chooses them.
    n_fallbacks, n_selected : int or Tensor
        Negatives that lie inside their anchor's ball, and all negatives, so far.
    """

    augmentation: AugmentationLike
    generator: torch.Generator
    mode: NegativeMode
    n_views: int
    n_augmentations: int
    max_tries: int = 100
    hardest: bool = False
    negatives: torch.Tensor | None = None
    n_fallbacks: Any = 0
    n_selected: int = 0

    @classmethod
    def of(
        cls,
        negatives: str | DatasetNegatives,
        augmentation: AugmentationLike,
        generator: torch.Generator,
        n_views: int,
    ) -> "Triplets":
        """Make them as an estimator has its `negatives`."""
        if negatives == "batch":
            return cls(augmentation, generator, "batch", int(n_views), 0)
        strategy = DatasetNegatives() if isinstance(negatives, str) else negatives
        mode: NegativeMode = "literal" if strategy.literal else "dataset"
        n_augmentations = int(strategy.n_augmentations)
        return cls(augmentation, generator, mode, int(n_views), n_augmentations)

    def select(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Choose a negative for every row of the data set, where the mode asks so."""
        if self.mode == "batch":
            return
        module, device = net.module_, net.torch_device

        def views(x: torch.Tensor) -> torch.Tensor:
            copies = [x, *self.views(x, self.n_augmentations)]
            return torch.stack(
                [module.sphere.unit(module.encode(view)) for view in copies]
            )

        parts = []
        with evaluating(module), autocast(device, net.precision):
            for embedded, n_rows in stream(views, dataset, net.reader, device):
                parts.append(embedded[:, :n_rows])
        anchors, *augmented = torch.cat(parts, dim=1)
        radii = augmentation_radii(anchors, torch.stack(augmented))
        chosen = _SELECT[self.mode](
            anchors, radii, generator=self.generator, max_tries=self.max_tries
        )
        self.negatives = chosen.indices.to(dataset.home)
        self._count(chosen.is_fallback)

    def stack(self, rows: torch.Tensor, negatives: torch.Tensor | None) -> torch.Tensor:
        """Blocks of one pass, stacked along the batch."""
        blocks = [rows, *self.views(rows, self.n_views)]
        if negatives is not None:
            blocks.append(negatives)
        return channels_last(torch.cat(blocks))

    def views(self, rows: torch.Tensor, n_views: int) -> list[torch.Tensor]:
        """Draw augmented views of each image, independently."""
        return [
            apply_augmentation(self.augmentation, rows, self.generator)
            for _ in range(n_views)
        ]

    def loss(self, latent: torch.Tensor, sphere: Sphere, n: int, margin: float) -> Any:
        """Separation term (Eq. 5) of a stacked pass of n images, on the unit sphere."""
        anchor, *others = sphere.unit(latent).split(n)
        views = others[: self.n_views] or [anchor]
        if self.mode == "batch":
            radii = augmentation_radii(anchor.detach(), torch.stack(views).detach())
            chosen = in_batch_negatives(
                anchor.detach(), radii, self.generator, hardest=self.hardest
            )
            self._count(chosen.is_fallback)
            negative = anchor[chosen.indices]
        else:
            negative = others[-1]
        losses = [separation_loss(anchor, view, negative, margin) for view in views]
        return torch.stack(losses).mean()

    def _count(self, is_fallback: torch.Tensor) -> None:
        self.n_fallbacks = self.n_fallbacks + is_fallback.sum()
        self.n_selected += len(is_fallback)


class _TripletPhase(Objective):
    """What both phases share: stacked passes and their two common terms."""

    triplets: Triplets
    weights: dict[str, float]
    margin: float
    sphere: Sphere
    #: Whether images are rebuilt from their first view, and as the encoder sees them:
    #: neither what views differ in nor light is to have a place in the latent then.
    from_views = False

    def begin(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Find the sphere distances are taken on."""
        self.sphere = net.module_.sphere
        super().begin(net, dataset)

    def end(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Warn if many an anchor had no negative outside its ball."""
        super().end(net, dataset)
        share = float(self.triplets.n_fallbacks) / max(1, self.triplets.n_selected)
        if share > COMMON_FALLBACKS:
            warn(
                f"{share:.0%} of the negatives lay within their anchor's augmentation "
                "ball, for want of others: the augmentation changes images more than "
                "they differ among themselves. Use a weaker augmentation.",
                ConvergenceWarning,
            )

    def companions(self, indices: torch.Tensor) -> dict[str, torch.Tensor]:
        """Fetch each row's negative, where they come from the whole data set."""
        negatives = self.triplets.negatives
        if negatives is None:
            return {}
        return {"negatives": negatives[indices]}

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Stack the blocks of a pass; the decoder is asked for the images only."""
        n = len(rows)
        return {
            "x": self.triplets.stack(rows, companions.get("negatives")),
            "n_reconstructed": n if self.weights["reconstruction"] else 0,
            "first": n if self.from_views and self.triplets.n_views else 0,
        }

    def _common_terms(self, inputs: dict[str, Any], outputs: Any, n: int) -> Terms:
        terms: Terms = {}
        if self.weights["reconstruction"]:
            terms["reconstruction"] = outputs.reconstruction_loss(
                inputs["x"], self.from_views
            )
        if self.weights["separation"]:
            terms["separation"] = self.triplets.loss(
                outputs.latent, self.sphere, n, self.margin
            )
        return terms


class ReconstructionPretraining(_TripletPhase):
    """Reconstruction and separation, before there are clusters.

    Parameters
    ----------
    triplets : Triplets
    omega : float
        Weight of the separation term; reconstruction has weight 1.
    margin : float
    from_views : bool, default=False
        Whether images are rebuilt from their first view.
    """

    name = "pretrain"

    def __init__(
        self, triplets: Triplets, omega: float, margin: float, from_views: bool = False
    ) -> None:
        self.triplets = triplets
        self.from_views = from_views
        self.weights = {"reconstruction": 1.0, "separation": omega}
        self.margin = margin

    def begin(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Choose the first negatives."""
        super().begin(net, dataset)
        self.end_epoch(net, dataset)

    def end_epoch(self, net: TrainedNet, dataset: RowDataset) -> dict[str, float]:
        """Choose negatives for the next epoch."""
        if self.weights["separation"]:
            self.triplets.select(net, dataset)
        return {}

    def __call__(
        self, inputs: dict[str, Any], outputs: Any, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Terms of a batch and their sum."""
        terms = self._common_terms(inputs, outputs, len(indices))
        return terms, total_loss(terms, self.weights)


class TripletMarginPretraining(ReconstructionPretraining):
    """Separation alone, before there are clusters.

    Each image is seen in two augmented views, and told from the one of the batch that
    is nearest to it outside its augmentation ball.

    Parameters
    ----------
    augmentation : callable
    generator : torch.Generator
    margin : float
    """

    def __init__(
        self,
        augmentation: AugmentationLike,
        generator: torch.Generator,
        margin: float,
    ) -> None:
        self.triplets = Triplets(augmentation, generator, "batch", 1, 0, hardest=True)
        self.weights = {"reconstruction": 0.0, "separation": 1.0}
        self.margin = margin

    def inputs(
        self, module: Any, rows: torch.Tensor, **companions: torch.Tensor
    ) -> dict[str, Any]:
        """Stack two views: the image itself would be too easy an anchor."""
        views = torch.cat(self.triplets.views(rows, 2))
        return {"x": channels_last(views), "n_reconstructed": 0}


class TripletClustering(_TripletPhase, SelfTrainingObjective):
    """The four-term loss (Eq. 7).

    Parameters
    ----------
    triplets : Triplets
    weights : dict
        Of the terms ``reconstruction`` (alpha), ``clustering`` (beta), ``balance``
        (gamma) and ``separation`` (omega).
    margin : float
    on_views : bool
        Whether the assignments of the augmented views are pulled to the targets as well
        or, as in the paper, only those of the images themselves.
    from_views : bool, default=False
        Whether images are rebuilt from their first view.
    **settings
        As :class:`SelfTrainingObjective` takes them.

    References
    ----------
    arXiv:1901.06474, section 3.4.
    """

    def __init__(
        self,
        triplets: Triplets,
        weights: dict[str, float],
        margin: float,
        on_views: bool,
        from_views: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.triplets = triplets
        self.weights = weights
        self.margin = margin
        self.from_views = from_views
        # The images themselves always: views are a little blurred, and a net that has
        # seen nothing else need not know them.
        self.n_pulled = 1 + triplets.n_views if on_views else 1

    def __call__(
        self, inputs: dict[str, Any], outputs: Any, indices: torch.Tensor
    ) -> tuple[Terms, torch.Tensor]:
        """Terms of a batch and their weighted sum."""
        n = len(indices)
        pulled = outputs.log_assignment[: n * self.n_pulled]
        target = self.targets(indices).repeat(self.n_pulled, 1)
        terms = self._common_terms(inputs, outputs, n)
        terms["clustering"] = clustering_loss(target, pulled)
        terms["balance"] = balance_loss(pulled)
        return terms, total_loss(terms, self.weights)

    def _refresh(self, net: TrainedNet, dataset: RowDataset) -> None:
        """Take targets, and negatives, anew."""
        super()._refresh(net, dataset)
        if self.weights["separation"]:
            self.triplets.select(net, dataset)
