import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.neighbors import NearestNeighbors

from deepcluster_sk.augmentation.presets import Augmentation, make_augmentation
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph.neighbors import (
    ComponentSettings,
    Neighbors,
    SeveralFeatures,
    Views,
    hubness,
    view_neighbors,
)
from tests.made import make_images


def random_views(n_views, n, d, seed=0):
    return list(
        torch.randn(n_views, n, d, generator=torch.Generator().manual_seed(seed))
    )


def views_of(X, augmentation=None, seed=0):
    """Views of grey images, or of coloured ones, ``(n, C, H, W)``."""
    grey, coloured = ("HW", (1, *X.shape[1:])), ("CHW", X.shape[1:])
    layout = RowLayout(*(coloured if X.ndim == 4 else grey))
    rows = X.reshape(len(X), -1)
    reader = SampleReader(layout, PixelScaler.standardize(rows, layout))
    return Views(
        RowDataset(rows),
        reader,
        make_augmentation(augmentation, "grey"),
        torch.Generator().manual_seed(seed),
    )


def test_neighbors_of_one_view_are_those_of_scikit_learn():
    (points,) = random_views(1, 60, 4)
    found = view_neighbors(points, [points], 5, same=True)
    model = NearestNeighbors(n_neighbors=5).fit(points.numpy())
    distances, indices = model.kneighbors()
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-3, atol=1e-3)


def test_distance_is_that_of_the_nearest_view():
    views = random_views(4, 15, 3)
    queries = torch.randn(7, 3)
    found = view_neighbors(queries, views, 15)
    for i in range(7):
        nearest = [
            min(float((queries[i] - view[j]).norm()) for view in views)
            for j in range(15)
        ]
        np.testing.assert_allclose(found.distances[i], np.sort(nearest), atol=1e-3)
        np.testing.assert_array_equal(found.indices[i], np.argsort(nearest))


def test_no_sample_is_its_own_neighbor():
    views = random_views(3, 40, 2)
    found = view_neighbors(views[0], views, 39, same=True)
    assert (found.indices != torch.arange(40)[:, None]).all()


def test_hubness_is_the_skewness_of_the_counts():
    (points,) = random_views(1, 80, 20)
    found = view_neighbors(points, [points], 5, same=True)
    counts = [sum(j in row for row in found.indices.tolist()) for j in range(80)]
    assert hubness(found, 80) == pytest.approx(scipy.stats.skew(counts))


def test_a_hub_is_skewed_and_a_ring_is_not():
    hub = torch.tensor([[1], *[[0]] * 9])
    ring = (torch.arange(10) + 1)[:, None] % 10
    assert hubness(Neighbors(hub, torch.ones(10, 1)), 10) > 2
    assert hubness(Neighbors(ring, torch.ones(10, 1)), 10) == 0


def test_blocks_do_not_change_the_result(monkeypatch):
    views = random_views(2, 50, 3)
    whole = view_neighbors(views[0], views, 6, same=True)
    monkeypatch.setattr("deepcluster_sk.graph.neighbors._BLOCK_FLOATS", (1, 1))
    blocks = view_neighbors(views[0], views, 6, same=True)
    assert torch.equal(whole.indices, blocks.indices)


def test_components_keep_the_distances_of_small_images():
    X, _ = make_images(n=50)
    views = views_of(X)
    everything = torch.arange(50)
    flat = views.draw(lambda x: x.flatten(1), everything)
    components = views.draw(views.principal_components(lambda x: x), everything)
    torch.testing.assert_close(
        torch.cdist(components, components),
        torch.cdist(flat, flat),
        atol=0.15,
        rtol=0.02,
    )


@pytest.mark.parametrize("n_samples", [50, 20])
def test_components_are_those_of_most_variance_about_the_mean(n_samples):
    X, _ = make_images(n=50)
    views, settings = views_of(X), ComponentSettings(2, n_samples)
    features = views.principal_components(lambda x: x + 5, settings)
    found = views.draw(features, torch.arange(50)).numpy()
    flat = views.draw(lambda x: (x + 5).flatten(1), torch.arange(50)).numpy()
    assert abs(flat.mean()) > 4
    most = np.linalg.svd(flat - flat.mean(0))[1][:2] ** 2
    # By heart where all are looked at, nearly so by less than half of them.
    part = 1e-4 if n_samples == 50 else 0.1
    np.testing.assert_allclose((found**2).sum(0), most, rtol=5 * part)
    np.testing.assert_allclose(found.mean(0), 0, atol=20 * part)


def test_half_whitened_components_vary_by_the_root_of_what_they_did():
    X, _ = make_images(n=50)
    views, everything = views_of(X), torch.arange(50)
    plain = views.principal_components(lambda x: x, ComponentSettings(4))
    before, after = (
        views.draw(features, everything).std(0)
        for features in (plain, plain.half_whitened())
    )
    torch.testing.assert_close(after / after[0], (before / before[0]).sqrt())


def test_half_whitened_components_of_constant_images_are_finite():
    views = views_of(np.ones((20, 8, 8)))
    features = views.principal_components(lambda x: x).half_whitened()
    assert views.draw(features, torch.arange(20)).isfinite().all()


def test_several_features_are_side_by_side():
    x = torch.arange(6.0).view(3, 2)
    found = SeveralFeatures((lambda x: x[:, :1], lambda x: 2 * x))(x)
    expected = torch.tensor([[0.0, 0, 2], [2, 4, 6], [4, 8, 10]])
    torch.testing.assert_close(found, expected)


def test_views_are_augmented_and_the_first_is_not():
    X, _ = make_images(n=20)
    views = views_of(X, {"rotation": 90.0})
    plain, *augmented = views.stack(lambda x: x.flatten(1), torch.arange(20), 2)
    torch.testing.assert_close(
        plain, views.draw(lambda x: x.flatten(1), torch.arange(20))
    )
    assert not torch.allclose(augmented[0], augmented[1])
    assert isinstance(views.augmentation, Augmentation)


@pytest.mark.parametrize("seed", range(3))
def test_turned_images_are_neighbors_of_their_own_kind(seed):
    # Bars of two kinds, each turned at will within 20 degrees: views see through it.
    rng = np.random.default_rng(seed)
    bars = np.zeros((2, 16, 16))
    bars[0, 7:9, 2:14] = bars[1, 2:14, 7:9] = 1
    turn = Augmentation(rotation=20.0)
    y = np.arange(40) % 2
    X = turn(
        torch.from_numpy(bars[y]).float()[:, None],
        torch.Generator().manual_seed(seed),
    )[:, 0]
    views = views_of(X.numpy() + rng.normal(0, 0.01, X.shape), {"rotation": 20.0})
    stack = views.stack(
        views.principal_components(lambda x: x), torch.arange(40), n_views=8
    )
    found = view_neighbors(stack[0], stack, 5, same=True)
    assert (y[found.indices] == y[:, None]).mean() > 0.99
