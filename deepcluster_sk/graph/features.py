"""What the neighbours of samples are looked for in."""

import torch

from deepcluster_sk.graph.neighbors import Features, Views
from deepcluster_sk.graph.patches import LEARNING_IMAGES, PatchFeatures, shrunk
from deepcluster_sk.networks.contrast import Contrast

#: Principal components of the features of patches.
PATCH_COMPONENTS = 256


def pixel_features(views: Views, contrast: str) -> Features:
    """Principal components of the samples under a contrast normalisation."""
    return views.principal_components(Contrast(contrast))


def patch_features(views: Views) -> Features:
    """Principal components of the samples' patch features; the samples are images."""
    n, generator = len(views.dataset), views.generator
    order = torch.randperm(n, generator=generator, device=generator.device)
    images = views.draw(shrunk, order[:LEARNING_IMAGES])
    learned = PatchFeatures.learn(images, generator)
    return views.principal_components(learned, PATCH_COMPONENTS)
