"""Networks of timm and open_clip: what is asked of them, and where weights come from.

Stand-ins with the same functions take the packages' places, so that the code runs where
these are not installed; where they are, they are asked as well.
"""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from safetensors.torch import load_file, save_file

from deepcluster_sk import ImageEmbedder
from deepcluster_sk.embedding.loading import load_backbone
from tests.embedding.networks import Grid, photographs

X = photographs()
DATA = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Hugging Face's cache, in a folder of its own, and torch's."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)

    def find(repository, name, revision=None):
        path = tmp_path / "hub" / repository / name
        return str(path) if path.is_file() else None

    hub = ModuleType("huggingface_hub")
    hub.try_to_load_from_cache = find
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    return tmp_path


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    save = save_file if path.suffix == ".safetensors" else torch.save
    save(Grid(seed=1).state_dict(), path)
    return path


def weights_in(path):
    if path.endswith(".safetensors"):
        return load_file(path)
    return torch.load(path, weights_only=True)


class Timm(ModuleType):
    """Stand-in for timm."""

    def __init__(self):
        super().__init__("timm")
        self.asked = []
        self.data = SimpleNamespace(
            resolve_model_data_config=lambda model: {"input_size": (3, 16, 12), **DATA}
        )

    def get_pretrained_cfg(self, name):
        if name.endswith(".no"):
            raise RuntimeError("Invalid pretrained tag (no) for grid.")
        url = "https://weights.invalid/grid-1.pth"
        about = SimpleNamespace(hf_hub_id="timm/grid.a", hf_hub_filename=None, url=url)
        return about if name == "grid" else None

    def create_model(self, name, *, pretrained, num_classes, **settings):
        assert num_classes == 0
        file = settings.pop("pretrained_cfg_overlay", {"file": "fetched"})["file"]
        self.asked.append(file if pretrained else None)
        network = Grid(seed=2).train()
        torch.nn.init.normal_(network.mix.weight)  # as its own weights begin
        if pretrained and Path(file).is_file():
            network.load_state_dict(weights_in(file), strict=False)
        return network


class OpenClip(ModuleType):
    """Stand-in for open_clip."""

    def __init__(self):
        super().__init__("open_clip")
        self.asked = []

    def get_model_config(self, name):
        text = {"hf_model_name": "roberta"} if name == "texts" else {}
        return None if name == "no" else {"text_cfg": text}

    def get_pretrained_cfg(self, name, tag):
        url = "https://weights.invalid/grid.pt"
        about = {"url": url, "hf_hub": "laion/grid/", **DATA}
        return {"a": about, "gelu": {**about, "quick_gelu": True}}.get(tag, {})

    def list_pretrained_tags_by_model(self, name):
        return ["a", "gelu"]

    def download_pretrained(self, about):
        self.asked.append("fetched")
        return str(put(Path.home() / "fetched.pt"))

    def create_model(self, name, *, pretrained, force_preprocess_cfg):
        self.asked.append(pretrained)
        network = Grid()
        network.load_state_dict(weights_in(pretrained))
        about = {"size": 16, "mean": (0, 0, 0), "std": (1, 1, 1)}
        visual = SimpleNamespace(preprocess_cfg={**about, **force_preprocess_cfg})
        model = torch.nn.Module()
        model.visual, model.encode_image, model.grid = visual, network.forward, network
        return model


