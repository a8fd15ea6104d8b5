"""Nested values as JSON and tensors, and back."""

from dataclasses import fields
from typing import Any

import numpy as np
import scipy.sparse
import torch

from deepcluster_sk.graph.contest import Appearance
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.neighbors import PrincipalComponents, SeveralFeatures
from deepcluster_sk.graph.patches import PatchFeatures, PatchSettings
from deepcluster_sk.graph.start import GraphStart
from deepcluster_sk.persistence.files import as_tensor, decode, encode
from deepcluster_sk.training.snapshot import Snapshot

#: Values with fields that may be among them; no other class is ever made.
_KNOWN = (
    *(Graph, GraphStart, Appearance, Snapshot),
    *(PrincipalComponents, SeveralFeatures, PatchFeatures, PatchSettings),
)
_CLASSES = {cls.__name__: cls for cls in _KNOWN}


def pack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Turn a value into JSON, and put the tensors it holds aside, on the CPU.

    Dictionaries, lists, tuples, the package's own values with fields, and what
    :func:`~deepcluster_sk.persistence.files.encode` knows.
    """
    name = str(len(tensors))
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().cpu().clone()  # none may share memory
        return {"tensor": name}
    if isinstance(value, np.ndarray):
        tensors[name] = as_tensor(value)
        return {"array": name}
    if isinstance(value, scipy.sparse.csr_matrix):
        parts = [value.data, value.indices, value.indptr]
        return {"csr": pack(parts, tensors), "shape": list(value.shape)}
    if isinstance(value, dict):
        pairs = [[pack(part, tensors) for part in pair] for pair in value.items()]
        return {"pairs": pairs}
    if isinstance(value, list):
        return [pack(item, tensors) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [pack(item, tensors) for item in value]}
    if type(value).__name__ in _CLASSES:
        held = {part.name: getattr(value, part.name) for part in fields(value)}
        return {"class": type(value).__name__, "fields": pack(held, tensors)}
    return encode(value)


def unpack(packed: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Undo :func:`pack`."""
    if isinstance(packed, list):
        return [unpack(item, tensors) for item in packed]
    if not isinstance(packed, dict):
        return packed
    if "tensor" in packed:
        return tensors[packed["tensor"]]
    if "array" in packed:
        return tensors[packed["array"]].numpy()
    if "csr" in packed:
        parts = tuple(unpack(packed["csr"], tensors))
        return scipy.sparse.csr_matrix(parts, shape=tuple(packed["shape"]))
    if "pairs" in packed:
        return {
            unpack(key, tensors): unpack(value, tensors)
            for key, value in packed["pairs"]
        }
    if "tuple" in packed:
        return tuple(unpack(item, tensors) for item in packed["tuple"])
    if "class" in packed:
        return _CLASSES[packed["class"]](**unpack(packed["fields"], tensors))
    return decode(packed)
