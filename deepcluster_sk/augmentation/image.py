"""Augmentation of batches of images on their own device, with one Generator.

Every image of a batch gets its own transform, yet the batch is resampled once: the
geometric parts (rotation, scale, shift, shear, flip, crop) are composed into one affine
map per image. A strength of 0 switches a part off, and a module whose strengths are all
0 returns its input untouched.

The modules draw a fixed number of random numbers per image whichever parts are on, so
that switching one part off leaves the others as they were (a fair ablation).
"""

import math
import sys
from collections.abc import Mapping
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from deepcluster_sk.augmentation.affine import (
    PaddingMode,
    affine_maps,
    pixel_centres,
    resample,
)

__all__ = [
    "Augmentation",
    "checked_strength",
    "uniform",
]

#: Smallest and largest share of the image that an erased rectangle covers.
ERASED_AREA = (0.02, 0.2)
#: An erased rectangle's height over its width (in fractions of the sides) is drawn
#: log-uniformly between the inverse of this number and the number itself.
ERASED_ASPECT = 3.0

# One column of random numbers per decision, so that parts stay independent.
_COLUMNS = (
    *("rotation", "shift_x", "shift_y", "scale", "shear", "flip"),
    *("contrast", "brightness", "gamma", "shading", "shading_angle"),
    *("erasing", "area", "aspect", "top", "left"),
    *("crop", "crop_x", "crop_y", "saturation", "hue", "greying"),
)


def checked_strength(name: str, value: Any, upper: float, closed: bool = True) -> float:
    """Return `value` as a float in [0, upper] (or [0, upper) if not `closed`)."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}.")
    number: Any = value
    fits = 0.0 <= number < upper or (closed and number == upper < math.inf)
    if not fits or number > sys.float_info.max:  # as an integer may be
        bracket = "]" if closed and upper < math.inf else ")"
        raise ValueError(f"{name} must lie in [0, {upper:g}{bracket}, got {value!r}.")
    return float(number)


def uniform(
    n: int, columns: int, x: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Draw (n, columns) numbers in [0, 1) where the generator lives; move them to `x`.

    A generator on another device costs one small copy a call, but gives the same
    transforms on every device.
    """
    device = x.device if generator is None else generator.device
    drawn = torch.rand(
        n, columns, generator=generator, device=device, dtype=torch.float32
    )
    return drawn.to(x.device, non_blocking=True)


