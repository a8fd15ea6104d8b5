"""What the neighbours of samples are looked for in."""

import torch

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
