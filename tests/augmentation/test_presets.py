"""What a user may write for `augmentation`, how it is applied, and the vectors'."""

import pickle
from pathlib import Path

import pytest
import torch
from sklearn.base import clone
from torch import Tensor, nn

from deepcluster_sk.augmentation.presets import (
    PRESETS,
    WIDE_PRESETS,
    Augmentation,
    VectorAugmentation,
    apply_augmentation,
    kind_of,
    make_augmentation,
)
from deepcluster_sk.data.images import RowLayout
from tests.augmentation.test_image import images, seeded

ALL_STRENGTHS = (
    *("rotation", "scale", "shift", "shear", "flip", "crop", "erasing"),
    *("brightness", "contrast", "gamma", "saturation", "hue", "greying", "shading"),
)
ALL_ON = {"rotation": 20.0, "flip": 0.5, "erasing": 0.5, "contrast": 0.3}


# -- vectors ---------------------------------------------------------------------------


def test_noise_and_masking_have_their_strength() -> None:
    x = torch.full((400, 50), 5.0)
    noisy = VectorAugmentation(noise=0.3)(x, seeded())
    assert abs((noisy - x).std().item() - 0.3) < 0.01
    masked = VectorAugmentation(masking=0.2)(x, seeded())
    assert set(masked.unique().tolist()) == {0.0, 5.0}
    assert abs((masked == 0).float().mean().item() - 0.2) < 0.02
    assert (VectorAugmentation(0.3, 1.0)(x, seeded()) == 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_vectors_keep_their_dtype(dtype: torch.dtype) -> None:
    x = images(4, 6).to(dtype)
    out = VectorAugmentation(0.1, 0.1)(x, seeded())
    assert (out.dtype, out.shape) == (dtype, x.shape)


def test_no_noise_and_no_masking_is_the_identity() -> None:
    x, generator = images(4, 5), seeded()
    before = generator.get_state()
    assert VectorAugmentation()(x, generator) is x
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("x", [torch.zeros(3, 2, 2), torch.zeros(3, 2).int()])
def test_wrong_vectors_are_named(x: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(n, d\)"):
        VectorAugmentation(noise=0.5)(x)


# -- what a user may write -------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((1, 8, 8), "grey"), ((2, 8, 8), "color"), ((3, 8, 8), "color"), ((9,), "vector")],
)
def test_kinds_of_layouts(shape: tuple[int, ...], kind: str) -> None:
    assert kind_of(RowLayout("CHW" if shape[1:] else "vector", shape)) == kind  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "preset"), [("grey", "grey"), ("color", "natural"), ("vector", "vector")]
)
def test_auto_is_the_preset_of_the_kind(kind: str, preset: str) -> None:
    module = make_augmentation("auto", kind)  # type: ignore[arg-type]
    for name, value in PRESETS[preset].items():
        assert getattr(module, name) == value


@pytest.mark.parametrize(
    ("kind", "preset"),
    [("grey", "distorted"), ("color", "distorted natural"), ("vector", "vector")],
)
def test_distorted_is_there_for_every_kind(kind: str, preset: str) -> None:
    module = make_augmentation("distorted", kind)  # type: ignore[arg-type]
    for name, value in PRESETS[preset].items():
        assert getattr(module, name) == value


@pytest.mark.parametrize("wide", [False, True])
def test_a_name_stands_for_its_preset(wide: bool) -> None:
    presets = WIDE_PRESETS if wide else PRESETS
    for name, kind in (("digits", "grey"), ("photograph", "color")):
        module = make_augmentation(name, kind, wide)  # type: ignore[arg-type]
        for part in ALL_STRENGTHS:
            assert getattr(module, part) == presets[name].get(part, 0)


def test_the_documented_strengths_are_those_of_the_presets() -> None:
    page = (Path(__file__).parents[2] / "docs" / "method.rst").read_text()
    header = page.index('   :header: "", "grey"')
    rows = page[header : page.index("Feature vectors", header)].split("\n")
    names = [name.strip(' "') for name in rows[0].split(",")[1:]]
    documented: dict[str, dict[str, float]] = {name: {} for name in names}
    for part, *values in ([v.strip() for v in row.split(",")] for row in rows[2:-2]):
        for name, value in zip(names, values, strict=True):
            if value:
                documented[name][part] = float(value)
    assert documented == {name: PRESETS[name] for name in names}
    assert set(PRESETS) - set(names) == {"digits", "vector"}
    assert PRESETS["digits"] == PRESETS["grey"]
    assert PRESETS["vector"] == {"noise": 0.2, "masking": 0.1}
    wide = {"rotation": 20, "scale": 0.12, "shift": 0.1, "shear": 30}
    for name in {*names, "digits"}:
        flip = {} if name in ("grey", "distorted", "digits") else {"flip": 0.5}
        assert WIDE_PRESETS[name] == wide | flip
    assert WIDE_PRESETS["vector"] == PRESETS["vector"]


