"""Stages of a fit, taken from a cache where they have been computed before."""

import hashlib
import pickle
from collections.abc import Callable
from typing import Any, TypeVar

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_memory

T = TypeVar("T")
#: Version of what the stages compute. Raised when a stage comes to give other results,
#: so that a cache kept over an upgrade is not believed.
STAGES_VERSION = 17


def cached(memory: Any, stage: str, key: dict[str, Any], compute: Callable[[], T]) -> T:
    """Compute a stage at most once for a key.

    Parameters
    ----------
    memory : None, str or object with the joblib.Memory interface
        None computes, and hashes nothing.
    stage : str
    key : dict
        Everything that the result depends on, the seed of its streams too.
    compute : callable
        Gives the result; it must pickle.

    Raises
    ------
    ValueError
        If the key holds what has no hash: a lambda, say.
    """
    if memory is None:
        return compute()
    about = {"torch": torch.__version__, "stages": STAGES_VERSION}
    # A short string: joblib stores the arguments beside the result.
    digest = hash_of({**key, **about}, "With memory set, parameters")
    remembered = check_memory(memory).cache(_stage, ignore=["compute"])

    def stored() -> tuple[bytes, str]:
        content = pickle.dumps(compute(), pickle.HIGHEST_PROTOCOL)
        return content, _checksum(content)

    content, checksum = remembered(stage, digest, stored)
    if _checksum(content) != checksum:
        # Damaged on its way through the disk: joblib keeps no checksum of its own.
        return compute()
    return pickle.loads(content)


def _stage(stage: str, digest: str, compute: Callable[[], T]) -> T:
    """Compute a stage; what joblib knows and calls by name."""
    return compute()


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def hash_of(value: Any, what: str) -> str:
    """Hash of a value that pickle can store.

    Raises
    ------
    ValueError
        If it cannot; the message begins with `what` must be stored.
    """
    try:
        # By itself, joblib leaves out what it fails on within a dict, and all behind.
        pickle.Pickler(_Nowhere(), pickle.HIGHEST_PROTOCOL).dump(value)
        return str(joblib.hash(value, coerce_mmap=True))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"{what} must be such that pickle can store them, as functions defined in "
            f"a module are and lambdas are not: {error}"
        ) from error


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, content: Any) -> None:
        """Forget it."""


def data_key(rows: NDArray[Any]) -> str:
    """Hash of the values and the type of a data set, wherever in memory it lies."""
    return joblib.hash(np.ascontiguousarray(rows), coerce_mmap=True)
