"""Contrast normalisation: seeing the object, not the light that falls on it."""

import torch
from torch import nn

#: The kinds, from what changes an image least to what changes it most.
CONTRASTS = ("none", "image", "local")
#: Standard deviation of the local window, as a fraction of the image side.
WINDOW = 1 / 8
#: Added to the deviations divided by, in units of what samples are scaled to (their
#: standard deviation; of DEPICT and the variational model their range): flat parts of
#: an image are not blown up into noise.
FLOOR = 0.08


class Contrast(nn.Module):
    r"""Remove brightness and contrast of an image, or of every place in it.

    .. math:: y = \frac{x - m(x)}{s(x) + \epsilon}

    with mean m and standard deviation s over the whole image (``"image"``), or over a
    Gaussian window around each pixel (``"local"``); channels are treated apart.

    Parameters
    ----------
    kind : {"none", "image", "local"}
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
            x = x.float()
            mean = self._mean(x)
            variance = (self._mean(x.square()) - mean.square()).clamp_min(0)
            return (x - mean) / (variance.sqrt() + FLOOR)

    def _mean(self, x: torch.Tensor) -> torch.Tensor:
        if self.kind == "image":
            return x.mean((2, 3), keepdim=True)
        rows, columns = (_gaussian_window(side, x) for side in x.shape[2:])
        # Two small products a channel; what lies outside the image has no weight.
        return rows @ x.contiguous() @ columns.T


def _gaussian_window(side: int, like: torch.Tensor) -> torch.Tensor:
    """Weights ``(side, side)`` of a Gaussian mean along one axis; rows sum to 1."""
    place = torch.arange(side, device=like.device, dtype=like.dtype)
    gap = (place[:, None] - place) / (WINDOW * side)
    return torch.softmax(-gap.square() / 2, dim=1)
