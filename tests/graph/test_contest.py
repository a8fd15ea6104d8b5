from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from deepcluster_sk import NeighborGraphClusterer
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph import contest, start
from deepcluster_sk.graph.contest import Appearance
from deepcluster_sk.graph.features import has_patches, patch_features
from deepcluster_sk.graph.graph import Graph, neighbor_graph, summed
from deepcluster_sk.graph.start import distinct_rows, find_neighborhood
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.graph.test_neighbors import views_of
from tests.made import make_images, make_textures

pytestmark = pytest.mark.usefixtures("few_words")


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


def merits_are(monkeypatch, *merits):
    """Let graphs fall into clusters so well, one after the other."""
    left = iter(merits)
    monkeypatch.setattr(
        Graph, "modularity_shares", lambda graph, _: next(left) + ripple(graph)
    )


def ripple(graph):
    return 0.1 * np.sin(np.arange(len(graph.nodes)))


def test_patches_that_make_worse_clusters_make_no_photographs(monkeypatch):
    """Nor are other patches tried: there are no more merits."""
    X, _ = make_textures(200)
    merits_are(monkeypatch, *(0.1, 0.3), 0.4)
    seen = look(X[:, 0])
    assert (seen.image_kind, seen.compared_by) == ("drawing", "pixels")


def test_others_are_tried_where_one_of_the_first_two_is_not_clearly_worse(monkeypatch):
    X, _ = make_textures(200)
    merits_are(monkeypatch, *(0.1, 0.5), 0.4, *(0.2, 0.2))
    seen = look(X[:, 0])
    assert seen.compared_by == "patches"
    assert seen.patches.prepare.settings.shrinkage == 1


def test_images_too_small_for_patches_are_compared_by_pixels(monkeypatch):
    X, _ = make_images(n=40, side=5)
    merits_are(monkeypatch, *(0.9, 0.9), 0.1)
    assert look(X, contrasts=("none", "local")).compared_by == "pixels"


# Merits are of plain patches, as they vary and half whitened; of pixels; and of patches
# that show twice as much.
@pytest.mark.parametrize("best", range(4))
def test_of_all_patches_those_that_make_the_best_clusters_are_taken(monkeypatch, best):
    X, _ = make_textures(200)
    first, second, *others = (0.5 + 0.1 * (k == best) for k in range(4))
    merits_are(monkeypatch, first, second, 0.4, *others)
    patches = look(X[:, 0]).patches
    assert patches.prepare.settings.shrinkage == (1, 1, 2, 2)[best]
    # As they vary, components are orthonormal.
    product = patches.basis.T @ patches.basis
    is_plain = torch.allclose(product, torch.eye(len(product)), atol=1e-3)
    assert is_plain == (best in (0, 2))


def test_patches_that_are_as_good_within_chance_are_taken_together(monkeypatch):
    X, _ = make_textures(200)
    left = iter([1, 2, None, 3, 4])

    def shares(graph, _):
        k = next(left)
        # The second is the best by a hair, and the third clearly bad.
        best = {None: 0.0, 1: 0.500, 2: 0.501, 3: 0.2, 4: 0.5}[k]
        return best + (-1) ** np.arange(len(graph.nodes)) * 0.1 * (k != 2)

    monkeypatch.setattr(Graph, "modularity_shares", shares)
    kinds = look(X[:, 0]).patches.kinds
    assert [kind.prepare.settings.shrinkage for kind in kinds] == [1, 1, 2]


@pytest.mark.parametrize(
    ("agreement", "gain", "kind", "compared_by"),
    [
        (0.6, 0.1, "drawing", "patches"),
        (0.6, 0.0, "drawing", "both"),
        (0.6, -0.1, "drawing", "pixels"),
        (0.4, 0.1, "photograph", "patches"),
        (0.4, 0.002, "photograph", "patches"),
        (0.4, 0.0, "drawing", "both"),
        (0.4, -0.1, "drawing", "pixels"),
    ],
)
def test_what_is_not_clearly_better_does_not_decide_alone(
    monkeypatch, agreement, gain, kind, compared_by
):
    monkeypatch.setattr(contest, "shared_links", lambda graph, other: agreement)
    X, _ = make_textures(200)
    is_pixels = iter([False, False, True, False, False])

    def shares(graph, _):
        # What one lacks by a hair is chance, of which there is as much either way.
        return ripple(graph) if next(is_pixels) else gain - 0.001 - ripple(graph)

    monkeypatch.setattr(Graph, "modularity_shares", shares)
    seen = look(X[:, 0], contrasts=("none", "local"))
    assert (seen.image_kind, seen.compared_by) == (kind, compared_by)


def test_graphs_of_pixels_and_patches_are_summed_where_neither_is_better(monkeypatch):
    made = {}
    for name in ("neighbor_graphs", "neighbor_graph"):
        make = getattr(start, name)

        def kept(*args, name=name, make=make):
            made[name] = make(*args)
            return made[name]

        monkeypatch.setattr(start, name, kept)
    X, _ = make_textures(200)
    views = views_of(X[:, 0], "auto")
    seen = Appearance("local", "drawing", patch_features(views), 0.6, "both")
    found = find_neighborhood(views, 2, np.random.RandomState(0), seen=seen)
    pixels, patches = made["neighbor_graphs"], made["neighbor_graph"]
    assert len(found.graphs) == len(pixels)
    for graph, one in zip(found.graphs, pixels, strict=True):
        assert abs(graph.weights - summed([one, patches]).weights).max() < 1e-9
    # Whoever comes later is compared by patches.
    assert found.features is seen.patches


