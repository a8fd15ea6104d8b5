"""Networks in ONNX files, run by onnxruntime; any inner tensor may be their output."""

import difflib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.embedding.backbone import Backbone, hash_of_file
from deepcluster_sk.embedding.preparation import Preparation

_NEEDED = (
    "ONNX files are read by the packages onnx and onnxruntime: pip install "
    '"deepcluster-sk[onnx]"'
)
#: Types of input that a network may have.
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}
_ERRORS_ONLY = 3
#: Names of tensors that an error lists, at most.
_N_NAMED = 5


def from_onnx(path: Path, device: Any, output: str | None) -> Backbone:
    """Load an ONNX file.

    Parameters
    ----------
    path : Path
    device : str or torch.device
        "auto" is the GPU where this onnxruntime can use one.
    output : str or None
        Name of the tensor that is wanted, of the graph's outputs or inside the graph;
        None is the first output.

    Raises
    ------
    ImportError
        If onnxruntime is missing, or onnx where the tensor is inside the graph.
    ValueError
        If the file is damaged, takes something else than pictures or vectors, or has
        no such tensor; if onnxruntime has no such device.
    """
    try:
        import onnxruntime as runtime
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    providers = _providers(runtime, device)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = runtime.InferenceSession(str(path), options, providers=providers)
        names = [found.name for found in session.get_outputs()]
    except Exception as error:  # of a dozen classes
        raise _unreadable(path, error) from error
    if output is not None and output not in names:
        # Weights beside the file are looked for where it is.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path",
            str(path.absolute().parent),
        )
        graph = _with_output(path, output)
        session = runtime.InferenceSession(graph, options, providers=providers)
    given = _input_of(session, path)
    is_picture = len(given.shape) == 4
    length = given.shape[0]
    return Backbone(
        run=partial(_run, session, output or names[0], given.name, _TYPES[given.type]),
        device=torch.device("cpu"),  # onnxruntime copies to its own
        preparation=(
            Preparation.of_shape(given.shape) if is_picture else Preparation()
        ),
        identity=partial(hash_of_file, path, output or ""),
        only_pictures=is_picture,
        batch=length if isinstance(length, int) else None,
    )


def _run(
    session: Any, output: str, given: str, dtype: type, batch: torch.Tensor
) -> NDArray[Any]:
    (found,) = session.run([output], {given: batch.numpy().astype(dtype, copy=False)})
    return np.asarray(found)


def _providers(runtime: Any, device: Any) -> list[Any]:
    """Choose what onnxruntime computes with.

    Raises
    ------
    ValueError
        If it cannot.
    """
    has_cuda = "CUDAExecutionProvider" in runtime.get_available_providers()
    if device == "auto":
        wanted = torch.device("cuda" if has_cuda else "cpu")
    else:
        wanted = torch.device(device)
    if wanted.type == "cpu":
        return ["CPUExecutionProvider"]
    if wanted.type != "cuda" or not has_cuda:
        raise ValueError(
            f"device={str(device)!r}: this onnxruntime computes on the CPU"
            + (" and on CUDA" if has_cuda else "; onnxruntime-gpu does on CUDA")
            + " alone."
        )
    return [
        ("CUDAExecutionProvider", {"device_id": wanted.index or 0}),
        "CPUExecutionProvider",
    ]


def _input_of(session: Any, path: Path) -> Any:
    """Find the one input of a network.

    Raises
    ------
    ValueError
        If there are several, or it is no picture and no vector.
    """
    inputs = session.get_inputs()
    told = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
    if len(inputs) != 1:
        raise ValueError(f"{str(path)!r} takes {told}: one input is wanted, a picture.")
    (given,) = inputs
    if given.type not in _TYPES or len(given.shape) not in (2, 4):
        raise ValueError(
            f"{str(path)!r} takes {told}: floating-point numbers of two axes (vectors) "
            "or four (pictures) are wanted."
        )
    return given


def _with_output(path: Path, name: str) -> bytes:
    """Read a file, and add a tensor of its graph to the outputs.

    Raises
    ------
    ValueError
        If there is no such tensor.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    model = onnx.load(path, load_external_data=False)
    inner = [tensor for node in model.graph.node for tensor in node.output if tensor]
    if name not in inner:
        near = difflib.get_close_matches(name, inner, _N_NAMED) or inner[-_N_NAMED:]
        raise ValueError(
            f"{str(path)!r} has no tensor {name!r}; there are {len(inner)} others, "
            f"such as {', '.join(map(repr, near))}."
        )
    # Type and shape are found out when it is loaded.
    model.graph.output.append(onnx.ValueInfoProto(name=name))
    return bytes(model.SerializeToString())


def _unreadable(path: Path, error: Exception) -> ValueError:
    about = " ".join(str(error).split())[:200]
    return ValueError(
        f"{str(path)!r} is damaged, or no ONNX file that this onnxruntime reads "
        f"({about})."
    )
