"""What the neighbours of samples are looked for in."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import torch
from torch import nn

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.neighbors import (
    ComponentSettings,
    Features,
    PrincipalComponents,
    Views,
)
from deepcluster_sk.graph.patches import (
    IMAGE_SIDE,
    PATCHES,
    PatchFeatures,
    PatchSettings,
    looked_at,
)
from deepcluster_sk.networks.contrast import Contrast

#: Patches of images of half the size, which show twice as much.
COARSE = replace(PATCHES, shrinkage=2, stride=1)


def pixel_features(views: Views, contrast: str) -> PrincipalComponents:
    """Principal components of the samples under a contrast normalisation."""
    return views.principal_components(Contrast(contrast))


def has_patches(layout: RowLayout) -> bool:
    """Whether samples are images large enough to hold patches."""
    return layout.is_image and min(layout.shape[1:]) >= PATCHES.side


def patch_features(
    views: Views, settings: PatchSettings = PATCHES
) -> PrincipalComponents:
    """Principal components of the samples' patch features; the samples are images."""
    n, generator = len(views.dataset), views.generator
    order = torch.randperm(n, generator=generator, device=generator.device)
    images = views.draw(looked_at, order[: settings.n_images])
    learned = PatchFeatures.learn(images, generator, settings)
    components = ComponentSettings(n_components=settings.n_components)
    return views.principal_components(learned, components)


def other_patch_features(views: Views) -> Iterator[PrincipalComponents]:
    """List what else than plain patches may tell samples, which are images, apart.

    Patches without colour, patches that show twice as much, and both; each with
    components as they vary, and half whitened, where faint ones count for more.
    """
    n_channels, *sides = views.reader.layout.shape
    is_large = min(*sides, IMAGE_SIDE) >= COARSE.shrinkage * COARSE.side
    for settings in (PATCHES, COARSE) if is_large else (PATCHES,):
        for grey in (False, True) if n_channels > 1 else (False,):
            wanted = replace(settings, grey=grey)
            if wanted != PATCHES:
                found = patch_features(views, wanted)
                yield from (found, found.half_whitened())


def is_grey(features: Features) -> bool:
    """Whether features are of patches without colour, made of coloured ones."""
    made_by = features.prepare if isinstance(features, PrincipalComponents) else None
    return isinstance(made_by, PatchFeatures) and made_by.settings.grey


def moved(part: Any, device: torch.device) -> Any:
    """Copy what features are made by to a device; functions stay what they are."""
    if isinstance(part, torch.Tensor):
        return part.to(device)
    if isinstance(part, nn.Module):
        return deepcopy(part).to(device)
    if isinstance(part, tuple):
        return tuple(moved(one, device) for one in part)
    if hasattr(part, "__dataclass_fields__"):
        return replace(
            part,
            **{f.name: moved(getattr(part, f.name), device) for f in fields(part)},
        )
    return part
