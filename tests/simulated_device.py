"""A GPU that is not there: tensors on the CPU that claim to be on ``cuda:0``.

Inside :func:`simulated_device` everything that is created on, moved to or computed from
the device is remembered as being there, by its storage. Tensors of both places are
refused together, as torch refuses them, and whatever would make the host wait for the
device, or copy to it, is written down.
"""

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from deepcluster_sk.base import preparation
from deepcluster_sk.methods.neighbor_graph import estimator
from deepcluster_sk.runtime import seeding

DEVICE = torch.device("cuda", 0)
aten = torch.ops.aten
#: Operations whose result has a size that the host must be told.
DATA_DEPENDENT = {
    *(aten.nonzero.default, aten.masked_select.default, aten._unique2.default),
    *(aten.unique_dim.default, aten.unique_consecutive.default),
    aten.repeat_interleave.Tensor,
}
#: Operations that check their input on the host where it is there, and not on a GPU.
CHECKED_ON_THE_HOST = {torch._C._nn.one_hot, torch.nn.functional.one_hot}


class DeviceGenerator(torch.Generator):
    """A stream of random numbers that claims to be on the device."""

    @property
    def device(self):
        return DEVICE


@dataclass
class Traffic:
    """What went between host and device: ``waits`` of the host, and ``uploads``.

    An upload that blocks is a wait as well.
    """

    waits: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)

    def take(self):
        """What there was since the last time."""
        taken = Traffic(list(self.waits), list(self.uploads))
        self.waits.clear()
        self.uploads.clear()
        return taken


class Places:
    """Which storages are on the device; references to them, so that none comes back."""

    def __init__(self):
        self.there = {}

    def has(self, tensor):
        return tensor.untyped_storage()._cdata in self.there

    def add(self, result):
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                self.there[storage._cdata] = StorageWeakRef(storage)


class _Operations(TorchDispatchMode):
    """Follow every operation, those inside others and inside backward as well."""

    def __init__(self, places, traffic):
        super().__init__()
        self.places, self.traffic = places, traffic
        #: Whether what is created inside the running function belongs on the device.
        self.creating = False
        self.paused = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if self.paused:
            return func(*args, **kwargs)
        tensors = [
            t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)
        ]
        there = [t for t in tensors if self.places.has(t)]
        # A number in a tensor is passed by value.
        here = [t for t in tensors if t.ndim and not self.places.has(t)]
        if there:
            self._note(func, args, kwargs, bool(here))
        out = func(*args, **kwargs)
        if func is aten.copy_.default:
            return out  # stays where it was
        if there or (self.creating and not tensors):
            self.places.add(out)
        return out

    def _note(self, func, args, kwargs, mixed):
        if func is aten._local_scalar_dense.default or func in DATA_DEPENDENT:
            self.traffic.waits.append(str(func))
        elif func is aten.copy_.default and mixed:
            blocking = not (args[2:] or kwargs.get("non_blocking"))
            self._copied(self.places.has(args[0]), blocking, "copy_")
        elif func in (aten.index.Tensor, aten.index_put_.default):
            masks = [i for i in args[1] if i is not None]
            if any(i.dtype in (torch.bool, torch.uint8) for i in masks):
                self.traffic.waits.append(f"{func} by a mask")
            if not self.places.has(args[0]):
                raise RuntimeError(f"{func}: indices on the device, data on the host")
            if mixed:
                self._copied(True, True, "indices on the host")
        elif mixed:
            raise RuntimeError(f"{func}: tensors on the host and on {DEVICE} together")

    def _copied(self, up, blocking, how):
        if up:
            self.traffic.uploads.append(how)
        if not up or blocking:
            self.traffic.waits.append(how)


