import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph import contest
from deepcluster_sk.graph.features import has_patches
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.start import distinct_rows, find_neighborhood
from tests.graph.test_neighbors import views_of
from tests.made import make_images, make_textures


def look(X, augmentation="auto", contrasts=("none",), kind="auto", n_clusters=2):
    torch.manual_seed(0)
    views, random_state = views_of(X, augmentation), np.random.RandomState(0)
    found = find_neighborhood(
        views, n_clusters, random_state, contrasts=contrasts, image_kind=kind
    )
    return found.appearance


def striped_images(n, light, seed=0):
    """Upright and lying stripes at any phase, under `light` times as much as they."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    place = np.arange(16)
    stripes = np.sin(place * 1.2 + rng.uniform(0, 0.8, (n, 1)))
    flat = np.ones(16)
    X = np.where(
        (y == 0)[:, None, None], stripes[:, None] * flat[:, None], stripes[:, :, None]
    )
    ramp = rng.normal(0, light, (n, 2))[:, :, None] * np.linspace(-1, 1, 16)
    shade = ramp[:, 0, None] + ramp[:, 1, :, None]
    return X + shade + rng.normal(0, light, (n, 1, 1)), y


@pytest.mark.parametrize("order", [("none", "local"), ("local", "none")])
def test_contrast_is_chosen_where_light_hides_the_object(order):
    dark, _ = striped_images(200, light=6)
    assert look(dark, None, order, "drawing").contrast == "local"


def test_textures_are_photographs_and_blobs_are_drawings():
    X, _ = make_textures(200)
    seen = look(X[:, 0], contrasts=("none", "image", "local"))
    # What light does to photographs is left to the network.
    assert (seen.image_kind, seen.contrast) == ("photograph", "none")
    assert seen.patch_agreement <= 0.5
    assert seen.patches is not None
    X, _ = make_images(n=120)
    assert look(X, n_clusters=3).image_kind == "drawing"


def test_pixels_that_patches_confirm_make_no_photographs(monkeypatch):
    """However much better the clusters are that patches make."""
    monkeypatch.setattr(contest, "shared_links", lambda graph, other: 0.6)
    X, _ = make_textures(200)
    assert look(X[:, 0]).image_kind == "drawing"


def test_patches_that_make_worse_clusters_make_no_photographs(monkeypatch):
    X, _ = make_textures(200)
    merits = iter([0.3, 0.4])
    monkeypatch.setattr(Graph, "node_modularity", lambda *args: next(merits, 0))
    assert look(X[:, 0]).image_kind == "drawing"


def test_what_is_settled_is_not_looked_for(monkeypatch):
    monkeypatch.setattr(contest, "shared_links", None)
    X, _ = make_images(n=40)
    seen = look(X, contrasts=("image", "none"), kind="photograph")
    assert (seen.contrast, seen.image_kind) == ("image", "photograph")
    # Five pixels on a side hold no patch to speak of.
    tiny, _ = make_images(n=40, side=5)
    assert look(tiny).image_kind == "drawing"
    assert seen.patch_agreement is None


@pytest.mark.parametrize(
    ("layout", "holds"),
    [
        (RowLayout("HW", (1, 6, 6)), True),
        (RowLayout("CHW", (3, 6, 9)), True),
        (RowLayout("HW", (1, 5, 9)), False),
        (RowLayout("HW", (9, 9, 5)), False),
        (RowLayout("vector", (64,)), False),
    ],
)
def test_images_of_six_pixels_hold_patches(layout, holds):
    assert has_patches(layout) == holds


# distinct_rows ------------------------------------------------------------------------


def test_of_copies_the_first_alone_is_a_node():
    rows = np.random.default_rng(0).integers(0, 9, (40, 12)).astype(np.uint8)
    rows[10:30] = rows[5]
    nodes = distinct_rows(rows, 3, np.random.RandomState(0), 100)
    assert_array_equal(np.sort(nodes), [*range(10), *range(30, 40)])
    some = distinct_rows(rows, 3, np.random.RandomState(0), 6)
    assert_array_equal(some, nodes[:6])


def test_where_hardly_any_differ_all_are_nodes():
    rows = np.repeat(np.eye(9), 4, axis=0)
    nodes = distinct_rows(rows, 9, np.random.RandomState(0), 100)
    assert_array_equal(np.sort(nodes), np.arange(36))
    nodes = distinct_rows(rows, 8, np.random.RandomState(0), 100)
    assert_array_equal(np.sort(nodes), np.arange(0, 36, 4))
