"""Autoencoders: convolutional ones for images, an MLP for vectors."""

import copy
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from deepcluster_sk.data.resizing import MIN_SIDE
from deepcluster_sk.networks.residual import RESIDUAL_CHANNELS, residual_encoder

#: Channel widths of the two convolutional networks.
SHALLOW_CHANNELS = (32, 64, 128)
DEEP_CHANNELS = (32, 64, 128, 256, 256)
#: Widths by name.
CHANNELS = {
    "shallow": SHALLOW_CHANNELS,
    "deep": DEEP_CHANNELS,
    "residual": RESIDUAL_CHANNELS,
}
#: A feature map is pooled only while its smaller side is at least this, in pixels.
MIN_POOLED_SIDE = 4


@runtime_checkable
class Autoencoder(Protocol):
    """What a user's own autoencoder must offer, besides being an ``nn.Module``.

    Methods
    -------
    encode(x)
        ``(n, *sample_shape)`` standardised input to ``(n, latent_dim)``.
    decode(latent)
        ``(n, latent_dim)`` back to ``(n, *sample_shape)``.
    """

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Encode a batch."""

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Decode latent vectors."""


class EncoderAndDecoder(nn.Module):
    """An :class:`Autoencoder` of two networks.

    Attributes
    ----------
    encoder, decoder : Module
    """

    encoder: nn.Module
    decoder: nn.Module

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Encode samples ``(n, *sample_shape)`` as codes ``(n, latent_dim)``."""
        return self.encoder(x)

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Decode codes ``(n, latent_dim)`` to samples ``(n, *sample_shape)``."""
        return self.decoder(latent)


class ConvAutoencoder(EncoderAndDecoder):
    """Convolutional autoencoder.

    The encoder is a row of 3x3 convolutions of stride 1, each with 2x2 max-pooling with
    'same' padding, batch normalisation and ReLU, then a dense layer. The decoder
    mirrors it with transposed convolutions. Pooling stops once a side is below 4
    pixels, so that any image side from 8 up works.

    Parameters
    ----------
    image_shape : tuple (C, H, W)
    latent_dim : int
    channels : sequence of int
        Widths of the convolutions.
    batch_norm : bool, default=True
        Without it weights are drawn as torch does by default, not by Xavier's rule.

    References
    ----------
    arXiv:1901.06474, section 4.3. The widths are not in the paper.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        channels: Sequence[int] = SHALLOW_CHANNELS,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()

        def norm(width: int) -> list[nn.Module]:
            return [nn.BatchNorm2d(width)] if batch_norm else []

        depth, height, width = image_shape
        down: list[nn.Module] = []
        up: list[nn.Module] = []  # built from the image inwards, then reversed
        for number, wide in enumerate(channels):
            # A bias would be taken away again by the batch norm.
            down.append(nn.Conv2d(depth, wide, 3, padding=1, bias=not batch_norm))
            halve = min(height, width) >= MIN_POOLED_SIDE
            small = (-(-height // 2), -(-width // 2)) if halve else (height, width)
            if halve:
                down.append(nn.MaxPool2d(2, ceil_mode=True))
            # After the pooling they work on a quarter of the numbers.
            down += [*norm(wide), nn.ReLU()]
            if number:
                # Normalised like the encoder's layers; the image itself is not.
                up += [nn.ReLU(), *norm(depth)]
            up.append(
                nn.ConvTranspose2d(
                    wide,
                    depth,
                    3,
                    stride=2 if halve else 1,
                    padding=1,
                    output_padding=(
                        (height - 2 * small[0] + 1, width - 2 * small[1] + 1)
                        if halve
                        else 0
                    ),
                    bias=number == 0 or not batch_norm,
                )
            )
            depth, (height, width) = wide, small
        features = depth * height * width
        self.encoder = nn.Sequential(
            *down, nn.Flatten(), nn.Linear(features, latent_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, features),
            nn.ReLU(),
            nn.Unflatten(1, (depth, height, width)),
            *reversed(up),
        )
        if batch_norm:
            self.apply(initialize_xavier)


class ResidualAutoencoder(EncoderAndDecoder):
    """Autoencoder of photographs: a residual encoder, and the shallow decoder.

    Parameters
    ----------
    image_shape : tuple (C, H, W)
    latent_dim : int
    channels : sequence of int
        Widths of the encoder's blocks, as :func:`residual_encoder` takes them.
    batch_norm : bool, default=True
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        channels: Sequence[int] = RESIDUAL_CHANNELS,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        self.encoder = residual_encoder(image_shape, latent_dim, channels, batch_norm)
        # Rebuilding is no part of what photographs are told apart by.
        shallow = ConvAutoencoder(image_shape, latent_dim, batch_norm=batch_norm)
        self.decoder = shallow.decoder
        if batch_norm:
            self.apply(initialize_xavier)


class MLPAutoencoder(EncoderAndDecoder):
    """Fully connected autoencoder for feature vectors (or images taken as vectors).

    Parameters
    ----------
    sample_shape : tuple of int
        Shape of one sample; flattened on the way in and restored on the way out.
    latent_dim : int
    hidden : sequence of int, default=None
        Widths of the hidden layers; by default two layers sized to the input.
    batch_norm : bool, default=True
        After the encoder's hidden layers. Without it weights are drawn as torch does by
        default, not by Xavier's rule.
    """

    def __init__(
        self,
        sample_shape: tuple[int, ...],
        latent_dim: int,
        hidden: Sequence[int] | None = None,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        n_features = int(torch.Size(sample_shape).numel())
        if hidden is None:
            hidden = hidden_widths(n_features)
        widths = [n_features, *hidden, latent_dim]
        encoder: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise(widths[:-1]):
            encoder.append(nn.Linear(before, after, bias=not batch_norm))
            if batch_norm:
                encoder.append(nn.BatchNorm1d(after))
            encoder.append(nn.ReLU())
        encoder.append(nn.Linear(widths[-2], latent_dim))
        decoder: list[nn.Module] = []
        for before, after in pairwise(widths[::-1]):
            decoder += [nn.Linear(before, after), nn.ReLU()]
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder[:-1], nn.Unflatten(1, sample_shape))
        if batch_norm:
            self.apply(initialize_xavier)


