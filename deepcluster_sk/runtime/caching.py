"""Stages of a fit, taken from a cache where they have been computed before."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_memory

T = TypeVar("T")
#: Version of what the stages compute. Raised when a stage comes to give other results,
#: so that a cache kept over an upgrade is not believed.
STAGES = 13


@dataclass(frozen=True)
class Streams:
    """All random streams that a stage of a fit may draw from.

    Besides the two here that is torch's global stream, of the CPU and of the device.

    Attributes
    ----------
    random_state : RandomState
    generator : torch.Generator
    """

    random_state: np.random.RandomState
    generator: torch.Generator

    def state(self) -> tuple[Any, ...]:
        """Where the streams stand, in NumPy's types: they hash and compare by value."""
        tensors = [self.generator.get_state(), torch.get_rng_state()]
        device = self.generator.device
        if device.type == "cuda":
            tensors.append(torch.cuda.get_rng_state(device))
        elif device.type == "mps":
            tensors.append(torch.mps.get_rng_state())
        arrays = [tensor.cpu().numpy().copy() for tensor in tensors]
        return (self.random_state.get_state(legacy=True), *arrays)

    def restore(self, state: tuple[Any, ...]) -> None:
        """Put the streams where they stood."""
        self.random_state.set_state(state[0])
        own, cpu, *accelerator = (torch.from_numpy(part) for part in state[1:])
        self.generator.set_state(own)
        torch.set_rng_state(cpu)
        device = self.generator.device
        if accelerator and device.type == "cuda":
            torch.cuda.set_rng_state(accelerator[0], device)
        elif accelerator:
            torch.mps.set_rng_state(accelerator[0])


def reused(
    memory: Any,
    stage: str,
    key: dict[str, Any],
    streams: Streams,
    compute: Callable[[], T],
) -> T:
    """Compute a stage at most once for a key and a state of the random streams.

    The streams go on as if the stage had been computed, whether it was or not: what
    follows is the same, bit for bit.

    Parameters
    ----------
    memory : None, str or object with the joblib.Memory interface
        None computes, and hashes nothing.
    stage : str
    key : dict
        Everything besides the streams that the result depends on.
    streams : Streams
    compute : callable
        Gives the result; it must pickle.

    Raises
    ------
    ValueError
        If the key holds what has no hash: a lambda, say.
    """
    if memory is None:
        return compute()
    before = {"torch": torch.__version__, "stages": STAGES, "streams": streams.state()}
    try:
        # A short string: joblib stores the arguments beside the result.
        digest = joblib.hash({**key, **before}, coerce_mmap=True)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            "With memory set, parameters must be such that pickle can store them, as "
            f"functions defined in a module are and lambdas are not: {error}"
        ) from error

    def compute_and_look() -> tuple[T, tuple[Any, ...]]:
        return compute(), streams.state()

    cached = check_memory(memory).cache(_stage, ignore=["compute"])
    result, after = cached(stage, digest, compute_and_look)
    streams.restore(after)
    return result


def _stage(stage: str, digest: str, compute: Callable[[], T]) -> T:
    """Compute a stage; what joblib knows and calls by name."""
    return compute()


def data_key(rows: NDArray[Any]) -> str:
    """Hash of the values and the type of a data set, wherever in memory it lies."""
    return joblib.hash(np.ascontiguousarray(rows), coerce_mmap=True)
