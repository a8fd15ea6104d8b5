"""Random streams: one of its own for every stage of a fit, global ones left alone."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch

from deepcluster_sk.runtime.warning import warn

Stage = Literal[
    "start",
    "network",
    "pretraining",
    "second look",
    "training",
    "counting",
    "going on",
]
#: Stages of a fit. Their order decides which stream each gets: add new ones at the end.
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True)
class Streams:
    """Everything that one stage of a fit draws from.

    A stage has streams of its own, spawned from the seed of the fit, so that a change
    in one stage leaves the draws of the others alone.

    Attributes
    ----------
    random_state : RandomState
        Of what runs on the host.
    generator : torch.Generator
        Of views and draws, on the device.
    order : torch.Generator
        Of the order of batches, on the host.
    seed : int
        Of torch's global stream while the stage runs (see :meth:`seeded`): what weights
        are drawn from, dropout, and augmentations of a user's own.
    """

    random_state: np.random.RandomState
    generator: torch.Generator
    order: torch.Generator
    seed: int

    @classmethod
    def of(cls, seed: int, stage: Stage, device: torch.device) -> "Streams":
        """Spawn the streams of a stage from the seed of a fit."""
        spawned = np.random.SeedSequence(seed).spawn(len(STAGES))[STAGES.index(stage)]
        host, views, order, outer = (int(s) for s in spawned.generate_state(4))
        return cls(
            np.random.RandomState(host),
            generator(views, device),
            generator(order, torch.device("cpu")),
            outer,
        )

    def state(self) -> dict[str, Any]:
        """Tell where the streams are, and torch's own; taken inside :meth:`seeded`."""
        kind, key, *rest = self.random_state.get_state(legacy=True)
        device = self.generator.device
        own = _accelerator(device).get_rng_state() if _has_own(device) else None
        return {
            "random_state": (kind, np.asarray(key, np.int64), *rest),
            "generator": self.generator.get_state(),
            "order": self.order.get_state(),
            "cpu": torch.default_generator.get_state(),
            "device": own,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Bring the streams to where they were, inside :meth:`seeded`."""
        self.random_state.set_state(state["random_state"])
        self.generator.set_state(state["generator"])
        self.order.set_state(state["order"])
        torch.default_generator.set_state(state["cpu"])
        device = self.generator.device
        if _has_own(device):
            _accelerator(device).set_rng_state(state["device"])

    @contextmanager
    def seeded(self) -> Iterator[None]:
        """Seed torch's global stream for the stage; outside it goes on as before."""
        with seeded(self.seed, self.generator.device):
            yield


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block; outside, its streams go on as if nothing happened.

    All threads of a process draw from the same streams, so they take turns: nothing
    that is waited for inside the block may draw in another thread.

    Parameters
    ----------
    seed : int
    device : torch.device
        The only device besides the CPU whose stream is used.
    """
    cpu = torch.default_generator
    with _my_turn():
        before = cpu.get_state()
        cpu.manual_seed(seed)
        try:
            with _seeded_accelerator(seed, device):
                yield
        finally:
            cpu.set_state(before)


@contextmanager
def drawing_apart(generator: torch.Generator) -> Iterator[None]:
    """Draw inside the block; outside, generator and torch's own go on as if not."""
    before = generator.get_state()
    try:
        with seeded(generator.initial_seed(), generator.device):
            yield
    finally:
        generator.set_state(before)


_turn = threading.RLock()
#: Seconds after which a thread that waits for its turn says so.
PATIENCE = 60.0


@contextmanager
def _my_turn() -> Iterator[None]:
    turn = _turn
    if not turn.acquire(timeout=PATIENCE):
        warn(
            "Waiting for another thread's fit: threads draw from the same stream, and "
            "take turns. If that fit waits for this thread, neither ends: fit in "
            "processes instead."
        )
        turn.acquire()
    try:
        yield
    finally:
        turn.release()


def _begin_anew() -> None:
    """Wait for no thread that a forked process does not have."""
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _has_own(device: torch.device) -> bool:
    """Whether torch keeps a global stream on the device."""
    return device.type in ("cuda", "mps")


def _accelerator(device: torch.device) -> Any:
    return torch.cuda if device.type == "cuda" else torch.mps


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


def drawn_seed(random_state: np.random.RandomState) -> int:
    """Draw a seed, for what has random numbers of its own."""
    return int(random_state.randint(np.iinfo(np.int32).max))


def generator(seed: int, device: torch.device) -> torch.Generator:
    """Make a stream of random numbers of its own, on the device."""
    return torch.Generator(device).manual_seed(seed)
