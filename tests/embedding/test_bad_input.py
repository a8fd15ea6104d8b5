"""What cannot be embedded is told, with what would be right."""

import numpy as np
import pytest
import torch
from torch import nn

from deepcluster_sk import ImageEmbedder
from tests.embedding.networks import Grid, photographs, squares

X = photographs()


@pytest.mark.parametrize(
    ("model", "error", "match"),
    [
        (None, ValueError, "'model' parameter of ImageEmbedder must be an instance of"),
        (3, ValueError, "'model' parameter of ImageEmbedder must be an instance of"),
        ("hub:resnet50", ValueError, r"'hub:resnet50' is no network: use 'timm:NAME'"),
        ("https://x.org/a.onnx", ValueError, "is no network: use 'timm:NAME'"),
        ("timm:", ValueError, "'timm:' is no network: use"),
        ("resnet50", FileNotFoundError, "there is no such file. A network is 'timm:"),
        ("no/such.onnx", FileNotFoundError, "'no/such.onnx': there is no such file"),
        ("no/such.pt", FileNotFoundError, "there is no such file"),
        (__file__, ValueError, "cannot be told by its ending"),
        (nn.Conv2d, TypeError, "model=Conv2d, which is a class, is no network"),
    ],
)
def test_no_network(model, error, match):
    with pytest.raises(error, match=match):
        ImageEmbedder(model).fit(X)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"output": "pool"}, "output='pool' names a tensor of an ONNX file"),
        ({"weights": "w.pt"}, "weights= goes with 'timm:NAME'"),
        ({"device": "tpu"}, "device='tpu' is not a device"),
        ({"size": (8, 8, 8)}, r"size=\(8, 8, 8\) must be whole numbers"),
        ({"size": (8, 0)}, r"size=\(8, 0\) must be whole numbers"),
        ({"size": 0}, "'size' parameter of ImageEmbedder must be"),
        ({"mean": (1, 2)}, r"mean=\(1, 2\) must be a number, or 3"),
        ({"std": (1, 0, 1)}, r"std=\(1, 0, 1\) must be above 0"),
        ({"std": (1, np.nan, 1)}, "must be a number, or 3"),
        ({"layout": "CHW"}, "'layout' parameter of ImageEmbedder must be"),
        ({"batch_size": 0}, "'batch_size' parameter of ImageEmbedder must be"),
        ({"white": 0}, "'white' parameter of ImageEmbedder must be"),
        ({"white": 100}, "X has values from 0 to 255; pixels are wanted"),
        ({"layout": "NHWC"}, r"failed on a batch of shape \(1, 224, 224, 3\)"),
    ],
)
def test_parameters(settings, match):
    with pytest.raises(ValueError, match=match):
        ImageEmbedder(Grid(), **settings).fit(X)


@pytest.mark.parametrize(
    ("network", "match"),
    [
        (lambda x: x, r"array of shape \(1, 3, 224, 224\) of a batch of shape"),
        (lambda x: x.mean((1, 2, 3)), r"array of shape \(1,\)"),
        (lambda x: x.mean((0, 2, 3))[None].repeat(2, 1), r"array of shape \(2, 3\)"),
        (lambda x: x.flatten(1)[:, :0], r"array of shape \(1, 0\)"),
        (lambda x: (x.flatten(1),), "it gave a tuple, not an array"),
        (lambda x: {"pool": x}, "it gave a dict, not an array"),
        (lambda x: None, "it gave a NoneType, not an array"),
        (lambda x: x.flatten(1) / 0, "NaN or infinite numbers of 1 of 1 samples"),
        (lambda x: x.flatten(1).to(torch.complex64), "numbers of type complex"),
        (lambda x: x @ torch.zeros(3, 3), "failed on a batch of shape"),
    ],
)
def test_what_networks_give(network, match):
    with pytest.raises(ValueError, match=match):
        ImageEmbedder(network).fit(X)


def test_axes_that_pooling_leaves_are_taken_off():
    found = ImageEmbedder(lambda x: x.mean((2, 3), keepdim=True)).fit_transform(X)
    assert found.shape == (6, 3)


@pytest.mark.parametrize(
    ("images", "match"),
    [
        (X - 100.0, "from -100 to .*; pixels are wanted"),
        (X * 1e6, "which does not tell what white is"),
        (np.zeros((3, 4, 9, 9)), "images of 4 channels; networks take grey"),
        (np.full((3, 9, 9), np.nan), "NaN"),
        (X[:0], "0 sample"),
        (["a.jpg", "b.jpg"], r"names, such as 'a.jpg'.*load_pictures"),
    ],
)
def test_images(images, match):
    with pytest.raises(ValueError, match=match):
        ImageEmbedder(Grid()).fit(images)


def test_images_other_than_those_fitted():
    embedder = ImageEmbedder(Grid(), size=9).fit(X)
    with pytest.raises(ValueError, match="the estimator was fitted on images of"):
        embedder.transform(photographs(3, 9, 9))
    with pytest.raises(ValueError, match=r"wanted, from 0 \(black\) to 255"):
        embedder.transform(X.astype(float) + 1)
    embedder.set_params(model=squares)
    with pytest.raises(ValueError, match="gives 8 numbers for a sample, but gave 20"):
        embedder.transform(X)
