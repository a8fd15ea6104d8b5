import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import torch
from torch.nn import functional as F

from deepcluster_sk.graph import patches
from deepcluster_sk.graph.neighbors import (
    PrincipalComponents,
    SeveralFeatures,
    view_neighbors,
)
from deepcluster_sk.graph.patches import PATCHES, PatchFeatures, PatchSettings
from deepcluster_sk.persistence.trees import pack, unpack
from tests.made import make_textures


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def textures(n, shape=(16, 16), n_channels=1, seed=0):
    X, y = make_textures(n, shape, n_channels, seed)
    return torch.from_numpy(X), torch.from_numpy(y)


@pytest.fixture(scope="module")
def learned():
    return PatchFeatures.learn(textures(80, n_channels=3)[0], random())


def share_of_kind(features, y):
    found = view_neighbors(features, [features], 5, same=True).indices
    return float((y[found] == y[:, None]).float().mean())


def test_textures_are_told_apart_where_pixels_tell_little():
    X, y = textures(120)
    features = PatchFeatures.learn(X, random())(X)
    assert share_of_kind(X.flatten(1), y) < 0.7
    assert share_of_kind(features, y) > 0.95


def test_features_of_images_not_learned_from():
    X, y = textures(240)
    features = PatchFeatures.learn(X[:120], random())(X[120:])
    assert share_of_kind(features, y[120:]) > 0.95


