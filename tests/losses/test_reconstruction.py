import pytest
import torch
from torch.autograd import gradcheck

from deepcluster_sk.losses.reconstruction import reconstruction_loss
from tests.losses.strategies import differentiable, tensor


@pytest.mark.parametrize("shape", [(3, 5), (2, 1, 4, 3), (2, 3, 2, 2)])
def test_equals_a_loop_over_images_and_pixels(shape):
    output, target = tensor(0, *shape), tensor(1, *shape)
    per_image = []
    for image, wanted in zip(output, target, strict=True):
        squares = [
            float(a - b) ** 2
            for a, b in zip(image.flatten(), wanted.flatten(), strict=True)
        ]
        per_image.append(sum(squares) / len(squares))
    expected = sum(per_image) / len(per_image)
    assert reconstruction_loss(output, target).item() == pytest.approx(expected)


def test_gradient():
    assert gradcheck(reconstruction_loss, (differentiable(0, 3, 4), tensor(1, 3, 4)))


def test_zero_only_where_the_image_is_given_back():
    x = tensor(0, 2, 1, 3, 3)
    assert reconstruction_loss(x, x) == 0
    assert reconstruction_loss(x, x + 1e-3) > 0


def test_does_not_depend_on_the_size_of_image_or_batch():
    x = tensor(0, 2, 6)
    assert torch.allclose(
        reconstruction_loss(x.repeat(3, 4), x.repeat(3, 4) + 0.5),
        reconstruction_loss(x, x + 0.5),
    )