def test_none_is_the_identity() -> None:
    for kind, x in (("color", images(2, 3, 4, 4)), ("vector", images(2, 3))):
        module = make_augmentation(None, kind)  # type: ignore[arg-type]
        assert apply_augmentation(module, x) is x


def test_a_dict_gives_parameters_and_unknown_ones_list_the_valid() -> None:
    module = make_augmentation({"flip": 0.5, "padding_mode": "zeros"}, "grey")
    assert repr(module) == "Augmentation(flip=0.5)"
    with pytest.raises(ValueError, match=r"\['spin'\].*'rotation'"):
        make_augmentation({"spin": 1}, "grey")
    with pytest.raises(ValueError, match=r"\['flip'\].*'masking', 'noise'"):
        make_augmentation({"flip": 0.5}, "vector")


@pytest.mark.parametrize(
    ("spec", "kind", "error", "match"),
    [
        (
            "digit",
            "grey",
            ValueError,
            "'digits', 'distorted', .* 'grey', 'natural'",
        ),
        ("vector", "grey", ValueError, "grey data"),
        ("grey", "vector", ValueError, r"\['auto', 'distorted', 'vector'\]"),
        (Augmentation(), "vector", ValueError, "VectorAugmentation"),
        (VectorAugmentation(), "color", ValueError, "need Augmentation"),
        ("auto", "gray", ValueError, "'color', 'grey', 'vector'"),
        (3, "grey", TypeError, "got 3"),
        (True, "grey", TypeError, "got True"),
        (Augmentation, "grey", TypeError, "instance"),
    ],
)
def test_wrong_specifications_are_named(
    spec: object, kind: str, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        make_augmentation(spec, kind)  # type: ignore[arg-type]


def test_a_users_callable_is_taken_as_it_is_and_cannot_change_the_batch() -> None:
    def in_place(x: Tensor) -> Tensor:
        return x.mul_(2.0)

    x = images(2, 1, 4, 4)
    before = x.clone()
    augmentation = make_augmentation(in_place, "grey")
    assert augmentation is in_place
    out = apply_augmentation(augmentation, x, seeded())
    assert torch.equal(x, before)
    assert torch.equal(out, 2 * before)


def test_a_users_module_runs_without_autocast() -> None:
    module = nn.Conv2d(1, 1, 3, padding=1)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        out = apply_augmentation(make_augmentation(module, "grey"), images(2, 1, 4, 4))
    assert out.dtype is torch.float32


@pytest.mark.parametrize(
    ("function", "error", "match"),
    [
        (lambda x: x[:, :, 1:], ValueError, r"shape.*\[2, 1, 4, 4\].*\[2, 1, 3, 4\]"),
        (lambda x: x.double(), ValueError, "dtype.*float32.*float64"),
        (lambda x: x.numpy(), TypeError, "ndarray"),
    ],
)
def test_a_users_result_is_checked(
    function: object, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        apply_augmentation(function, images(2, 1, 4, 4))  # type: ignore[arg-type]


def test_modules_survive_clone_and_pickle() -> None:
    x = images(2, 1, 8, 8)
    module = Augmentation(**ALL_ON)
    for copy in (clone(module, safe=False), pickle.loads(pickle.dumps(module))):
        assert torch.equal(copy(x, seeded()), module(x, seeded()))


# -- randomness ------------------------------------------------------------------------


@pytest.mark.parametrize("module", [Augmentation(**ALL_ON), "vector"])
def test_own_generator_leaves_the_global_stream_alone(module: object) -> None:
    x = images(4, 1, 8, 8) if isinstance(module, nn.Module) else images(4, 8)
    kind = "grey" if x.ndim == 4 else "vector"
    augmentation = make_augmentation(module, kind)  # type: ignore[arg-type]
    state, generator = torch.get_rng_state(), seeded()
    first = apply_augmentation(augmentation, x, generator)
    second = apply_augmentation(augmentation, x, generator)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, second)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        from_global = apply_augmentation(augmentation, x)
        torch.manual_seed(7)
        assert torch.equal(from_global, apply_augmentation(augmentation, x))


@pytest.mark.gpu
def test_vectors_with_a_gpu_generator_are_never_waited_for() -> None:
    x, generator = images(16, 8).cuda(), seeded(0, "cuda")
    augmentation = VectorAugmentation(0.1, 0.1)
    mode = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        out = apply_augmentation(augmentation, x, generator)
    finally:
        torch.cuda.set_sync_debug_mode(mode)
    assert out.is_cuda


@pytest.mark.parametrize("name", [name for name in WIDE_PRESETS if name != "vector"])
def test_wide_views_go_a_little_farther_than_narrow_ones(name):
    wide, narrow = WIDE_PRESETS[name], PRESETS["grey"]
    for strength in ("rotation", "scale", "shift", "shear"):
        assert narrow[strength] <= wide[strength] <= 3 * narrow[strength]
