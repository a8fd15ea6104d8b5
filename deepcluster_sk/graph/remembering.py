"""Views of samples that remember what patches made of them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from deepcluster_sk.graph.neighbors import (
    Features,
    PrincipalComponents,
    SeveralFeatures,
    Views,
)
from deepcluster_sk.graph.patches import PatchFeatures

#: Rows that are remembered at once, at most: their features take 100 MB.
MOST_REMEMBERED = 12_000


class _Drawn(NamedTuple):
    """Patch features of some rows.

    Attributes
    ----------
    patches : PatchFeatures
        What made them, which is to live as long as they do.
    place : Tensor of shape (n_rows,), int64
        Where each row of the data set is in `made`; -1 where it is not.
    made : Tensor of shape (m, d), float32
    """

    patches: PatchFeatures
    place: torch.Tensor
    made: torch.Tensor


@dataclass(frozen=True)
class RememberingViews(Views):
    """Views that draw patch features of a row once, as long as they can.

    To find them takes far longer than all that comes of them: principal components,
    whitened ones, a graph of some rows, and a graph of all.
    """

    drawn: dict[int, _Drawn] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, views: Views) -> "RememberingViews":
        """Make them of views; such as remember already stay themselves."""
        return views if isinstance(views, cls) else cls(**vars(views))

    def draw(
        self, features: Features, indices: torch.Tensor, augment: bool = False
    ) -> torch.Tensor:
        """Features of rows `indices`, as :meth:`Views.draw` gives them."""
        if augment:
            return super().draw(features, indices, augment)
        if isinstance(features, SeveralFeatures):
            return torch.cat([self.draw(kind, indices) for kind in features.kinds], 1)
        if not isinstance(features, PrincipalComponents):
            return super().draw(features, indices)
        patches: Any = features.prepare
        if not isinstance(patches, PatchFeatures):
            return super().draw(features, indices)
        return features.project(self._made(patches, indices))

    def _made(self, patches: PatchFeatures, indices: torch.Tensor) -> torch.Tensor:
        """Patch features of rows, ``(len(indices), d)``."""
        known = self.drawn.get(id(patches))
        if known is not None:
            places = known.place[indices]
            if bool((places >= 0).all()):
                return known.made[places]
        made = super().draw(patches, indices)
        if len(indices) <= MOST_REMEMBERED:
            place = indices.new_full((len(self.dataset),), -1)
            place[indices] = torch.arange(len(indices), device=indices.device)
            self.drawn[id(patches)] = _Drawn(patches, place, made)
        return made
