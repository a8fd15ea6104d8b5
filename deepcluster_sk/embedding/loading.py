"""From what a user calls a network to one that is there to be run."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from deepcluster_sk.embedding.backbone import Backbone
from deepcluster_sk.embedding.hubs import from_open_clip, from_timm
from deepcluster_sk.embedding.onnx_files import from_onnx
from deepcluster_sk.embedding.torch_networks import (
    from_file,
    from_function,
    from_module,
)
from deepcluster_sk.runtime.device import resolve_device

#: Packages that networks are named of.
_HUBS: dict[str, Callable[..., Backbone]] = {
    "timm": from_timm,
    "open_clip": from_open_clip,
}
_ONNX = ".onnx"
_TORCH = (".pt2", ".pt", ".pth", ".ts", ".jit", ".torchscript")
#: Not one letter, which is a drive of Windows.
_PREFIX = re.compile(r"([A-Za-z][\w.+-]+):")
_KINDS = (
    "'timm:NAME', 'open_clip:ARCHITECTURE/TAG', or a file that ends in .onnx, .pt2 or "
    ".pt"
)


#: Of each file its number, size and time.
Written = tuple[tuple[int, ...], ...]


class Loaded(NamedTuple):
    """A network that is there.

    Attributes
    ----------
    asked : list
        Parameters that told which.
    written : tuple or None
        What :func:`written` said of its files.
    backbone : Backbone
    """

    asked: list[Any]
    written: Written | None
    backbone: Backbone

    def serves(self, asked: list[Any], files: Written | None, *, anew: bool) -> bool:
        """Whether it is the network asked for and, if `anew`, has not changed since."""
        unchanged = files is not None and files == self.written
        return asked == self.asked and (unchanged or not anew)


def load_backbone(
    model: Any,
    device: Any,
    *,
    output: str | None = None,
    weights: Any = None,
    download: bool = False,
) -> Backbone:
    """Load a network; the parameters are those of :class:`ImageEmbedder`.

    Raises
    ------
    ValueError
        If it cannot be told what is meant, or a parameter goes with another kind of
        network.
    TypeError
        If it is None or a class.
    FileNotFoundError
        If there is no such file.
    ImportError
        If a package is missing that the network needs.
    """
    if model is None or isinstance(model, type):
        given = "None" if model is None else f"{model.__name__}, which is a class,"
        raise TypeError(
            f"model={given} is no network: use {_KINDS}, an object of a module, or a "
            "function."
        )
    name = os.fspath(model) if isinstance(model, (str, os.PathLike)) else None
    is_onnx = name is not None and name.lower().endswith(_ONNX)
    hub, rest = _hub_of(name)
    if output is not None and not is_onnx:
        raise ValueError(
            f"output={output!r} names a tensor of an ONNX file; of other networks, "
            "pass a function or module that returns it."
        )
    if weights is not None and hub is None:
        raise ValueError(
            "weights= goes with 'timm:NAME' and 'open_clip:ARCHITECTURE', which say "
            "what network they are of; other networks hold their own."
        )
    if name is not None and hub is None:
        _check_file(Path(name))
    if is_onnx and name is not None:
        return from_onnx(Path(name), device, output)
    found = resolve_device(device)
    if hub is not None:
        file = None if weights is None else Path(weights)
        if file is not None and not file.is_file():
            raise FileNotFoundError(f"There is no file {str(file)!r} of weights.")
        return _HUBS[hub](rest, found, file, download)
    if name is not None:
        return from_file(Path(name), found)
    if isinstance(model, nn.Module):
        return from_module(model, found)
    return from_function(model, found)


def written(model: Any, weights: Any) -> Written | None:
    """When the files were written that a named network is read from; None of others.

    Files that a package keeps of a network it knows by name are none of these: there is
    one network to a name.
    """
    if not isinstance(model, (str, os.PathLike)):
        return None
    files = [Path(path) for path in (model, weights) if path is not None]
    found = [path.stat() for path in files if path.is_file()]
    return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)


def _hub_of(name: str | None) -> tuple[str | None, str]:
    """Package that a network is named of, and its name there.

    Raises
    ------
    ValueError
        If there is no such package, or no name.
    """
    found = None if name is None else _PREFIX.match(name)
    if name is None or found is None or Path(name).exists():
        return None, ""
    hub, rest = found[1], name[found.end() :]
    if hub not in _HUBS or not rest:
        raise ValueError(f"model={name!r} is no network: use {_KINDS}.")
    return hub, rest


def _check_file(path: Path) -> None:
    """Refuse what is no file, or no file of a network.

    Raises
    ------
    FileNotFoundError, ValueError
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"model={str(path)!r}: there is no such file. A network is {_KINDS}."
        )
    if path.suffix.lower() not in (_ONNX, *_TORCH):
        raise ValueError(
            f"model={str(path)!r}: what is in the file cannot be told by its ending. A "
            f"network is {_KINDS}."
        )
