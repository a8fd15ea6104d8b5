"""What the neighbours of samples are looked for in."""

from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import torch
from torch import nn

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.neighbors import (
    ComponentSettings,
    PrincipalComponents,
    Views,
)
from deepcluster_sk.graph.patches import PATCHES, PatchFeatures, PatchSettings, shrunk
from deepcluster_sk.networks.contrast import Contrast


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
    images = views.draw(shrunk, order[: settings.n_images])
    learned = PatchFeatures.learn(images, generator, settings)
    components = ComponentSettings(n_components=settings.n_components)
    return views.principal_components(learned, components)


def moved(part: Any, device: torch.device) -> Any:
    """Copy what features are made by to a device; functions stay what they are."""
    if isinstance(part, torch.Tensor):
        return part.to(device)
    if isinstance(part, nn.Module):
        return deepcopy(part).to(device)
    if hasattr(part, "__dataclass_fields__"):
        return replace(
            part,
            **{f.name: moved(getattr(part, f.name), device) for f in fields(part)},
        )
    return part