class Augmentation(nn.Module):
    """Random geometric and photometric changes to a batch of images.

    Parameters
    ----------
    rotation : float, default=0
        Largest absolute angle in degrees, in [0, 180]; drawn uniformly.
    scale : float, default=0
        Fraction; the zoom factor is drawn log-uniformly in
        [1 / (1 + scale), 1 + scale]. Above 1 the content grows.
    shift : float, default=0
        Largest absolute shift along each axis, as a fraction of that side, in [0, 1].
    shear : float, default=0
        Largest absolute horizontal shear angle in degrees, in [0, 90).
    flip : float, default=0
        Probability of mirroring left to right.
    crop : float, default=0
        Largest fraction of the area cut away, in [0, 1); what is kept, of the image's
        own proportions, lies anywhere inside and is blown up to the full size. The
        fraction is drawn uniformly.
    erasing : float, default=0
        Probability of setting one rectangle to 0, the mean of standardised data. It
        covers between 2 % and 20 % of the image (`ERASED_AREA`).
    brightness : float, default=0
        Largest absolute offset, in standard deviations of the data (pixel units of
        standardised input).
    contrast : float, default=0
        Largest relative change of the gain around the image's own mean, in [0, 1].
    gamma : float, default=0
        Fraction; the grey levels, rescaled to the image's own range, are raised to a
        power drawn log-uniformly in [1 / (1 + gamma), 1 + gamma]. Ranges are taken
        per channel.
    saturation : float, default=0
        Largest relative change of the distance of all colours to grey, in [0, 1].
    hue : float, default=0
        Largest absolute angle in degrees, in [0, 180], by which colours are turned
        about the grey axis; of images with three channels only.
    greying : float, default=0
        Probability of taking all colour away, channels keeping their mean.
    shading : float, default=0
        Largest relative amplitude of a linear illumination ramp in a random direction,
        in [0, 1]. Light multiplies, so the ramp acts on the height above the image's
        darkest value (per channel).
    padding_mode : {"border", "zeros", "reflection"}, default="border"
        What lies outside the image. The border's value by default: in standardised
        images the background is not 0.

    Raises
    ------
    TypeError, ValueError
        If a strength is not a number, or lies outside its range.

    Notes
    -----
    The paper augments by rotation, scale, erasing, flip, brightness and contrast [1]_;
    which of them keep the class is a property of the data (a mirrored 2 is no digit),
    hence the presets. `gamma` and `shading` are for images under moving light.

    References
    ----------
    .. [1] D. Das, R. Ghosh, B. Bhowmick, 2019. arXiv:1901.06474, section 3.3.
    """

    def __init__(
        self,
        rotation: float = 0.0,
        scale: float = 0.0,
        shift: float = 0.0,
        shear: float = 0.0,
        flip: float = 0.0,
        crop: float = 0.0,
        erasing: float = 0.0,
        brightness: float = 0.0,
        contrast: float = 0.0,
        gamma: float = 0.0,
        saturation: float = 0.0,
        hue: float = 0.0,
        greying: float = 0.0,
        shading: float = 0.0,
        padding_mode: PaddingMode = "border",
    ) -> None:
        super().__init__()
        self.rotation = checked_strength("rotation", rotation, 180.0)
        self.scale = checked_strength("scale", scale, math.inf)
        self.shift = checked_strength("shift", shift, 1.0)
        self.shear = checked_strength("shear", shear, 90.0, closed=False)
        self.flip = checked_strength("flip", flip, 1.0)
        self.crop = checked_strength("crop", crop, 1.0, closed=False)
        self.erasing = checked_strength("erasing", erasing, 1.0)
        self.brightness = checked_strength("brightness", brightness, math.inf)
        self.contrast = checked_strength("contrast", contrast, 1.0)
        self.gamma = checked_strength("gamma", gamma, math.inf)
        self.saturation = checked_strength("saturation", saturation, 1.0)
        self.hue = checked_strength("hue", hue, 180.0)
        self.greying = checked_strength("greying", greying, 1.0)
        self.shading = checked_strength("shading", shading, 1.0)
        valid = ("border", "zeros", "reflection")
        if padding_mode not in valid:
            raise ValueError(
                f"padding_mode must be one of {valid}, got {padding_mode!r}."
            )
        self.padding_mode = padding_mode

    @property
    def is_identity(self) -> bool:
        """Whether every strength is 0."""
        parts = self._resamples, self._photometric, self._recolours
        return not any((*parts, self.flip, self.erasing))

    @property
    def _resamples(self) -> bool:
        return any((self.rotation, self.scale, self.shift, self.shear, self.crop))

    @property
    def _photometric(self) -> bool:
        return any((self.brightness, self.contrast, self.gamma, self.shading))

    @property
    def _recolours(self) -> bool:
        return any((self.saturation, self.hue, self.greying))

    def extra_repr(self) -> str:
        """Return the strengths that are on, for ``repr``."""
        names = (
            "rotation scale shift shear flip crop erasing brightness contrast gamma "
            "saturation hue greying shading"
        )
        on = [f"{k}={getattr(self, k):g}" for k in names.split()]
        return ", ".join([s for s in on if not s.endswith("=0")])

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return one augmented view of every image.

        Parameters
        ----------
        x : Tensor of shape (n, C, H, W)
            Floating, standardised images. Never written to.
        generator : torch.Generator, optional
            Source of all random numbers, on any device; torch's global stream for
            the device of `x` by default.

        Returns
        -------
        Tensor of shape (n, C, H, W)
            Same dtype, device and memory format as `x`; `x` itself if every strength
            is 0 (nothing is drawn then).

        Raises
        ------
        ValueError
            If `x` is not a 4-D floating tensor.
        """
        if x.ndim != 4 or not x.is_floating_point():
            raise ValueError(
                "Augmentation needs a floating tensor of shape (n, C, H, W), got "
                f"shape {tuple(x.shape)} and dtype {x.dtype}."
            )
        if self.is_identity or x.numel() == 0:
            return x
        drawn = uniform(len(x), len(_COLUMNS), x, generator)
        u = dict(zip(_COLUMNS, drawn.unbind(1), strict=True))
        # In bf16 the positions near the border of a 256-pixel side are half a pixel
        # apart: everything is computed in float32 (or wider). Autocast leaves it so,
        # as nothing here is a matrix product.
        work = x.to(torch.promote_types(x.dtype, torch.float32))
        if self._resamples:
            maps = self._affine(u, x.shape[-2], x.shape[-1])
            work = resample(work, maps, self.padding_mode)
        elif self.flip:
            mirrored = (u["flip"] < self.flip)[:, None, None, None]
            work = torch.where(mirrored, work.flip(-1), work)
        # A fresh batch costs more in page faults than in arithmetic, so what follows
        # works in place where it can: on our own tensor, never on the caller's.
        work = work.clone() if work is x else work
        if self._photometric:
            work = self._relight(work, u)
        if self._recolours and x.shape[1] > 1:
            work = self._recolour(work, u)
        if self.erasing:
            work.masked_fill_(self._erased(u, x.shape[-2], x.shape[-1]), 0.0)
        # grid_sample returns contiguous memory whatever it was given.
        if not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last):
            return work.to(x.dtype, memory_format=torch.channels_last)
        return work.to(x.dtype)

    def _affine(self, u: Mapping[str, Tensor], height: int, width: int) -> Tensor:
        """Return the (n, 2, 3) maps of the drawn numbers, see `affine_maps`."""
        blown_up = (1 - self.crop * u["crop"]).rsqrt()
        # What is cut away at one end or the other, in sides of the output.
        room = (blown_up - 1) / 2
        zoom = torch.exp((2 * u["scale"] - 1) * math.log1p(self.scale))
        return affine_maps(
            angle=(2 * u["rotation"] - 1) * math.radians(self.rotation),
            slope=torch.tan((2 * u["shear"] - 1) * math.radians(self.shear)),
            zoom=zoom * blown_up,
            shift_x=(2 * u["shift_x"] - 1) * self.shift + (2 * u["crop_x"] - 1) * room,
            shift_y=(2 * u["shift_y"] - 1) * self.shift + (2 * u["crop_y"] - 1) * room,
            mirror=(u["flip"] < self.flip),
            height=height,
            width=width,
        )

    def _relight(self, x: Tensor, u: Mapping[str, Tensor]) -> Tensor:
        """Apply shading, gamma, contrast and brightness, in this order."""
        drawn = {k: v.to(x.dtype)[:, None, None, None] for k, v in u.items()}
        if self.shading:
            height, width = x.shape[-2:]
            direction = 2 * math.pi * drawn["shading_angle"]
            across = pixel_centres(width, x) * torch.cos(direction)
            down = pixel_centres(height, x)[:, None] * torch.sin(direction)
            # The corner is at most sqrt(2) from the centre, where the ramp ends.
            amplitude = self.shading * drawn["shading"] / math.sqrt(2)
            dark = x.amin(dim=(2, 3), keepdim=True)
            x = torch.addcmul(x, x - dark, amplitude * (across + down))
        if self.gamma:
            low = x.amin(dim=(2, 3), keepdim=True)
            high = x.amax(dim=(2, 3), keepdim=True)
            power = torch.exp((2 * drawn["gamma"] - 1) * math.log1p(self.gamma))
            # A floor above 0 keeps both a flat image and the gradient finite.
            span = (high - low).clamp_min(1e-6)
            x = low + span * ((x - low) / span).clamp_min(1e-6) ** power
        if self.contrast or self.brightness:
            # mean + (1 + gain) (x - mean) + offset
            gain = self.contrast * (2 * drawn["contrast"] - 1)
            offset = self.brightness * (2 * drawn["brightness"] - 1)
            mean = x.mean(dim=(1, 2, 3), keepdim=True)
            x.mul_(1 + gain).add_(offset - gain * mean)
        return x

    def _recolour(self, x: Tensor, u: Mapping[str, Tensor]) -> Tensor:
        """Turn the colours about the grey axis, and bring them nearer to it or not."""
        drawn = {k: v.to(x.dtype)[:, None, None, None] for k, v in u.items()}
        grey = x.mean(1, keepdim=True)
        colour = x - grey
        if self.hue and x.shape[1] == 3:
            angle = (2 * drawn["hue"] - 1) * math.radians(self.hue)
            # The cross product with the axis, of length 1.
            ahead = (colour.roll(1, 1) - colour.roll(-1, 1)) / math.sqrt(3)
            colour = torch.cos(angle) * colour + torch.sin(angle) * ahead
        kept = 1 + self.saturation * (2 * drawn["saturation"] - 1)
        return grey + colour * kept * (drawn["greying"] >= self.greying)

    def _erased(self, u: Mapping[str, Tensor], height: int, width: int) -> Tensor:
        """Return the (n, 1, H, W) boolean mask of the pixels to erase."""
        smallest, largest = ERASED_AREA
        area = smallest + (largest - smallest) * u["area"]
        aspect = torch.exp((2 * u["aspect"] - 1) * math.log(ERASED_ASPECT))

        def inside(length: Tensor, start: Tensor, side: int) -> Tensor:
            length = (length * side).round().clamp(1, side)
            # The rounded product may reach side - length + 1, one pixel too far.
            first = torch.floor(start * (side - length + 1))
            first = torch.minimum(first, side - length)[:, None]
            pixel = torch.arange(side, device=length.device)
            return (pixel >= first) & (pixel < first + length[:, None])

        rows = inside(torch.sqrt(area * aspect), u["top"], height)
        columns = inside(torch.sqrt(area / aspect), u["left"], width)
        chosen = (u["erasing"] < self.erasing)[:, None, None]
        return (rows[:, :, None] & columns[:, None, :] & chosen)[:, None]