class _Functions(TorchFunctionMode):
    """Make places matter where Python asks for them."""

    def __init__(self, operations):
        super().__init__()
        self.operations = operations
        self.places, self.traffic = operations.places, operations.traffic

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        tensor = args[0] if args and isinstance(args[0], torch.Tensor) else None
        if tensor is not None:
            there = self.places.has(tensor)
            if func == torch.Tensor.device.__get__:
                return DEVICE if there else func(*args)
            if func == torch.Tensor.is_cuda.__get__:
                return there
            if func is torch.Tensor.cpu:
                return self._moved(tensor, False, "cpu()")
            if func is torch.Tensor.to:
                return self._to(tensor, *args[1:], **kwargs)
            if func is torch.Tensor.numpy and there:
                raise TypeError(f"can't convert a tensor on {DEVICE} to numpy")
            if func is torch.Tensor.tolist and there:
                self.traffic.waits.append("tolist()")
        return self._call(func, args, kwargs, tensor)

    def _call(self, func, args, kwargs, tensor):
        device = kwargs.get("device")
        wanted = device is not None and torch.device(device).type == "cuda"
        if func in (torch.tensor, torch.as_tensor) and wanted:
            del kwargs["device"]
            data = func(*args, **kwargs)
            return self._moved(data, True, func.__name__)
        if wanted:
            kwargs["device"] = "cpu"
        leaves = tree_leaves((args, kwargs))
        given = [t for t in leaves if isinstance(t, torch.Tensor)]
        there = any(map(self.places.has, given)) if device is None else wanted
        generator = kwargs.get("generator")
        if generator is not None and (generator.device.type == "cuda") != there:
            raise RuntimeError(f"{func}: a generator on {generator.device}")
        before = self.operations.creating, len(self.traffic.waits)
        self.operations.creating = there
        try:
            out = func(*args, **kwargs)
        finally:
            self.operations.creating = before[0]
        if func in CHECKED_ON_THE_HOST:
            del self.traffic.waits[before[1] :]
        if wanted:
            self.places.add(out)
        return out

    def _to(self, tensor, *args, **kwargs):
        if args and isinstance(args[0], torch.Tensor):
            up, dtype = self.places.has(args[0]), args[0].dtype
            return self._moved(tensor.to(dtype), up, "to(tensor)")
        copy = kwargs.pop("copy", False)
        device, dtype, non_blocking, memory = torch._C._nn._parse_to(*args, **kwargs)
        settings = {"copy": copy} if memory is None else {"memory_format": memory}
        out = tensor.to(tensor.dtype if dtype is None else dtype, **settings)
        if device is None:
            return out
        return self._moved(out, device.type == "cuda", "to()", non_blocking)

    def _moved(self, tensor, up, how, non_blocking=False):
        if self.places.has(tensor) == up:
            return tensor
        self.operations._copied(up, not (up and non_blocking), how)
        self.operations.paused = True
        try:
            out = tensor.clone()
        finally:
            self.operations.paused = False
        if up:
            self.places.add(out)
        return out


@contextmanager
def simulated_device(keeps_data=True):
    """Be on a machine with a GPU, for fits with ``device="auto"``.

    Parameters
    ----------
    keeps_data : bool
        Whether data sets fit on the device.

    Yields
    ------
    Traffic, Places
    """
    traffic, places = Traffic(), Places()
    operations = _Operations(places, traffic)

    def generator(seed, device):
        kind = DeviceGenerator if device.type == "cuda" else torch.Generator
        return kind().manual_seed(seed)

    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for module in (preparation, estimator):
            patch.setattr(module, "resolve_device", lambda device: DEVICE)
        patch.setattr(preparation, "keeps_data", lambda device, n_bytes: keeps_data)
        patch.setattr(
            preparation, "resolve_precision", lambda precision, device: torch.float32
        )
        patch.setattr(seeding, "generator", generator)
        patch.setattr(seeding, "_seeded_accelerator", lambda *args: nullcontext())
        stack.enter_context(operations)
        stack.enter_context(_Functions(operations))
        yield traffic, places
