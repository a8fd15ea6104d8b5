"""Pretraining as one would write it by hand, to compare the engine with."""

import torch
from torch.nn.functional import normalize, relu

from deepcluster_sk.augmentation.presets import make_augmentation
from deepcluster_sk.networks.clustering import ClusteringAutoencoder

BATCH = 256


class BareLoop:
    """The default network for 28x28 grey images, pretrained by a triplet loss.

    Parameters
    ----------
    device : torch.device
    precision : torch.dtype
    capturable : bool, default=False
        Whether the optimiser's steps may be part of a CUDA graph.
    """

    def __init__(self, device, precision, capturable=False):
        self.device, self.precision = device, precision
        self.module = ClusteringAutoencoder("shallow", (1, 28, 28), 10, 64, 10**0.5)
        self.module.to(device, memory_format=torch.channels_last).train()
        self.encode = self.module.encode
        fast = {"capturable": True} if capturable else {"fused": True}
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=1e-3, **fast)
        self.augment = make_augmentation("grey", "grey")

    def epoch(self, X):
        """One epoch over uint8 images ``(n, 28, 28)``, on the device."""
        X = torch.as_tensor(X, device=self.device)
        mean, deviation = float(X.float().mean()), float(X.float().std())
        order = torch.randperm(len(X), device=self.device)
        for batch in order.tensor_split(-(-len(X) // BATCH)):
            x = ((X[batch][:, None].float() - mean) / deviation).contiguous(
                memory_format=torch.channels_last
            )
            loss = self.step(torch.cat([self.augment(x), self.augment(x)]))
        float(loss)  # waits for the device

    def step(self, views):
        """One optimiser step on two views of each image, stacked."""
        views = views.contiguous(memory_format=torch.channels_last)
        self.optimizer.zero_grad()
        loss = self.loss(views)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def loss(self, views, margin=1.0):
        """Triplet loss against the nearest image outside of an image's ball."""
        # Without the cache: a graph of CUDA must not remember weights.
        with torch.autocast(
            self.device.type,
            dtype=torch.bfloat16,
            enabled=self.precision == torch.bfloat16,
            cache_enabled=False,
        ):
            latent = self.encode(views)
        anchor, view = normalize(latent, dim=1).chunk(2)
        gap = (anchor - view).square().sum(1)
        with torch.no_grad():
            squared = torch.cdist(anchor, anchor).square()
            inside = squared <= gap[:, None]
            chosen = squared.masked_fill(inside, torch.inf).argmin(1)
        far = (anchor - anchor[chosen]).square().sum(1)
        return relu(gap - far + margin).mean()
