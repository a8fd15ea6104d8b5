"""Views of samples that remember what patches made of them."""

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

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

    @classmethod
    def none(cls, patches: PatchFeatures, n: int, device: torch.device) -> "_Drawn":
        """Of n rows none is known."""
        nowhere = torch.full((n,), -1, device=device)
        return cls(patches, nowhere, torch.empty(0, device=device))

    def and_of(self, indices: torch.Tensor, made: torch.Tensor) -> "_Drawn":
        """Features of these rows as well."""
        place, n = self.place.clone(), len(self.made)
        place[indices] = torch.arange(n, n + len(indices), device=place.device)
        return self._replace(place=place, made=torch.cat([self.made, made]))


@dataclass(frozen=True)
class RememberingViews(Views):
    """Views that draw patch features of a row once, as long as they can.

    To find them takes far longer than all that is made of them: principal components,
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
        if isinstance(features, PatchFeatures):
            return self._made(features, indices)
        if isinstance(features, PrincipalComponents) and isinstance(
            features.prepare, PatchFeatures
        ):
            return features.project(self._made(features.prepare, indices))
        return super().draw(features, indices)

    def _made(self, patches: PatchFeatures, indices: torch.Tensor) -> torch.Tensor:
        """Patch features of rows, ``(len(indices), d)``."""
        none = partial(_Drawn.none, patches, len(self.dataset), indices.device)
        known = self.drawn.get(id(patches)) or none()
        new = indices[known.place[indices] < 0]
        if len(new):
            known = known.and_of(new, super().draw(patches, new))
        made = known.made[known.place[indices]]
        if len(known.made) > MOST_REMEMBERED:
            known = none().and_of(indices, made)
        if len(known.made) <= MOST_REMEMBERED:
            self.drawn[id(patches)] = known
        return made
