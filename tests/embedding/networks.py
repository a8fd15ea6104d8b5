"""Small networks: what is tested is what stands around them."""

import warnings

import numpy as np
import torch
from torch import nn


class Grid(nn.Module):
    """Means over 2x2 fields of the picture, mixed by weights; no size is fixed."""

    def __init__(self, n_channels=3, seed=0):
        super().__init__()
        self.mix = nn.Conv2d(n_channels, 5, 1)
        self.pool = nn.AdaptiveAvgPool2d(2)
        rng = np.random.default_rng(seed)
        with torch.no_grad():
            for values in self.parameters():
                values.copy_(torch.from_numpy(rng.normal(size=values.shape)))
        self.eval()

    def forward(self, images):
        return self.pool(self.mix(images)).flatten(1)


def squares(batch):
    """A function for a network, of vectors and pictures alike."""
    rows = np.asarray(batch).reshape(len(batch), -1)
    return np.concatenate([rows[:, :4], np.square(rows[:, :4])], axis=1)


def photographs(n=6, height=20, width=20, seed=0):
    shape = (n, height, width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save_script(path, seed=0, n_channels=3):
    """Write the grid as TorchScript, which torch would have nobody do any more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        example = torch.zeros(2, n_channels, 9, 9)
        torch.jit.save(torch.jit.trace(Grid(n_channels, seed), example), path)
    return path


def save_onnx(path, *, side=8, batch="n", layout="NHWC"):
    """Write a network that averages over pixels, doubles, and sums at the end.

    ``middle`` is an inner tensor: twice the mean of each channel.
    """
    from onnx import TensorProto, helper, numpy_helper

    shape = [batch, side, side, 3] if layout == "NHWC" else [batch, 3, side, side]
    axes = [1, 2] if layout == "NHWC" else [2, 3]
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("Mul", ["mean", "two"], ["middle"]),
        helper.make_node("ReduceSum", ["middle", "last"], ["end"], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("end", TensorProto.FLOAT, [batch, 1])],
        [
            numpy_helper.from_array(np.array(2, np.float32), "two"),
            numpy_helper.from_array(np.array([1], np.int64), "last"),
        ],
    )
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path