@pytest.fixture
def timm(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", Timm())
    return sys.modules["timm"]


@pytest.fixture
def open_clip(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", OpenClip())
    return sys.modules["open_clip"]


def expected(size):
    return ImageEmbedder(Grid(seed=1), size=size, **DATA).fit_transform(X)


def test_timm_is_given_what_is_on_this_machine(timm, cache):
    with pytest.raises(FileNotFoundError, match=r"not on this machine.*download=True"):
        ImageEmbedder("timm:grid").fit(X)
    assert not timm.asked
    for place in ("torch/checkpoints/grid-1.pth", "hub/timm/grid.a/model.safetensors"):
        path = put(cache / place)
        embedder = ImageEmbedder("timm:grid").fit(X)
        assert timm.asked.pop() == str(path)
        assert embedder.size_ == (16, 12)
        assert_allclose(embedder.transform(X), expected((16, 12)), atol=1e-6)


def test_timm_fetches_when_it_is_asked_to(timm):
    ImageEmbedder("timm:grid", download=True).fit(X)
    assert timm.asked == ["fetched"]


def test_weights_of_a_file(timm, tmp_path):
    path = put(tmp_path / "mine.pth")
    before = torch.get_rng_state()
    found = ImageEmbedder("timm:grid", weights=path).fit_transform(X)
    assert torch.equal(torch.get_rng_state(), before)
    assert_allclose(found, expected((16, 12)), atol=1e-6)
    torch.save({"other": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="holds no weight of timm's 'grid'"):
        ImageEmbedder("timm:grid", weights=path).fit(X)
    with pytest.raises(FileNotFoundError, match=r"no file 'no\.pth' of weights"):
        ImageEmbedder("timm:grid", weights="no.pth").fit(X)


def test_names_that_timm_does_not_know(timm):
    with pytest.raises(ValueError, match="timm knows no network 'mesh'"):
        ImageEmbedder("timm:mesh").fit(X)
    with pytest.raises(ValueError, match="Invalid pretrained tag"):
        ImageEmbedder("timm:grid.no").fit(X)
    put(Path(torch.hub.get_dir()) / "checkpoints/grid-1.pth")
    with pytest.raises(ValueError, match="but the network takes images"):
        ImageEmbedder("timm:grid").fit(np.zeros((3, 7)))


def test_open_clip_is_given_what_is_on_this_machine(open_clip, cache):
    with pytest.raises(FileNotFoundError, match=r"not on this machine.*download=True"):
        ImageEmbedder("open_clip:grid/a").fit(X)
    assert not open_clip.asked
    name = "hub/laion/grid/open_clip_model.safetensors"
    for place in (".cache/clip/grid.pt", name):
        path = put(cache / place)
        embedder = ImageEmbedder("open_clip:grid/a").fit(X)
        assert open_clip.asked.pop() == str(path)
        assert embedder.size_ == (16, 16)
        assert_allclose(embedder.transform(X), expected(16), atol=1e-6)


def test_open_clip_fetches_when_it_is_asked_to(open_clip):
    ImageEmbedder("open_clip:grid/a", download=True).fit(X)
    assert open_clip.asked[0] == "fetched"


def test_names_that_open_clip_does_not_know(open_clip, tmp_path):
    path = put(tmp_path / "mine.pt")
    for name, match in (
        ("no/a", "knows no architecture 'no'"),
        ("grid", r"no weights '' of 'grid'; write 'open_clip:grid/TAG' with one of"),
        ("grid/b", "no weights 'b' of 'grid'"),
    ):
        with pytest.raises(ValueError, match=match):
            ImageEmbedder(f"open_clip:{name}").fit(X)
    with pytest.raises(FileNotFoundError, match="text side of 'texts' is fetched"):
        ImageEmbedder("open_clip:texts/a").fit(X)
    assert load_backbone("open_clip:grid", "cpu", weights=path).preparation.mean[0] == 0
    with pytest.warns(UserWarning, match="trained with another activation"):
        load_backbone("open_clip:grid/gelu", "cpu", weights=path)


@pytest.mark.parametrize(
    ("package", "model", "extra"),
    [("timm", "timm:any", "timm"), ("open_clip", "open_clip:a/b", "open-clip")],
)
def test_packages_that_are_missing(monkeypatch, package, model, extra):
    monkeypatch.setitem(sys.modules, package, None)
    wanted = rf'of {package} need .*pip install "deepcluster-sk\[{extra}\]"'
    with pytest.raises(ImportError, match=wanted):
        ImageEmbedder(model).fit(X)


def test_timm_itself(tmp_path, monkeypatch):
    timm = pytest.importorskip("timm")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    network = timm.create_model("resnet10t", num_classes=7)
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    named = ImageEmbedder("timm:resnet10t", weights=tmp_path / "mine.pth").fit(X)
    network.reset_classifier(0)
    data = timm.data.resolve_model_data_config(network)
    settings = {name: data[name] for name in ("mean", "std")}
    given = ImageEmbedder(network, size=data["input_size"][1:], **settings)
    assert_allclose(named.transform(X), given.fit_transform(X), atol=1e-5)


def test_open_clip_itself(tmp_path):
    open_clip = pytest.importorskip("open_clip")
    from PIL import Image

    made = open_clip.create_model("RN50-quickgelu")
    torch.save(made.state_dict(), tmp_path / "mine.pt")
    path = str(tmp_path / "mine.pt")
    name = "open_clip:RN50-quickgelu/openai"
    found = ImageEmbedder(name, weights=path).fit_transform(X[:2])
    model, prepare = open_clip.create_model_from_pretrained("RN50-quickgelu", path)
    batch = torch.stack([prepare(Image.fromarray(picture)) for picture in X[:2]])
    with torch.no_grad():
        wanted = model.eval().encode_image(batch).numpy()
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.einsum("nd, nd -> n", found, wanted).min() > 0.999