def test_colour_images_are_looked_at_without_colours_too(monkeypatch):
    views = views_of(make_textures(120, n_channels=3)[0])
    monkeypatch.setattr(contest, "beyond_chance", lambda gain: False)
    found = find_neighborhood(
        views, 2, np.random.RandomState(0), image_kind="photograph"
    )
    kinds = found.appearance.patches.kinds
    looks = [
        (kind.prepare.settings.shrinkage, kind.prepare.settings.grey) for kind in kinds
    ]
    each = [(1, False), (1, True), (2, False), (2, True)]
    assert sorted(looks) == sorted(2 * each)
    # The graph is the sum of one of each.
    [graph] = found.graphs
    several = [neighbor_graph(views, kind, graph.nodes, 2, 0) for kind in kinds]
    assert abs(graph.weights - summed(several).weights).max() < 1e-9


@pytest.mark.parametrize("kind", ["auto", "photograph"])
def test_by_patches_alone_the_best_in_colour_and_the_best_without_count(
    monkeypatch, kind
):
    X, _ = make_textures(120, n_channels=3)
    # Plain and half whitened, of pixels, and of other patches: of grey ones, coarse
    # ones, and coarse grey ones.
    merits = iter([0.7, 0.6, *([0.1] * (kind == "auto")), *(0.3, 0.5), 0.9, 0.8, 0, 0])
    monkeypatch.setattr(
        Graph, "modularity_shares", lambda graph, _: next(merits) + ripple(graph)
    )
    monkeypatch.setattr(contest, "shared_links", lambda graph, other: 0.1)
    found = find_neighborhood(
        views_of(X),
        2,
        np.random.RandomState(0),
        image_kind=kind,
        by_patches_alone=True,
    )
    assert found.appearance.image_kind == "photograph"
    kinds = found.appearance.patches.kinds
    looks = [
        (kind.prepare.settings.shrinkage, kind.prepare.settings.grey) for kind in kinds
    ]
    assert looks == [(2, False), (1, True)]


def test_what_is_settled_is_not_looked_for(monkeypatch):
    monkeypatch.setattr(contest, "shared_links", None)
    X, _ = make_images(n=40)
    seen = look(X, contrasts=("image", "none"), kind="photograph")
    assert (seen.contrast, seen.image_kind) == ("image", "photograph")
    assert seen.compared_by == "patches"
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

VECTORS = RowLayout("vector", (64,))
IMAGES = RowLayout("HW", (1, 8, 8))


def test_of_copies_the_first_alone_is_a_node():
    rows = np.random.default_rng(0).integers(0, 9, (40, 12)).astype(np.uint8)
    rows[10:30] = rows[5]
    nodes = distinct_rows(rows, VECTORS, 3, np.random.RandomState(0), 100)
    assert_array_equal(np.sort(nodes), [*range(10), *range(30, 40)])
    some = distinct_rows(rows, VECTORS, 3, np.random.RandomState(0), 6)
    assert_array_equal(some, nodes[:6])


def test_where_hardly_any_differ_all_are_nodes():
    rows = np.repeat(np.eye(9), 4, axis=0)
    nodes = distinct_rows(rows, VECTORS, 9, np.random.RandomState(0), 100)
    assert_array_equal(np.sort(nodes), np.arange(36))
    nodes = distinct_rows(rows, VECTORS, 8, np.random.RandomState(0), 100)
    assert_array_equal(np.sort(nodes), np.arange(0, 36, 4))


def bursts(n, n_bursts, size=16, noise=0.1):
    """Digits, and bursts of pictures of some of them."""
    random = np.random.RandomState(0)
    X, y = load_digits(return_X_y=True)
    again = random.permutation(n)[:n_bursts].repeat(size)
    shown = np.concatenate([np.arange(n), again])
    X, y = X[shown], y[shown]
    X[n:] += noise * random.normal(size=X[n:].shape)
    return X, y


def test_of_a_burst_of_images_a_few_are_nodes():
    X, _ = bursts(200, 5, size=10)
    draw = partial(distinct_rows, n_clusters=4, most=1_000)
    nodes = draw(X, IMAGES, random_state=np.random.RandomState(0))
    # Three of each burst and of the image it is of: two more than without.
    assert len(nodes) == 200 + 5 * 2
    # In random order, the same where nothing is left out.
    alone = draw(X[:200], IMAGES, random_state=np.random.RandomState(0))
    assert_array_equal(alone, np.random.RandomState(0).permutation(200))
    # Vectors correlate for other reasons.
    assert len(draw(X, VECTORS, random_state=np.random.RandomState(0))) == 250


def test_bursts_do_not_make_clusters_of_their_own():
    X, y = bursts(400, 20, size=12)
    model = NeighborGraphClusterer(10, image_shape=(8, 8), random_state=0).fit(X)
    assert clustering_accuracy_score(y, model.labels_) > 0.85


def test_pictures_that_are_all_alike_keep_their_cluster():
    X, y = load_digits(return_X_y=True)
    icon = 16 * (np.add.outer(np.arange(8), np.arange(8)) % 2).ravel()
    icons = icon + 0.3 * np.random.default_rng(0).normal(size=(40, 64))
    X, y = np.concatenate([X[:360], icons]), np.concatenate([y[:360], np.full(40, 10)])
    labels = NeighborGraphClusterer(11, image_shape=(8, 8), random_state=0).fit_predict(
        X
    )
    assert len(set(labels[y == 10])) == 1
    assert (labels == labels[-1]).sum() == 40
