"""Networks of timm and open_clip: architectures from there, weights from this machine.

Both packages fetch weights of their own accord. Here the file is looked for first, in
the folders where they keep what they have fetched, and given to them; they fetch it
where the caller has said so.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from deepcluster_sk.embedding.backbone import Backbone, hash_of_module
from deepcluster_sk.embedding.preparation import Preparation
from deepcluster_sk.embedding.torch_networks import from_module
from deepcluster_sk.runtime.seeding import seeded
from deepcluster_sk.runtime.warning import warn

_CPU = torch.device("cpu")
#: Names of files of weights in a repository that tells none.
_TIMM_FILES = ("model.safetensors", "pytorch_model.bin")
_OPEN_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def from_timm(
    name: str, device: torch.device, weights: Path | None, download: bool
) -> Backbone:
    """Load a network of timm, without its classifier.

    Raises
    ------
    ImportError
        If timm is not installed.
    ValueError
        If there is no such network, or the weights are another one's.
    FileNotFoundError
        If the weights are not on this machine, and are not to be fetched.
    """
    try:
        import timm
    except ImportError as error:
        raise _missing("timm", "timm") from error
    try:
        about = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        raise ValueError(f"model='timm:{name}': {error}") from error
    if about is None:
        raise ValueError(
            f"timm knows no network {name!r}: timm.list_pretrained() names those whose "
            "weights there are."
        )
    settings: dict[str, Any] = {"num_classes": 0}
    file = weights or _local(
        about.hf_hub_id or "",
        (about.hf_hub_filename,) if about.hf_hub_filename else _TIMM_FILES,
        [Path(torch.hub.get_dir()) / "checkpoints" / _last(about.url)],
    )
    if file is None and not download:
        raise _not_here(f"timm:{name}", about.hf_hub_id or about.url)
    if file is not None:
        settings["pretrained_cfg_overlay"] = {"file": str(file)}
    # timm draws random weights first: nobody's streams are to notice.
    with seeded(0, _CPU):
        module = timm.create_model(name, pretrained=True, **settings)
    if weights is not None:
        with seeded(0, _CPU):
            bare = timm.create_model(name, pretrained=False, num_classes=0)
        if not _differ(module, bare):
            raise ValueError(f"{str(weights)!r} holds no weight of timm's {name!r}.")
    data = timm.data.resolve_model_data_config(module)
    n_channels, height, width = data["input_size"]
    preparation = Preparation(
        (height, width), n_channels, tuple(data["mean"]), tuple(data["std"])
    )
    return _backbone(module, device, preparation, f"timm:{name}")


def from_open_clip(
    name: str, device: torch.device, weights: Path | None, download: bool
) -> Backbone:
    """Load the images' side of a network of open_clip: ``ARCHITECTURE/TAG``.

    Raises
    ------
    ImportError
        If open_clip is not installed.
    ValueError
        If there is no such network.
    FileNotFoundError
        If the weights are not on this machine, and are not to be fetched.
    """
    try:
        import open_clip
    except ImportError as error:
        raise _missing("open_clip", "open-clip") from error
    architecture, _, tag = name.partition("/")
    config, about = _told_by(open_clip, architecture, tag, needed=weights is None)
    if "hf_model_name" in config["text_cfg"] and not download:
        raise FileNotFoundError(
            f"The text side of {architecture!r} is fetched whenever the network is "
            "made: pass download=True if that is meant."
        )
    file = weights
    if file is None:
        repository, _, filename = about.get("hf_hub", "").rpartition("/")
        file = _local(
            repository,
            (filename,) if filename else _OPEN_CLIP_FILES,
            [Path.home() / ".cache" / "clip" / _last(about.get("url"))],
        )
    if file is None:
        if not download:
            raise _not_here(
                f"open_clip:{name}", about.get("hf_hub") or about.get("url")
            )
        file = Path(open_clip.download_pretrained(about))
    wanted = {key: about[key] for key in ("mean", "std") if key in about}
    with seeded(0, _CPU):
        model = open_clip.create_model(
            architecture, pretrained=str(file), force_preprocess_cfg=wanted
        )
    data = model.visual.preprocess_cfg
    size = data["size"]
    height, width = (size, size) if isinstance(size, int) else size
    preparation = Preparation(
        (height, width), 3, tuple(data["mean"]), tuple(data["std"])
    )
    return _backbone(_ImageSide(model), device, preparation, f"open_clip:{name}")


def _told_by(
    open_clip: Any, architecture: str, tag: str, *, needed: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Look up an architecture, and its weights: without a tag, none where not needed.

    Raises
    ------
    ValueError
        If there is no such architecture, or there are no such weights.
    """
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise ValueError(
            f"open_clip knows no architecture {architecture!r}: "
            "open_clip.list_pretrained() names architectures and tags."
        )
    about = open_clip.get_pretrained_cfg(architecture, tag) if tag else {}
    if not about and (tag or needed):
        tags = open_clip.list_pretrained_tags_by_model(architecture)
        raise ValueError(
            f"open_clip has no weights {tag!r} of {architecture!r}; write "
            f"'open_clip:{architecture}/TAG' with one of {tags}."
        )
    if about and about.get("quick_gelu", False) != config.get("quick_gelu", False):
        warn(
            f"The weights {tag!r} were trained with another activation than "
            f"{architecture!r} has; the architecture of that name with, or without, "
            "'-quickgelu' may have it."
        )
    return config, about


def _backbone(
    module: torch.nn.Module, device: torch.device, preparation: Preparation, name: str
) -> Backbone:
    """Bring a network to the device, known by its name and its weights."""
    module = module.eval().to(device)
    identity = partial(hash_of_module, module, name)
    return from_module(
        module,
        device,
        preparation,
        memory_format=torch.channels_last,  # a third less time for convolutions
        identity=identity,
        only_pictures=True,
    )


class _ImageSide(torch.nn.Module):
    """What open_clip makes of images, as a module of its own."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Vectors of a batch ``(b, 3, H, W)``, beside those of texts."""
        found: torch.Tensor = self.model.encode_image(images)
        return found


def _local(
    repository: str, names: Sequence[str], others: Sequence[Path]
) -> Path | None:
    """Find weights that were fetched before, without asking the network."""
    for path in _kept(repository, names):
        return path
    return next((path for path in others if path.is_file()), None)


def _kept(repository: str, names: Sequence[str]) -> Iterator[Path]:
    """Files of a repository that Hugging Face's cache holds."""
    if not repository:
        return
    from huggingface_hub import try_to_load_from_cache

    repository, _, revision = repository.partition("@")
    for name in names:
        path = try_to_load_from_cache(repository, name, revision=revision or None)
        if isinstance(path, str):
            yield Path(path)


def _last(address: str | None) -> str:
    """Name of the file at an address."""
    return (address or "").rpartition("/")[2] or "."


def _differ(module: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether any weight of a module is not the other's."""
    pairs = zip(module.parameters(), other.parameters(), strict=True)
    return any(not torch.equal(*pair) for pair in pairs)


def _missing(package: str, extra: str) -> ImportError:
    return ImportError(
        f"Networks of {package} need that package, which is not installed: "
        f'pip install "deepcluster-sk[{extra}]"'
    )


def _not_here(model: str, source: str | None) -> FileNotFoundError:
    return FileNotFoundError(
        f"The weights of {model!r} are not on this machine, and nothing is fetched "
        f"unasked: pass download=True to fetch them from {source!r}, if their licence "
        "suits you, or weights=, the file that holds them."
    )
