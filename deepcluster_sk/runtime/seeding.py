"""Seeds for one fit, with the global random streams left as they were."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block; outside, its streams go on as if nothing happened.

    Parameters
    ----------
    seed : int
    device : torch.device
        The only device besides the CPU whose stream is used.
    """
    cpu = torch.default_generator
    before = cpu.get_state()
    cpu.manual_seed(seed)
    try:
        with _seeded_accelerator(seed, device):
            yield
    finally:
        cpu.set_state(before)


@contextmanager
def _seeded_accelerator(seed: int, device: torch.device) -> Iterator[None]:
    if device.type == "cuda":
        # Not torch.manual_seed: it would reach the other GPUs as well.
        with torch.cuda.device(device):
            before = torch.cuda.get_rng_state()
            torch.cuda.manual_seed(seed)
            try:
                yield
            finally:
                torch.cuda.set_rng_state(before)
    elif device.type == "mps":
        before = torch.mps.get_rng_state()
        torch.mps.manual_seed(seed)
        try:
            yield
        finally:
            torch.mps.set_rng_state(before)
    else:
        yield


def generator(seed: int, device: torch.device) -> torch.Generator:
    """Make a stream of random numbers of its own, on the device."""
    return torch.Generator(device).manual_seed(seed)
