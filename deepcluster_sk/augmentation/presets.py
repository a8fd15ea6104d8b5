"""What a user may write for ``augmentation``, and how it is applied to a batch."""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from deepcluster_sk.augmentation.image import Augmentation, checked_strength, uniform
from deepcluster_sk.data.images import RowLayout

__all__ = [
    "PRESETS",
    "Augmentation",
    "VectorAugmentation",
    "apply_augmentation",
    "kind_of",
    "make_augmentation",
]

Kind: TypeAlias = Literal["grey", "color", "vector"]
AugmentationLike: TypeAlias = Callable[[Tensor], Tensor]


class VectorAugmentation(nn.Module):
    """Random noise and masking for feature vectors.

    Parameters
    ----------
    noise : float, default=0
        Standard deviation of the added Gaussian noise, in standard deviations of each
        feature (the input being standardised).
    masking : float, default=0
        Probability that a feature is set to 0, its mean after standardisation.

    Raises
    ------
    TypeError, ValueError
        If a strength is not a number, or lies outside its range.
    """

    def __init__(self, noise: float = 0.0, masking: float = 0.0) -> None:
        super().__init__()
        self.noise = checked_strength("noise", noise, math.inf)
        self.masking = checked_strength("masking", masking, 1.0)

    @property
    def is_identity(self) -> bool:
        """Whether every strength is 0."""
        return not (self.noise or self.masking)

    def extra_repr(self) -> str:
        """Return the strengths, for ``repr``."""
        return f"noise={self.noise:g}, masking={self.masking:g}"

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return one augmented view of every vector.

        Parameters
        ----------
        x : Tensor of shape (n, d)
            Floating, standardised features. Never written to.
        generator : torch.Generator, optional
            As in :meth:`Augmentation.forward`. On a GPU pass one of that device: n x d
            numbers are drawn.

        Returns
        -------
        Tensor of shape (n, d)
            Same dtype and device; `x` itself if both strengths are 0.

        Raises
        ------
        ValueError
            If `x` is not a 2-D floating tensor.
        """
        if x.ndim != 2 or not x.is_floating_point():
            raise ValueError(
                "VectorAugmentation needs a floating tensor of shape (n, d), got "
                f"shape {tuple(x.shape)} and dtype {x.dtype}."
            )
        device = x.device if generator is None else generator.device
        out = x
        if self.noise:
            normal = torch.randn(x.shape, generator=generator, device=device)
            out = out + self.noise * normal.to(x)
        if self.masking:
            n, d = x.shape
            masked = uniform(n, d, x, generator) < self.masking
            out = out.masked_fill(masked, 0.0)
        return out


#: Default strengths by name; "digits" is another name for "grey".
PRESETS: dict[str, dict[str, float]] = {
    "grey": {"rotation": 12.0, "scale": 0.12, "shift": 0.08, "shear": 12.0},
    "digits": {"rotation": 12.0, "scale": 0.12, "shift": 0.08, "shear": 12.0},
    "natural": {
        "rotation": 12.0,
        "scale": 0.12,
        "shift": 0.08,
        "shear": 12.0,
        "flip": 0.5,
        "erasing": 0.25,
        "brightness": 0.2,
        "contrast": 0.3,
    },
    "photograph": {
        "crop": 0.6,
        "flip": 0.5,
        "brightness": 0.4,
        "contrast": 0.4,
        "saturation": 0.4,
        "hue": 36.0,
        "greying": 0.2,
    },
    # For what is rebuilt from its views.
    "distorted": {"rotation": 15.0, "scale": 0.2, "shift": 0.12, "shear": 20.0},
    "distorted natural": {
        "rotation": 15.0,
        "scale": 0.2,
        "shift": 0.12,
        "shear": 20.0,
        "flip": 0.5,
        "brightness": 0.2,
        "contrast": 0.3,
    },
    "vector": {"noise": 0.2, "masking": 0.1},
}
_WIDE_GEOMETRY = {"rotation": 20.0, "scale": 0.12, "shift": 0.1, "shear": 30.0}
#: Strengths of the views in which neighbours are looked for, by the same names: the
#: nearest of many views is taken, so that views that go too far do no harm.
WIDE_PRESETS: dict[str, dict[str, float]] = {
    "grey": _WIDE_GEOMETRY,
    "digits": _WIDE_GEOMETRY,
    "natural": {**_WIDE_GEOMETRY, "flip": 0.5},
    "photograph": {**_WIDE_GEOMETRY, "flip": 0.5},
    "distorted": _WIDE_GEOMETRY,
    "distorted natural": {**_WIDE_GEOMETRY, "flip": 0.5},
    "vector": PRESETS["vector"],
}
_AUTO = {"grey": "grey", "color": "natural", "vector": "vector"}
#: Names that stand for another preset for each kind of data.
_BY_KIND = {
    "auto": _AUTO,
    "distorted": {
        "grey": "distorted",
        "color": "distorted natural",
        "vector": "vector",
    },
}


def kind_of(layout: RowLayout) -> Kind:
    """Find the kind of data that samples of a layout are."""
    if not layout.is_image:
        return "vector"
    return "grey" if layout.n_channels == 1 else "color"


def make_augmentation(
    spec: str | Mapping[str, Any] | AugmentationLike | None,
    kind: Kind,
    wide: bool = False,
) -> AugmentationLike:
    """Turn what a user may write into an augmentation.

    Parameters
    ----------
    spec : "auto", preset name, dict, callable or None
        "auto" takes the preset of `kind`, "distorted" a stronger one; a name of
        `PRESETS` takes that one; a dict gives the parameters of :class:`Augmentation`
        (or :class:`VectorAugmentation`); a module or callable maps (n, C, H, W) to
        (n, C, H, W), or (n, d) to (n, d), and is returned as it is; None is the
        identity.
    kind : {"grey", "color", "vector"}
        Of the data: images of one channel, images of several, feature vectors.
    wide : bool, default=False
        Whether a name stands for one of `WIDE_PRESETS`.

    Returns
    -------
    callable
        To be called through :func:`apply_augmentation`.

    Raises
    ------
    ValueError
        If a name or a dict's key is unknown, or made for the other kind of data.
    TypeError
        If `spec` is none of the above.
    """
    if kind not in _AUTO:
        raise ValueError(f"kind must be one of {sorted(_AUTO)}, got {kind!r}.")
    cls = VectorAugmentation if kind == "vector" else Augmentation
    if spec is None:
        return cls()
    if isinstance(spec, str):
        fitting = [name for name in PRESETS if (name == "vector") == (kind == "vector")]
        if spec not in [*_BY_KIND, *fitting]:
            raise ValueError(
                f"augmentation={spec!r} is not valid for {kind} data; the names are "
                f"{sorted({*_BY_KIND, *fitting})}."
            )
        presets = WIDE_PRESETS if wide else PRESETS
        return cls(**presets[_BY_KIND.get(spec, {kind: spec})[kind]])  # type: ignore[arg-type]
    if isinstance(spec, Mapping):
        valid = cls.__init__.__annotations__.keys() - {"return"}
        unknown = sorted(str(key) for key in spec if key not in valid)
        if unknown:
            raise ValueError(
                f"Unknown augmentation parameters {unknown} for {kind} data; the valid "
                f"ones are {sorted(valid)}."
            )
        return cls(**spec)
    other = Augmentation if kind == "vector" else VectorAugmentation
    if isinstance(spec, other):
        raise ValueError(f"{kind} data need {cls.__name__}, got {type(spec).__name__}.")
    # A class is callable too: Augmentation where Augmentation() is meant.
    if isinstance(spec, type) or not callable(spec):
        raise TypeError(
            "augmentation must be 'auto', a preset name, a dict, a callable, an "
            f"instance of a torch.nn.Module or None, got {spec!r}."
        )
    return spec


def apply_augmentation(
    augmentation: AugmentationLike, x: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Apply an augmentation of :func:`make_augmentation` to a batch.

    Parameters
    ----------
    augmentation : callable
        Own modules get `generator`. Any other callable gets a copy of `x` (so that one
        working in place does not change the anchors) with autocast off, and draws from
        torch's global stream.
    x : Tensor of shape (n, C, H, W) or (n, d)
        The batch.
    generator : torch.Generator, optional
        For own modules.

    Returns
    -------
    Tensor
        Of the shape, dtype and device of `x`.

    Raises
    ------
    TypeError
        If a callable returns something else than a tensor.
    ValueError
        If the result has another shape, dtype or device.
    """
    if isinstance(augmentation, Augmentation | VectorAugmentation):
        return augmentation(x, generator)
    with _autocast_off(x.device.type):
        out = augmentation(x.clone())
    if not isinstance(out, Tensor):
        raise TypeError(
            f"The augmentation returned {type(out).__name__} where a Tensor is needed."
        )
    for what in ("shape", "dtype", "device"):
        before, after = getattr(x, what), getattr(out, what)
        if before != after:
            raise ValueError(
                f"The augmentation changed the {what} of a batch: {before} went in, "
                f"{after} came out."
            )
    return out


def _autocast_off(device_type: str) -> AbstractContextManager[Any]:
    # Older torch versions refuse to speak of autocast on other devices.
    if device_type in ("cpu", "cuda"):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()
