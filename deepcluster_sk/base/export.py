"""A fitted clusterer for programs that have torch or an ONNX runtime, and no more."""

import copy
import io
import os
import warnings
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from deepcluster_sk.data.resizing import overlaps
from deepcluster_sk.persistence.files import check_place
from deepcluster_sk.runtime.files import write_whole

ExportFormat = Literal["onnx", "torch"]
_NEEDED = (
    'Export to ONNX needs the packages onnx and onnxscript: pip install "deepcluster-sk'
    '[onnx]", with torch 2.6 or later. format="torch" needs nothing more.'
)


class Exported(nn.Module):
    """Samples as they come to probabilities and latent vectors: all of ``predict``.

    Parameters
    ----------
    clusterer
        Fitted.
    """

    def __init__(self, clusterer: Any) -> None:
        super().__init__()
        net = clusterer.net_
        # A copy: others may be predicting meanwhile.
        self.module = copy.deepcopy(net.module_).cpu()
        self.given, layout = clusterer._layout, net.reader.layout
        self.shrinks = self.given.shape != layout.shape
        scaler, shape = net.reader.scaler, (-1, *[1] * (len(layout.shape) - 1))
        buffers = {
            "offset": torch.as_tensor(scaler.offset.reshape(shape)),
            "scale": torch.as_tensor(scaler.scale.reshape(shape)),
        }
        if self.shrinks:
            _, height, width = self.given.shape
            buffers["rows"] = overlaps(height, layout.shape[1])
            buffers["columns"] = overlaps(width, layout.shape[2])
        for name, value in buffers.items():
            self.register_buffer(name, value)

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Assign samples ``(n, *image_shape_)`` or ``(n, n_features)``, float32."""
        batch = self.given.arrange(samples.flatten(1).double())
        if self.shrinks:
            batch = (self.rows @ batch @ self.columns.T).float().double()
        latent, log_assignment = self.module.embed(
            ((batch - self.offset) * self.scale).float()
        )
        return log_assignment.exp(), latent


def export(clusterer: Any, path: str | os.PathLike[str], kind: ExportFormat) -> None:
    """Write a fitted clusterer; see :meth:`BaseDeepClusterer.export`."""
    if kind not in ("onnx", "torch"):
        raise ValueError(f"format must be 'onnx' or 'torch', got {kind!r}.")
    path = Path(path)
    check_place(path)
    shape = clusterer.image_shape_ or (clusterer.n_features_in_,)
    # Two: of one, torch takes the number of samples for fixed.
    example = torch.zeros(2, *shape, dtype=torch.float32)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of its own code
        program = torch.export.export(
            Exported(clusterer).eval(),
            (example,),
            dynamic_shapes={"samples": {0: torch.export.Dim("n_samples")}},
        )
        content = _as_torch(program) if kind == "torch" else _as_onnx(program)
    write_whole(path, content, replace=True)


def _as_torch(program: Any) -> bytes:
    file = io.BytesIO()
    torch.export.save(program, file)
    return file.getvalue()


def _as_onnx(program: Any) -> bytes:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401

        converted: Any = torch.onnx.export(
            program,
            dynamo=True,
            input_names=["samples"],
            output_names=["probabilities", "latent"],
            verbose=False,
        )
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    content: bytes = converted.model_proto.SerializeToString()
    return content
