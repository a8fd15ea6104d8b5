"""Saved models: one file, numbers and JSON, nothing that runs when it is read.

The file is a safetensors file. Its tensors are the weights of the network and the
fitted arrays; its metadata hold a description in JSON and a checksum of everything.
"""

import contextlib
import glob
import hashlib
import json
import math
import os
import stat
import uuid
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

#: Version of the format. Raised when a file of this version could not be read by the
#: code before.
FORMAT = 1
_NAME = "deepcluster_sk"
#: What stands for a value that no file can hold: a function, a module, a callback.
LEFT_OUT = "left out"
#: How the names of files end that are being written.
_CUT_SHORT = ".tmp"


class ModelFileError(ValueError):
    """A file that is no saved model, is damaged, or is of a later version."""


def write(
    path: str | os.PathLike[str],
    description: Mapping[str, Any],
    arrays: Mapping[str, torch.Tensor],
) -> None:
    """Write a model, whole or not at all.

    Parameters
    ----------
    path : path-like
        Written to beside it first, and renamed: a full disk leaves the old file.
    description : mapping
        Of what JSON holds.
    arrays : mapping of str to Tensor

    Raises
    ------
    OSError
        If the folder is missing or cannot be written to, or the disk is full.
    """
    path = Path(path)
    check_place(path)
    tensors = {n: t.detach().cpu().contiguous() for n, t in sorted(arrays.items())}
    text = json.dumps(description, sort_keys=True, allow_nan=False)
    metadata = {
        "format": _NAME,
        "format_version": str(FORMAT),
        "description": text,
        "sha256": _checksum(text, tensors),
    }
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{_CUT_SHORT}")
    temporary.touch(exist_ok=False)
    mode = stat.S_IMODE(temporary.stat().st_mode)
    try:
        save_file(tensors, temporary, metadata=metadata)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(mode)  # safetensors lets nobody else read it
        temporary.replace(path)
    except SafetensorError as error:
        raise OSError(f"{str(path)!r} could not be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Refuse a path where no file can be written, before there is work.

    Raises
    ------
    FileNotFoundError
        If its folder is missing.
    IsADirectoryError
        If it is a folder itself.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r} to write to.")
    _check_no_folder(path)


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; name a file in it.")


def remove_cut_short(path: Path) -> None:
    """Remove what kills have left of writing this file; nobody may be writing it."""
    # Eight characters: not those of a file with a longer name.
    pattern = f".{glob.escape(path.name)}.{'[a-z0-9_]' * 8}{_CUT_SHORT}"
    for left in path.parent.glob(pattern):
        with contextlib.suppress(OSError):
            left.unlink()


def read(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Read what :func:`write` wrote, and check it.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file, or it is a folder.
    ModelFileError
        If it is no saved model, is damaged, or is of a later version.
    """
    path = Path(path)
    _check_no_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    # A damaged header may promise lengths for which there is no memory.
    except (SafetensorError, ValueError, OverflowError, MemoryError, OSError) as error:
        raise ModelFileError(
            f"{str(path)!r} is not a saved model, or is damaged: {error}"
        ) from error
    if metadata.get("format") != _NAME:
        raise ModelFileError(
            f"{str(path)!r} is a safetensors file, but no model of {_NAME}."
        )
    version = metadata.get("format_version", "")
    if version != str(FORMAT):
        raise ModelFileError(
            f"{str(path)!r} is of format {version!r}, but this release of {_NAME} "
            f"reads format {FORMAT}. Install the release that saved it."
        )
    text = metadata.get("description", "")
    if metadata.get("sha256") != _checksum(text, tensors):
        raise ModelFileError(
            f"{str(path)!r} is damaged: its checksum is not that of its contents."
        )
    return json.loads(text), tensors


def _checksum(text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, tensor in tensors.items():
        about = f"{name} {tensor.dtype} {tuple(tensor.shape)}"
        digest.update(about.encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def encode(value: Any) -> Any:
    """Turn a parameter into what JSON holds; what nothing can hold is left out.

    Numbers that are not finite, tuples, arrays and strategies come back as they were.
    """
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else {"float": repr(number)}
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {"dict": {name: encode(item) for name, item in value.items()}}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, torch.device):
        return str(value)
    if _is_own(type(value)) and hasattr(value, "get_params"):
        params = value.get_params(deep=False)
        return {"object": type(value).__name__, "params": encode(params)}
    return {LEFT_OUT: f"{type(value).__module__}.{type(value).__qualname__}"}


def left_out(encoded: Any) -> str | None:
    """Name what was left out of a value that :func:`encode` gave, wherever in it."""
    if isinstance(encoded, dict):
        if LEFT_OUT in encoded:
            return str(encoded[LEFT_OUT])
        encoded = list(encoded.values())
    items = encoded if isinstance(encoded, list) else []
    return next(filter(None, map(left_out, items)), None)


def decode(value: Any) -> Any:
    """Undo :func:`encode`; what was left out becomes None."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if LEFT_OUT in value:
        return None
    if "float" in value:
        return float(value["float"])
    if "tuple" in value:
        return tuple(decode(item) for item in value["tuple"])
    if "dict" in value:
        return {name: decode(item) for name, item in value["dict"].items()}
    if "array" in value:
        return np.array(value["array"], dtype=np.dtype(value["dtype"]))
    return own_class(value["object"])(**decode(value["params"]))


def own_class(name: str) -> Any:
    """Class of this package by its public name, and no other.

    Raises
    ------
    ModelFileError
        If there is none: the file is of a later release, or tampered with.
    """
    public = import_module(_NAME)
    found = getattr(public, name) if name in public.__all__ else None
    if not isinstance(found, type):
        raise ModelFileError(f"The file speaks of {name!r}, which {_NAME} has not.")
    return found


def _is_own(cls: type) -> bool:
    public = import_module(_NAME).__all__
    return cls.__name__ in public and cls.__module__.startswith(f"{_NAME}.")


def as_tensor(array: NDArray[Any]) -> torch.Tensor:
    """Copy a fitted array into a tensor, of its own type and order."""
    return torch.from_numpy(np.array(array, order="C"))
