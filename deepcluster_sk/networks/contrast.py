"""Contrast normalisation: seeing the object, not its light, nor its colours."""

import torch
from torch import nn
from torch.nn import functional as F

#: The kinds, from what changes an image least to what changes it most.
CONTRASTS = ("none", "image", "local", "level", "figure", "edges")
#: Two that do not see from which side light falls.
LIGHT_BLIND = ("level", "edges")
#: Two that see no colours, nor which of an object and its ground is the lighter.
COLOUR_BLIND = ("figure", "edges")
#: The others, of which none is blind to what another sees.
USUAL = ("none", "image", "local")
#: Standard deviation of the local window, as a fraction of the image side.
WINDOW = 1 / 8
#: Added to the deviations divided by, in units of what samples are scaled to (their
#: standard deviation; of DEPICT and the variational model their range): flat parts of
#: an image are not blown up into noise.
FLOOR = 0.08


class Contrast(nn.Module):
    r"""Remove brightness and contrast of an image, or of every place in it, or colours.

    .. math:: y = \frac{x - m(x)}{s(x) + \epsilon}

    with mean m and standard deviation s over the whole image (``"image"``), or over a
    Gaussian window around each pixel (``"local"``); channels are treated apart.
    The others change images first, and go on as ``"image"`` does. ``"level"`` takes
    the plane out that fits each channel best: light that falls from one side.
    ``"figure"`` takes of each pixel how far its colour is from that of the ground, the
    median along the border of the image, and ``"edges"`` how steeply colours change
    there (the length of the gradient); all channels are the same then.

    Parameters
    ----------
    kind : {"none", "image", "local", "level", "figure", "edges"}
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise images ``(n, C, H, W)``, scaled; the same shape, float32."""
        if self.kind == "none":
            return x
        # The mean of squares less the square of the mean is no task for bf16.
        with torch.autocast(x.device.type, enabled=False):
            x = self._changed(x.float())
            mean = self._mean(x)
            variance = (self._mean(x.square()) - mean.square()).clamp_min(0)
            return (x - mean) / (variance.sqrt() + FLOOR)

    def _mean(self, x: torch.Tensor) -> torch.Tensor:
        if self.kind != "local":
            return x.mean((2, 3), keepdim=True)
        rows, columns = (_gaussian_window(side, x) for side in x.shape[2:])
        # Two small products a channel; what lies outside the image has no weight.
        return rows @ x.contiguous() @ columns.T

    def _changed(self, x: torch.Tensor) -> torch.Tensor:
        if self.kind == "level":
            return _levelled(_levelled(x, 2), 3)
        if self.kind == "figure":
            apart = x - _ground(x)
        elif self.kind == "edges":
            apart = torch.cat(_slopes(x), dim=1)
        else:
            return x
        return apart.square().sum(1, keepdim=True).sqrt().expand_as(x)


def _levelled(x: torch.Tensor, axis: int) -> torch.Tensor:
    """Take out of images what grows evenly along an axis, by least squares."""
    place = torch.linspace(-1, 1, x.shape[axis], device=x.device)
    place = (place - place.mean()).view(-1, *[1] * (3 - axis))
    slope = (x * place).mean((2, 3), keepdim=True)
    return x - slope / place.square().mean().clamp_min(1e-12) * place


def _ground(x: torch.Tensor) -> torch.Tensor:
    """Median colour ``(n, C, 1, 1)`` along the border of images."""
    border = torch.cat([x[:, :, 0], x[:, :, -1], x[..., 0], x[..., -1]], dim=2)
    # Their number is even: of both in the middle the mean, whichever way is up.
    middle = border.shape[2] // 2
    around = border.sort(dim=2).values[:, :, middle - 1 : middle + 1]
    return around.mean(2)[:, :, None, None]


def _slopes(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Change of images from pixel to pixel, along rows and along columns."""
    wide = F.pad(x, (1, 1, 1, 1), mode="replicate")
    across = wide[:, :, 1:-1, 2:] - wide[:, :, 1:-1, :-2]
    down = wide[:, :, 2:, 1:-1] - wide[:, :, :-2, 1:-1]
    return across / 2, down / 2


def _gaussian_window(side: int, like: torch.Tensor) -> torch.Tensor:
    """Weights ``(side, side)`` of a Gaussian mean along one axis; rows sum to 1."""
    place = torch.arange(side, device=like.device, dtype=like.dtype)
    gap = (place[:, None] - place) / (WINDOW * side)
    return torch.softmax(-gap.square() / 2, dim=1)