def test_features_follow_the_definition(learned):
    """Naive reference: one image, patch by patch."""
    image = textures(1, n_channels=3, seed=1)[0][0]
    side, stride, n = learned.side, PATCHES.stride, (16 - 6) // 2 + 1
    maps = torch.zeros(n, n, learned.projection.shape[1])
    for i in range(n):
        for j in range(n):
            corner = (slice(k * stride, k * stride + side) for k in (i, j))
            patch = image[:, *corner].flatten()
            patch = (patch - patch.mean() - learned.mean) @ learned.whitening
            cosines = learned.words @ (patch / patch.norm())
            code = (cosines > learned.threshold).float()
            mapped = code @ learned.projection / max(1, code.sum().sqrt())
            maps[i, j] = mapped / max(1e-12, mapped.norm())
    cells = F.adaptive_avg_pool2d(maps.permute(2, 0, 1), PATCHES.grid)
    expected = (cells / cells.norm(dim=0)).flatten()
    torch.testing.assert_close(learned(image[None])[0], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n_images", [40, 20], ids=["many", "fewer than words"])
def test_the_map_brings_together_what_occurs_in_one_image(n_images):
    """Reference: SciPy's generalised eigenvectors, the first of them left out."""
    all_there_are = 11 * 11
    settings = PatchSettings(
        n_words=30, n_dimensions=5, active_share=0.2, map_patches=all_there_are
    )
    X, _ = textures(n_images)
    learned = PatchFeatures.learn(X, random(), settings)
    codes = learned._codes(patches._patches(X, 6, 1).flatten(1, 2)).double()
    within = torch.einsum("npi,npj->ij", codes, codes) / codes.shape[1]
    means = codes.mean(1)
    floor = settings.code_floor * within.trace() / len(within) * torch.eye(30)
    values, vectors = scipy.linalg.eigh(means.T @ means, within + floor)
    found = learned._best_map(X, random()).double()
    gains = torch.einsum("ik,ij,jk->k", found, means.T @ means, found)
    torch.testing.assert_close(
        gains, torch.from_numpy(values[-6:-1][::-1].copy()), rtol=1e-3, atol=1e-4
    )
    product = found.T @ (within + floor) @ found
    torch.testing.assert_close(product, torch.eye(5).double(), rtol=0, atol=1e-3)
    overlap = torch.from_numpy(vectors[:, -1]) @ (within + floor) @ found
    assert overlap.abs().max() < 1e-2


@pytest.mark.parametrize(
    ("n_images", "n_dimensions", "n_left"),
    [(40, 5, 5), (40, 29, 29), (40, 99, 29), (20, 5, 5), (20, 99, 19), (3, 99, 2)],
)
def test_of_few_words_or_images_all_directions_but_the_first_are_taken(
    n_images, n_dimensions, n_left
):
    settings = PatchSettings(n_words=30, n_dimensions=n_dimensions, active_share=0.2)
    learned = PatchFeatures.learn(textures(n_images)[0], random(), settings)
    assert learned.projection.shape == (30, n_left)


@pytest.mark.parametrize("is_sparse", [True, False])
def test_second_moments_are_those_of_all_blocks(is_sparse):
    codes = F.relu(torch.randn(50, 7, generator=random()) - 1)
    moments = patches._SecondMoments(codes.device)
    assert moments.is_sparse
    moments.is_sparse = is_sparse
    for block in codes.split(20):
        moments.add(block)
    expected = (codes.T @ codes).double().numpy()
    np.testing.assert_allclose(moments.total(), expected, rtol=1e-5, atol=1e-6)


def test_blank_ground_takes_no_words():
    """Textures on a quarter of an image; all patches elsewhere are alike."""
    X, y = textures(120, (12, 12))
    drawn = F.pad(X, (2, 10, 2, 10))
    learned = PatchFeatures.learn(drawn, random())
    assert learned.threshold < 0.95
    codes = learned._codes(patches._patches(drawn, learned.side, PATCHES.stride))
    assert (codes[:, -1, -1] == 0).all()
    assert (codes[:, 2, 2] > 0).any(1).float().mean() > 0.9
    assert share_of_kind(learned(drawn), y) > 0.95


def test_several_kinds_are_kept_as_they_are(learned):
    """In the file of a fit that can be gone on with."""
    X, _ = textures(30, n_channels=3)
    features = learned(X)
    basis = torch.linalg.svd(features)[2][:5].T
    plain = PrincipalComponents(learned, features.mean(0), basis, torch.ones(5))
    several = SeveralFeatures((plain, plain.half_whitened()))
    tensors = {}
    packed = json.loads(json.dumps(pack(several, tensors)))
    assert torch.equal(unpack(packed, tensors)(X), several(X))


def test_images_that_are_all_blank():
    X = torch.ones(20, 1, 12, 12)
    assert (PatchFeatures.learn(X, random())(X) == 0).all()


def test_whitening_evens_out_all_but_the_faint_components(learned):
    sampled = patches._sampled_patches(
        textures(80, n_channels=3)[0], learned.side, 20, random(1)
    ).flatten(0, 1)
    values, vectors = torch.linalg.eigh(torch.cov(sampled.T))
    white = (sampled - learned.mean) @ learned.whitening @ vectors
    strong, faint = values > values.mean(), values < 0.01 * values.mean()
    assert white.var(0)[strong].min() > 0.8
    assert white.var(0)[strong].max() < 1.2
    assert white.var(0)[faint].max() < 0.3


def test_a_word_is_near_above_the_threshold_alone(learned):
    seen = patches._patches(textures(1, n_channels=3)[0], 6, 2)
    likeness = learned._likeness(seen)
    some = float(likeness.flatten()[7])
    near = replace(learned, threshold=some)._words_near(seen)
    assert torch.equal(near > 0, likeness > some)
    lengths = seen.square().sum(-1)
    blank = replace(learned, threshold=-2.0, blank=float(lengths.flatten()[3]))
    found = blank._words_near(seen)
    assert torch.equal(found[..., 0] > 0, lengths > lengths.flatten()[3])


def test_codes_are_few_words(learned):
    codes = learned._codes(patches._patches(textures(40, n_channels=3)[0], 6, 2))
    assert float((codes > 0).float().mean()) == pytest.approx(0.02, abs=0.01)
    norms = codes.norm(dim=3)
    torch.testing.assert_close(norms[norms > 0], torch.ones_like(norms[norms > 0]))


def test_brightness_changes_nothing(learned):
    X, _ = textures(10, n_channels=3)
    torch.testing.assert_close(learned(X), learned(X + 3), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("unit", [0.01, 100.0])
def test_the_unit_of_the_pixels_changes_nothing(unit):
    X, _ = textures(40)
    plain, scaled = (PatchFeatures.learn(x, random())(x) for x in (X, unit * X))
    torch.testing.assert_close(scaled, plain, rtol=0, atol=1e-2)


def test_features_do_not_depend_on_their_batch(learned):
    X, _ = textures(70, n_channels=3)
    torch.testing.assert_close(learned(X)[40:50], learned(X[40:50]))


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize(
    ("shape", "cells"),
    [
        ((4, 4), 1),
        ((4, 12), 4),
        ((12, 4), 4),
        ((8, 8), 4),
        ((12, 20), 16),
        ((32, 32), 16),
        ((64, 100), 16),
    ],
)
def test_images_of_any_shape(shape, cells, n_channels):
    X, _ = textures(30, shape, n_channels)
    features = PatchFeatures.learn(X, random())(X)
    assert features.shape[0] == 30
    assert features.shape[1] % cells == 0
    assert features.isfinite().all()
    norms = features.square().sum(1)
    torch.testing.assert_close(norms, torch.full_like(norms, cells), atol=1.01, rtol=0)


def test_images_of_the_side_are_left_as_they_are():
    for shape in ((32, 32), (32, 40), (50, 32), (8, 40)):
        X, _ = textures(2, shape)
        assert patches.looked_at(X) is X
    assert patches.looked_at(textures(2, (33, 66))[0]).shape[2:] == (32, 64)


@pytest.mark.parametrize(
    ("shape", "seen"), [((32, 32), (16, 16)), ((64, 96), (16, 24)), ((13, 1), (6, 1))]
)
def test_images_are_looked_at_from_afar(shape, seen):
    X, _ = textures(3, shape)
    found = patches.looked_at(X, PatchSettings(shrinkage=2))
    assert found.shape == (3, 1, *seen)
    torch.testing.assert_close(found, F.adaptive_avg_pool2d(X, seen))


def test_without_colours_they_change_nothing():
    X, _ = textures(40, n_channels=3)
    settings = PatchSettings(grey=True)
    assert torch.equal(patches.looked_at(X, settings), X.mean(1, keepdim=True))
    learned = PatchFeatures.learn(X, random(), settings)
    brown = X.mean(1, keepdim=True) * torch.tensor([1.5, 1.0, 0.5]).view(1, 3, 1, 1)
    torch.testing.assert_close(learned(brown), learned(X), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("n", [1, 16, 17, 40])
def test_patches_are_drawn_of_every_image_at_the_places_of_some_others(n):
    side, width = 6, 10
    # Each pixel says where it is, and each image by what it is brighter.
    places = torch.arange(width * width, dtype=torch.float32).view(width, width)
    images = (places * torch.arange(1.0, n + 1).view(-1, 1, 1))[:, None]
    found = patches._sampled_patches(images, side, 7, random())
    assert found.shape == (n, 7, side * side)
    found = found / torch.arange(1.0, n + 1).view(-1, 1, 1)
    for first in range(0, n, 16):
        alike = found[first : first + 16]
        torch.testing.assert_close(alike, alike[:1].expand_as(alike))


def test_large_images_are_seen_small():
    X, _ = textures(30, (64, 64))
    small = F.avg_pool2d(X, 2)
    large_features = PatchFeatures.learn(X, random())(X)
    torch.testing.assert_close(
        large_features, PatchFeatures.learn(small, random())(small)
    )


def test_the_same_for_the_same_seed():
    X, _ = textures(40)
    first, second = (PatchFeatures.learn(X, random(3))(X) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("images", [torch.zeros(10, 1, 8, 8), torch.ones(3, 3, 12, 12)])
def test_constant_images_have_finite_features(images):
    assert PatchFeatures.learn(images, random())(images).isfinite().all()


def test_features_do_not_depend_on_how_much_is_worked_on_at_once(monkeypatch):
    images, _ = textures(70)
    expected = PatchFeatures.learn(images, random())(images)
    monkeypatch.setattr(patches, "_CHUNK_IMAGES", (48, 48))
    found = PatchFeatures.learn(images, random())(images)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
