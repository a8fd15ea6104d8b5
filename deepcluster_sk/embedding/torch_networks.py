"""Networks of torch: modules, functions, and files that need no code beside them."""

import copy
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deepcluster_sk.embedding.backbone import Backbone, hash_of_file, hash_of_module
from deepcluster_sk.embedding.preparation import Preparation


def from_function(function: Callable[[Any], Any], device: torch.device) -> Backbone:
    """Take any function of a batch for a network; it is known by its name alone."""
    return Backbone(function, device, Preparation(), lambda: function)


def from_module(
    module: nn.Module,
    device: torch.device,
    preparation: Preparation | None = None,
    *,
    memory_format: torch.memory_format = torch.contiguous_format,
    **settings: Any,
) -> Backbone:
    """Take a module for a network.

    It is run as it is where it is on the device and in evaluation; otherwise a copy of
    it is, so that the caller's own stays what it was.

    Parameters
    ----------
    module : nn.Module
    device : torch.device
    preparation : Preparation, default=None
        None reads the number of channels off its first convolution.
    memory_format : torch.memory_format, default=torch.contiguous_format
        Of batches. Networks that read them by ``view`` take no other.
    **settings
        Of :class:`Backbone`.
    """
    weights = [*module.parameters(), *module.buffers()]
    is_away = any(values.device != device for values in weights)
    if is_away or any(part.training for part in module.modules()):
        module = copy.deepcopy(module).to(device).eval()
    return Backbone(
        run=partial(_run, module, _type_of(module), memory_format),
        device=device,
        preparation=_channels_of(module) if preparation is None else preparation,
        **{"identity": partial(hash_of_module, module), **settings},
    )


def from_file(path: Path, device: torch.device) -> Backbone:
    """Load a program of ``torch.export`` (.pt2), or TorchScript.

    Raises
    ------
    ValueError
        If the file holds neither; weights alone are no network.
    """
    identity = partial(hash_of_file, path)
    try:
        if path.suffix.lower() == ".pt2":
            return replace(_exported(path, device), identity=identity)
        with warnings.catch_warnings():
            # torch would have all files exported anew; they are read nonetheless.
            warnings.simplefilter("ignore", DeprecationWarning)
            module = torch.jit.load(path, map_location=device).eval()
    except PermissionError:
        raise
    except Exception as error:  # damage comes out as nearly anything
        raise ValueError(
            f"{str(path)!r} holds neither TorchScript nor, as .pt2, a program of "
            f"torch.export ({' '.join(str(error).split())[:200]}). A file of weights "
            "alone needs its module: load them into one, and pass that."
        ) from error
    return from_module(module, device, identity=identity)


def _exported(path: Path, device: torch.device) -> Backbone:
    """Load an exported program, whose input tells what it takes."""
    program = torch.export.load(path)
    if device.type != "cpu":
        from torch.export.passes import move_to_device_pass

        program = move_to_device_pass(program, device)
    names = program.graph_signature.user_inputs
    if len(names) != 1:
        raise ValueError(f"it takes {len(names)} inputs, and one is wanted: a picture")
    (name,) = names
    (given,) = (
        node.meta["val"] for node in program.graph.nodes if node.name == str(name)
    )
    shape = [length if isinstance(length, int) else None for length in given.shape]
    return Backbone(
        run=partial(_run, program.module(), given.dtype, torch.contiguous_format),
        device=device,
        preparation=Preparation.of_shape(shape) if len(shape) == 4 else Preparation(),
        identity=lambda: None,
        only_pictures=len(shape) == 4,
        batch=shape[0],
    )


def _run(
    module: nn.Module,
    dtype: torch.dtype,
    memory_format: torch.memory_format,
    batch: torch.Tensor,
) -> Any:
    return module(batch.to(dtype=dtype, memory_format=memory_format))


def _type_of(module: nn.Module) -> torch.dtype:
    """Type that a module computes in: that of its first weights."""
    floating = (p.dtype for p in module.parameters() if p.dtype.is_floating_point)
    return next(floating, torch.float32)


def _channels_of(module: nn.Module) -> Preparation:
    """Read off the first convolution whether a module takes brightness alone."""
    for part in module.modules():
        # One of a file is known by the name that its class had.
        name = getattr(part, "original_name", type(part).__name__)
        if name == "Conv2d" and getattr(part, "groups", 1) == 1:
            weight: Any = part.weight
            return Preparation(n_channels=1 if weight.shape[1] == 1 else 3)
    return Preparation()
