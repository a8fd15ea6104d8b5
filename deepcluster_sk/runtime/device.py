"""Which device and which precision to compute on."""

from typing import Any

import torch

#: Part of a GPU's free memory that a data set may take; the rest is for training.
DATA_SHARE = 0.25


def resolve_device(device: Any) -> torch.device:
    """Find the device an estimator was asked to use.

    Parameters
    ----------
    device : str or torch.device
        ``"auto"`` is CUDA where there is one, else the CPU. Apple's MPS is taken only
        where it is asked for: it may lack operations that augmentation or the start
        need.

    Raises
    ------
    ValueError
        If there is no such device on this machine, or the name means nothing.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return _numbered(torch.device("cuda"))
        return torch.device("cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError):
        resolved = None
    if resolved is None or resolved.type not in ("cpu", "cuda", "mps"):
        raise ValueError(
            f"device={device!r} is not a device: use 'auto', 'cpu', 'cuda', 'cuda:1' "
            "(or another number) or 'mps'."
        )
    present = _present_devices()
    if resolved.type not in present or (
        resolved.type == "cuda" and str(resolved) not in present
    ):
        raise ValueError(
            f"device={device!r} is not on this machine, which has: "
            f"{', '.join(present)}. device='auto' takes CUDA or the CPU."
        )
    return _numbered(resolved)


def _numbered(device: torch.device) -> torch.device:
    """Give a CUDA device its number: what is current may change before ``predict``."""
    if device == torch.device("cuda"):
        return torch.device("cuda", torch.cuda.current_device())
    return device


def _present_devices() -> list[str]:
    present = ["cpu"]
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        present += ["cuda", *(f"cuda:{number}" for number in range(count))]
    if torch.backends.mps.is_available():
        present.append("mps")
    return present


def keeps_data(device: torch.device, n_bytes: int) -> bool:
    """Whether a data set is to be copied to the device before training.

    It is to a CUDA device on which the data take no more than `DATA_SHARE` of the free
    memory. A CPU has the data already.

    Parameters
    ----------
    device : torch.device
    n_bytes : int
    """
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes <= DATA_SHARE * free


def by_device(device: torch.device, on_cpu: int, elsewhere: int) -> int:
    """Size of a piece of work: what a cache holds, or enough to keep a GPU busy."""
    return on_cpu if device.type == "cpu" else elsewhere


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Find the type training computes in.

    Parameters
    ----------
    precision : {"auto", "float32", "bf16"}
        ``"auto"`` is bf16 mixed precision where that is faster: on CUDA cards that
        compute in it, and on processors with AMX.
    device : torch.device
    """
    if precision == "auto":
        fast = (device.type == "cuda" and _cuda_has_bf16(device)) or (
            device.type == "cpu" and _cpu_has_amx()
        )
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def _cpu_has_amx() -> bool:
    # AVX-512 alone has bf16 as well, but a fit takes a third longer in it than in
    # float32. torch keeps the question behind an underscore and has no public one.
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)())


def _cuda_has_bf16(device: torch.device) -> bool:
    # Ampere and later compute in it; earlier cards emulate it slowly.
    return torch.cuda.get_device_capability(device)[0] >= 8