def hidden_widths(n_features: int) -> tuple[int, int]:
    """Widths of two hidden layers: about four times `n_features`, in [64, 512]."""
    width = min(512, max(64, 1 << (4 * n_features - 1).bit_length()))
    return width, width


def initialize_xavier(module: nn.Module) -> None:
    """Xavier-uniform weights and zero biases for one dense or convolutional layer."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def make_autoencoder(
    architecture: Any,
    sample_shape: tuple[int, ...],
    latent_dim: int,
    channels: Sequence[int] | None = None,
    batch_norm: bool = True,
) -> nn.Module:
    """Build the autoencoder an estimator asked for.

    Parameters
    ----------
    architecture : {"auto", "shallow", "deep", "residual", "mlp"}, callable or nn.Module
        ``"auto"`` is shallow for images, and an MLP for vectors. A callable, an
        :class:`Autoencoder` class for one, gets ``(sample_shape, latent_dim)``; a
        module is deep-copied.
    sample_shape : tuple of int
        ``(C, H, W)`` or ``(d,)``.
    latent_dim : int
    channels : sequence of int, default=None
        Widths of the convolutions, of the residual blocks, or of the MLP's hidden
        layers.
    batch_norm : bool, default=True
        Whether hidden layers are followed by batch normalisation.

    Raises
    ------
    ValueError
        If a convolutional network cannot take images this small, or flat vectors; if
        the widths are no widths; if the user's module does not fit the samples.
    TypeError
        If the user's module has no ``encode`` or ``decode``.
    """
    if not isinstance(architecture, str):
        return _custom_autoencoder(architecture, sample_shape, latent_dim)
    architecture = resolve_architecture(architecture, sample_shape)
    widths = None if channels is None else checked_widths(channels)
    if architecture == "mlp":
        return MLPAutoencoder(sample_shape, latent_dim, widths, batch_norm)
    if widths is None:
        widths = CHANNELS[architecture]
    build = ResidualAutoencoder if architecture == "residual" else ConvAutoencoder
    return build(
        sample_shape,  # type: ignore[arg-type]
        latent_dim,
        widths,
        batch_norm,
    )


def checked_widths(channels: Any) -> tuple[int, ...]:
    """Widths of layers as the user gave them, or a ValueError."""
    whole = [isinstance(width, Integral) and int(width) > 0 for width in channels]
    if not whole or not all(whole):
        raise ValueError(
            f"channels={channels!r} must be positive whole numbers, the width of each "
            f"layer, as in {SHALLOW_CHANNELS}."
        )
    return tuple(int(width) for width in channels)


def resolve_architecture(architecture: str, sample_shape: tuple[int, ...]) -> str:
    """Say which network a name means for samples of this shape, or why none can be."""
    is_image = len(sample_shape) == 3
    if architecture == "mlp" or (architecture == "auto" and not is_image):
        return "mlp"
    if architecture == "auto":
        architecture = "shallow"
    if not is_image:
        raise ValueError(
            f"architecture={architecture!r} needs images, but X is flat with "
            f"{sample_shape[0]} features. Pass image_shape=(H, W), give X as "
            '(n, H, W), or use architecture="mlp".'
        )
    if min(sample_shape[1:]) < MIN_SIDE:
        height, width = sample_shape[1:]
        raise ValueError(
            f"Images of {height}x{width} pixels are too small for "
            f"architecture={architecture!r}, which needs sides of at least {MIN_SIDE}. "
            'Use architecture="mlp".'
        )
    return architecture


def _custom_autoencoder(
    architecture: Any, sample_shape: tuple[int, ...], latent_dim: int
) -> nn.Module:
    if isinstance(architecture, nn.Module):
        module: Any = copy.deepcopy(architecture)
    else:
        module = architecture(sample_shape, latent_dim)
    if not isinstance(module, nn.Module) or not isinstance(module, Autoencoder):
        raise TypeError(
            f"architecture={architecture!r} must be an nn.Module (or build one) with "
            "the methods encode(x) -> (n, latent_dim) and decode(latent) -> like x."
        )
    _check_shapes(module, architecture, sample_shape, latent_dim)
    return module


def _check_shapes(
    module: Any, architecture: Any, sample_shape: tuple[int, ...], latent_dim: int
) -> None:
    """Try a user's module on two samples, so that training does not fail inside it."""
    was_training = module.training
    like = next(module.parameters(), torch.empty(0))
    sample = torch.zeros(2, *sample_shape, device=like.device)
    module.eval()
    try:
        with torch.no_grad():
            latent = module.encode(sample)
            decoded = module.decode(latent)
    except Exception as error:
        raise ValueError(
            f"architecture={architecture!r} cannot take samples of shape "
            f"{sample_shape}: {error}"
        ) from error
    finally:
        module.train(was_training)
    for method, given, expected in (
        ("encode", latent, (2, latent_dim)),
        ("decode", decoded, (2, *sample_shape)),
    ):
        shape = tuple(getattr(given, "shape", ()))
        if shape != expected:
            raise ValueError(
                f"architecture={architecture!r}: {method} gave {shape} for two samples "
                f"of shape {sample_shape}, expected {expected}."
            )
