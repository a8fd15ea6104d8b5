"""Made tensors for the tests of the loss terms."""

import numpy as np
import torch
from hypothesis import strategies as st


def tensor(seed, *shape, scale=1.0, dtype=torch.float64):
    """Normal numbers of a seed."""
    return torch.from_numpy(
        scale * np.random.default_rng(seed).standard_normal(shape)
    ).to(dtype)


def differentiable(seed, *shape, scale=1.0):
    return tensor(seed, *shape, scale=scale).requires_grad_()


@st.composite
def logits(draw, max_samples=12, max_clusters=6, scales=(0.1, 1.0, 30.0)):
    """Float64 logits of a soft assignment, from nearly even to nearly hard."""
    n = draw(st.integers(1, max_samples))
    k = draw(st.integers(1, max_clusters))
    scale = draw(st.sampled_from(scales))
    return tensor(draw(st.integers(0, 2**32 - 1)), n, k, scale=scale)
