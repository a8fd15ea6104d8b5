"""The pretrained network of a clustering: told once, known again with its results."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepcluster_sk.cli.telling import telling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deepcluster_sk import ImageEmbedder

#: Parameters of ImageEmbedder that can be set, besides the network itself.
SETTINGS = (
    *("output", "weights", "download", "size", "mean", "std", "network_white"),
    *("channel_order", "layout", "normalize", "batch_size"),
)
#: Those that may name a file.
_FILES = ("model", "weights")
#: Side of a colour picture that a network is tried on before any is read.
_TRIAL = 8


@dataclass(frozen=True)
class Features:
    """What pictures are clustered by, in place of their pixels.

    Attributes
    ----------
    settings : dict
        Parameters of ImageEmbedder, the network by its name or file. Its weights are
        nowhere in the results.
    fingerprint : str
        Hash of the network.
    """

    settings: Mapping[str, Any]
    fingerprint: str

    @classmethod
    def told(cls, model: str, settings: Mapping[str, Any]) -> "Features":
        """Tell of a network in words that hold in any folder; it is not loaded yet."""
        found = {"model": model, **settings}
        for name in _FILES:
            if name in found and Path(found[name]).is_file():
                found[name] = str(Path(found[name]).absolute())
        return cls(found, "")

    @classmethod
    def from_json(cls, found: Any, path: Path) -> "Features":
        """Undo :meth:`to_json`, of what was found in a file.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        try:
            settings, fingerprint = found["settings"], str(found["fingerprint"])
            if set(settings) - {"model", "white", *SETTINGS}:
                raise ValueError("unknown settings")
            return cls({"model": str(settings.pop("model")), **settings}, fingerprint)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(
                f"{str(path)!r} does not tell what network made the features, or is "
                "damaged."
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Tell of the network in numbers and words alone."""
        return {"settings": dict(self.settings), "fingerprint": self.fingerprint}

    def loaded(
        self, device: str, cache: str | None = None, *, quiet: bool
    ) -> "ImageEmbedder":
        """Load the network, and try it.

        Raises
        ------
        ValueError
            If it fails, or is another than that of the results.
        """
        with telling("loading", quiet=quiet):  # torch takes its time
            import numpy as np

            from deepcluster_sk import ImageEmbedder

            embedder = ImageEmbedder(
                device=device, memory=cache, verbose=int(not quiet), **self.settings
            )
            embedder.fit(np.zeros((1, _TRIAL, _TRIAL, 3), np.uint8))
            found = embedder.fingerprint()
        if self.fingerprint not in ("", found):
            raise ValueError(
                f"{self.settings['model']!r} is not the network that these results "
                "were made with: its weights differ."
            )
        return embedder

    def of_pictures(
        self, images: Any, embedder: "ImageEmbedder"
    ) -> tuple["NDArray[Any]", "Features"]:
        """Make vectors of pictures, ``(n, n_features)``; and tell what made them."""
        vectors = embedder.fit_transform(images)
        settings = {**self.settings, "white": embedder.white_}
        return vectors, Features(settings, embedder.fingerprint())


def side_of(embedder: "ImageEmbedder", default: int) -> int:
    """Side of the squares that a network takes, as near as squares come."""
    return default if embedder.size_ is None else max(embedder.size_)


def parse_settings(given: Sequence[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE``, each a parameter of ImageEmbedder.

    Raises
    ------
    ValueError
        If one has no value, an unknown name, or comes twice.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if name not in SETTINGS or not equals or not value:
            raise ValueError(
                f"--features-set {text!r} must be NAME=VALUE, with one of the names "
                f"{', '.join(SETTINGS)}."
            )
        if name in found:
            raise ValueError(f"--features-set {name} comes twice.")
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    """Read a number, several with commas between, true, false, or else a word."""
    try:
        value = json.loads(f"[{text}]")
    except ValueError:
        return text
    if any(isinstance(part, float) and not math.isfinite(part) for part in value):
        return text
    return value if len(value) > 1 else value[0]
