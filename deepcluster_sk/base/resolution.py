"""What every "auto" of a clusterer becomes, and what it may be."""

from typing import Any, ClassVar

import torch

from deepcluster_sk.augmentation.presets import (
    AugmentationLike,
    kind_of,
    make_augmentation,
)
from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.start import Start
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.data.resizing import MAX_PIXELS
from deepcluster_sk.graph.contest import ImageKind
from deepcluster_sk.graph.settings import GraphSettings
from deepcluster_sk.graph.start import contrasts_for
from deepcluster_sk.training.pretraining import Reconstruction
from deepcluster_sk.training.strategy import Strategy
from deepcluster_sk.training.targets import PseudoLabels, SelfTraining


class ResolutionMixin:
    """Parameters of a clusterer, resolved for the data at hand; nothing is stored."""

    n_clusters: NClusters
    latent_dim: int | str
    architecture: Any
    max_pixels: int | str | None
    augmentation: Any
    init: Any
    pretraining: Any
    targets: Any
    max_epochs: int | str
    batch_size: int | str

    #: What images are; a parameter of the triplet method alone.
    image_kind: Any = "auto"
    #: Whether samples may be rebuilt from augmented views of them.
    _rebuilds_from_views: ClassVar[bool] = False
    #: How long joint training is, as arguments of :meth:`FitContext.epochs`: about so
    #: many optimiser steps, so many epochs at least and, if given, at most.
    _joint_steps: ClassVar[tuple[int, ...]] = (900, 4)

    @property
    def _net_params(self) -> dict[str, Any]:
        raise NotImplementedError

    def _graph_settings(self, n_nodes: int) -> GraphSettings | None:
        """Choose settings of a start by graph; None leaves them to the graph."""
        return None

    def _init(self) -> Any:
        """Say where clusters start from."""
        return self.init

    def _default_targets(self) -> PseudoLabels | SelfTraining:
        """Say what "auto" targets are."""
        return PseudoLabels()

    def _augmentation(
        self, layout: RowLayout, image_kind: ImageKind | None = None, wide: bool = False
    ) -> AugmentationLike:
        """Augmentation for samples of a kind; the wide one finds neighbours."""
        return make_augmentation(self.augmentation, kind_of(layout), wide)

    def _contrasts(self, layout: RowLayout) -> tuple[str, ...]:
        """Contrast normalisations to choose from."""
        contrast = self._net_params.get("module__contrast", "auto")
        if contrast == "auto":
            contrast = self._auto_contrast()
        return contrasts_for(contrast, layout, "module__contrast")

    def _auto_contrast(self) -> str:
        """Say what an "auto" contrast is; "auto" leaves the choice to the data."""
        return "auto"

    def _known_kind(self, layout: RowLayout) -> ImageKind | None:
        """Say what images are before they are looked at: drawings, unless told."""
        if not layout.is_image:
            return None
        return "drawing" if self.image_kind == "auto" else self.image_kind

    def _targets(self) -> PseudoLabels | SelfTraining:
        """Targets as an object."""
        if self.targets == "pseudo-labels":
            return PseudoLabels()
        if self.targets == "self-training":
            return SelfTraining()
        return self._default_targets() if self.targets == "auto" else self.targets

    def _reconstruction(self) -> Reconstruction:
        """Pretraining as an object, where reconstruction is all there is."""
        if self.pretraining is None:
            return Reconstruction(0)
        given = isinstance(self.pretraining, Reconstruction)
        strategy = self.pretraining if given else Reconstruction()
        if strategy.omega:
            raise ValueError(
                f"{type(self).__name__} has no separation term: "
                f"pretraining={strategy!r} must have omega=0."
            )
        if strategy.from_views and not self._rebuilds_from_views:
            raise ValueError(
                f"{type(self).__name__} rebuilds what it is given: "
                f"pretraining={strategy!r} must have from_views=False."
            )
        return strategy

    def _strategy(self, layout: RowLayout, start: Start) -> Strategy:
        """Pretraining as an object that the method knows."""
        return self._reconstruction()

    def _fused(self, device: torch.device) -> dict[str, bool]:
        """Step all parameters in one kernel, unless the user wants it otherwise."""
        others = {"optimizer__foreach", "optimizer__differentiable"}
        return {
            "optimizer__fused": device.type != "mps"
            and not others & set(self._net_params)
        }

    @property
    def _loads_apart(self) -> bool:
        """Whether batches are loaded by other processes, or into pinned memory.

        Neither can do so from a copy of the data on a GPU.
        """
        names = ("iterator_train__num_workers", "iterator_train__pin_memory")
        return any(self._net_params.get(name) for name in names)

    def _latent_dim(self, context: FitContext, start: Start) -> int:
        """Latent dimensions: enough to keep the clusters apart."""
        if context.latent_dim is not None:
            return context.latent_dim
        if self.latent_dim == "auto":
            return min(64, max(10, context.n_clusters))
        return int(self.latent_dim)

    def _pretraining_epochs(self, context: FitContext, steps: tuple[int, ...]) -> int:
        """Epochs of pretraining by reconstruction.

        `steps` says what "auto" is, as arguments of :meth:`FitContext.epochs`.
        """
        epochs = self._reconstruction().epochs
        return context.epochs(*steps) if epochs == "auto" else int(epochs)

    def _joint_epochs(self, context: FitContext, start: Start) -> int:
        """Epochs of joint training, at most."""
        if self.max_epochs == "auto":
            return context.epochs(*self._joint_steps)
        return int(self.max_epochs)

    def _most_pixels(self) -> int | None:
        """Pixels of an image that are not averaged down."""
        if self.max_pixels != "auto":
            return self.max_pixels  # type: ignore[return-value]
        return None if isinstance(self.architecture, torch.nn.Module) else MAX_PIXELS

    def _batch_size(self, n_samples: int) -> int:
        """Images in a batch: some thirty batches an epoch, of 64 to 256 images."""
        if self.batch_size == "auto":
            return min(256, max(64, 1 << max(0, (n_samples // 32).bit_length() - 1)))
        return int(self.batch_size)
