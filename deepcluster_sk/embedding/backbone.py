"""A network that is there to be run, whatever it came from."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepcluster_sk.embedding.preparation import Preparation
from deepcluster_sk.runtime.modes import computing

#: Bytes of a file that are hashed at a time.
_PIECE = 1 << 20


@dataclass(frozen=True)
class Backbone:
    """A loaded network.

    Attributes
    ----------
    run : callable
        From a prepared batch, float32 on the device, to what the network makes of it.
    device : torch.device
        Where batches are prepared.
    preparation : Preparation
        What it takes for a picture, as far as it tells.
    identity : callable
        Tells what the network is: a hash of its weights, or what has one.
    only_pictures : bool
        Whether vectors are refused.
    batch : int or None
        Length that every batch must have, if it must have one.
    """

    run: Callable[[torch.Tensor], Any]
    device: torch.device
    preparation: Preparation
    identity: Callable[[], Any]
    only_pictures: bool = False
    batch: int | None = None

    def __call__(self, batch: torch.Tensor) -> NDArray[np.float32]:
        """Vectors of a prepared batch, ``(b, n_features_out)``.

        Raises
        ------
        ValueError
            If the network fails, or gives anything but a vector for each sample.
        """
        n, shape = len(batch), tuple(batch.shape)
        if self.batch is not None:
            batch = _filled(batch, self.batch)
        try:
            with computing(self.device):
                found = _on_host(self.run(batch))
        except torch.cuda.OutOfMemoryError:
            raise
        except Exception as error:
            raise ValueError(
                f"The network failed on a batch of shape {shape} "
                f"({type(error).__name__}: {' '.join(str(error).split())}). If it "
                "takes another, say so by size, layout or image_shape."
            ) from error
        if set(found.shape[2:]) == {1}:  # as global pooling leaves
            found = found.reshape(found.shape[:2])
        if found.ndim != 2 or len(found) != len(batch) or not found.shape[1]:
            raise ValueError(
                f"The network made an array of shape {found.shape} of a batch of shape "
                f"{tuple(batch.shape)}: one vector for each sample is wanted, of shape "
                f"({len(batch)}, n_features). Pass a function that averages over what "
                "else there is, or name another output."
            )
        if found.dtype.kind not in "biuf":
            raise ValueError(
                f"The network made numbers of type {found.dtype}; real numbers are "
                "wanted."
            )
        with np.errstate(over="ignore"):
            found = found[:n].astype(np.float32)
        n_bad = int((~np.isfinite(found)).any(axis=1).sum())
        if n_bad:
            raise ValueError(
                f"The network made NaN or infinite numbers of {n_bad} of {n} samples: "
                "mean, std and network_white may not be those it was trained with."
            )
        return found


def _filled(batch: torch.Tensor, length: int) -> torch.Tensor:
    """Repeat the last sample until a batch has its length."""
    missing = length - len(batch)
    return torch.cat([batch, batch[-1:].expand(missing, *batch.shape[1:])])


def _on_host(output: Any) -> NDArray[Any]:
    """Take what a network gives for an array.

    Raises
    ------
    TypeError
        If it is none: several arrays, or something that holds them.
    """
    if isinstance(output, torch.Tensor):
        # NumPy has no bfloat16.
        wide = output.float() if output.dtype.is_floating_point else output
        return wide.detach().cpu().numpy()
    if isinstance(output, (tuple, dict, str)) or not hasattr(output, "__len__"):
        raise TypeError(
            f"it gave a {type(output).__name__}, not an array: pass a function that "
            "takes the array out of it"
        )
    return np.asarray(output)


def hash_of_file(path: Path, *besides: str) -> str:
    """Hash of a file's content, and of what else matters."""
    digest = hashlib.sha256("\0".join(besides).encode())
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def hash_of_module(module: nn.Module, name: str | None = None) -> str:
    """Hash of a module's weights, and of its name; None is what it says of itself."""
    if name is None:
        kind = type(module)
        name = f"{kind.__module__}.{kind.__qualname__}{module!r}"
    digest = hashlib.sha256(name.encode())
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        if isinstance(value, torch.Tensor):
            flat = value.detach().cpu().contiguous().reshape(-1)
            digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
            digest.update(flat.view(torch.uint8).numpy().tobytes())
        else:  # what a module keeps besides
            digest.update(repr(value).encode())
    return digest.hexdigest()
