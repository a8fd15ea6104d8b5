"""torch's modes of the calling program, set aside while we compute.

Autocast is left without its cache: of weights cast to bf16 it keeps the first it sees
until the outermost autocast ends, which here is the end of a fit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing(device: torch.device) -> Iterator[None]:
    """Gradients, inference mode and autocast off; outside all stay as they were."""
    with (
        torch.inference_mode(False),
        torch.no_grad(),
        torch.autocast(device.type, enabled=False, cache_enabled=False),
    ):
        yield


@contextmanager
def training_modes(device: torch.device) -> Iterator[None]:
    """Gradients on, inference mode and autocast off; outside all stay as they were."""
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(device.type, enabled=False, cache_enabled=False),
    ):
        yield
