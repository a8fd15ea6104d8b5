from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph import start as start_module
from deepcluster_sk.graph.graph import Graph, neighbor_graph
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.settings import GraphSettings
from deepcluster_sk.graph.start import (
    START,
    contrasts_for,
    find_neighborhood,
    find_start,
    latent_graph,
    look_again,
    refined_labels,
)
from deepcluster_sk.metrics import clustering_accuracy_score
from tests.graph.test_neighbors import views_of
from tests.made import make_images, make_textures, make_vectors

ONCE = GraphSettings(1, 4, (10,), (0, 1))


def start_of(views, n_clusters=3, seed=0, **params):
    torch.manual_seed(seed)
    return find_start(views, n_clusters, np.random.RandomState(seed), **params)


def vector_views(V):
    layout = RowLayout("vector", (V.shape[1],))
    reader = SampleReader(layout, PixelScaler.standardize(V, layout))
    generator = torch.Generator().manual_seed(0)
    return Views(RowDataset(V), reader, lambda x: x + 0.1 * x.flip(0), generator)


def bright_quarters(x):
    """A latent that tells blobs apart."""
    return torch.nn.functional.avg_pool2d(x, 4).flatten(1)


# find_start ---------------------------------------------------------------------------


def test_drawings_are_found_by_pixels(monkeypatch):
    monkeypatch.setattr(start_module, "patch_features", None)
    X, y = make_images(n=120, noise=0.07)
    found = start_of(views_of(X, "auto"))
    assert adjusted_rand_score(y, found.labels) == 1
    assert (found.image_kind, found.contrast) == ("drawing", "none")
    assert sorted(found.graph.nodes) == list(range(120))


def test_photographs_are_found_by_patches():
    X, y = make_textures(200)
    found = start_of(views_of(X[:, 0], "auto"), 2)
    assert found.image_kind == "photograph"
    assert clustering_accuracy_score(y, found.labels) > 0.95
    # No move is left that would gain.
    graph = found.graph
    after = graph.refined(found.labels, 2, np.random.RandomState(0))
    merit = graph.modularity(found.labels)
    assert graph.modularity(after) == pytest.approx(merit, abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("photograph", 0.95, 1), ("drawing", 0, 0.7)]
)
def test_a_stated_kind_is_believed(kind, least, most):
    """Textures are told apart by patches, and not by pixels."""
    X, y = make_textures(200)
    views = views_of(X[:, 0], "auto")
    found = start_of(views, 2, image_kind=kind)
    assert found.image_kind == kind
    assert least <= clustering_accuracy_score(y, found.labels) <= most


def test_vectors_have_no_kind(monkeypatch):
    monkeypatch.setattr(start_module, "patch_features", None)
    V, y = make_vectors(n=90)
    for kind in ("auto", "photograph"):
        found = start_of(vector_views(V), image_kind=kind)
        assert found.image_kind is None
        assert adjusted_rand_score(y, found.labels) == 1


@pytest.mark.parametrize("kind", ["drawing", "photograph"])
def test_rows_beyond_the_graph_follow_it(kind):
    X, y = make_images(n=150, noise=0.07)
    found = start_of(views_of(X, "auto"), image_kind=kind, max_nodes=60)
    assert found.graph.weights.shape == (60, 60)
    assert found.graph.voters.shape == (90, 5)
    assert_array_equal(found.graph.spread(found.labels), found.labels)
    assert set(found.labels) == {0, 1, 2}
    if kind == "drawing":
        assert adjusted_rand_score(y, found.labels) == 1


def test_settings_are_those_of_the_graphs():
    X, _ = make_images(n=120)
    settings = replace(ONCE, n_graphs=2, n_neighbors=(2, 3))
    random_state = np.random.RandomState(0)
    found = find_neighborhood(views_of(X), 3, random_state, settings=settings)
    links = [np.diff(graph.weights.indptr).mean() for graph in found.graphs]
    assert len(links) == 4
    assert max(links) < 2 * 3
    # Of patches a single graph, of the largest number.
    found = find_neighborhood(
        views_of(X), 3, random_state, settings=settings, image_kind="photograph"
    )
    [graph] = found.graphs
    assert 3 <= np.diff(graph.weights.indptr).mean() < 2 * 3


def test_of_contrasts_the_better_is_taken():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    stripes = np.sin(np.arange(16) * 1.2 + rng.uniform(0, 0.8, (200, 1)))
    lying = stripes[:, :, None] * np.ones(16)
    X = np.where((y == 0)[:, None, None], lying, lying.transpose(0, 2, 1))
    light = rng.normal(0, 6, (200, 2))[:, :, None] * np.linspace(-1, 1, 16)
    X = X + light[:, 0, None] + light[:, 1, :, None]
    wanted = {"contrasts": ("none", "local"), "image_kind": "drawing"}
    found = start_of(views_of(X), 2, settings=ONCE, **wanted)
    assert found.contrast == "local"
    assert adjusted_rand_score(y, found.labels) > 0.9


def test_the_same_seed_gives_the_same_start():
    X, _ = make_images(n=100)
    first, again = (start_of(views_of(X, "auto"), max_nodes=60) for _ in range(2))
    assert_array_equal(first.labels, again.labels)
    assert (first.contrast, first.image_kind) == (again.contrast, again.image_kind)
    assert (first.graph.weights != again.graph.weights).nnz == 0
    assert_array_equal(first.graph.voters, again.graph.voters)


def test_contrasts_to_choose_from():
    image, vector = RowLayout("HW", (1, 8, 8)), RowLayout("vector", (64,))
    assert contrasts_for("auto", image) == ("none", "image", "local")
    assert contrasts_for("auto", vector) == contrasts_for("none", vector) == ("none",)
    assert contrasts_for("local", image) == ("local",)
    with pytest.raises(ValueError, match="contrast='image' needs images"):
        contrasts_for("image", vector)


# look_again ---------------------------------------------------------------------------


def strayed(start, y, seed=0):
    """The start with a fifth of the labels wrong."""
    wrong = np.random.default_rng(seed).random(len(y)) < 0.2
    return replace(start, labels=np.where(wrong, (y + 1) % 3, y))


@pytest.mark.parametrize("max_nodes", [150, 60])
def test_drawings_are_refined_by_pixels_latent_and_patches(max_nodes):
    X, y = make_images(n=150, noise=0.07)
    views = views_of(X, "auto")
    first = start_of(views, max_nodes=max_nodes)
    random_state = np.random.RandomState(0)
    found = look_again(strayed(first, y), views, bright_quarters, 3, random_state)
    # Samples go home, and clusters keep their names.
    assert_array_equal(found.labels, y)
    assert (found.contrast, found.image_kind) == (first.contrast, first.image_kind)
    assert found.appearance == first.appearance
    assert_array_equal(found.graph.nodes, first.graph.nodes)
    # A third each.
    weights = first.graph.weights / first.graph.weights.sum()
    rest = found.graph.weights / found.graph.weights.sum() - weights / 3
    assert rest.min() > -1e-9
    assert rest.sum() == pytest.approx(2 / 3)
    if max_nodes == 60:
        # Each votes for the other samples.
        assert found.graph.voters.shape == (90, 3 * 5)
        assert_array_equal(found.graph.spread(found.labels), found.labels)


def test_drawings_compared_by_patches_alone_are_not_looked_at_again():
    X, y = make_images(n=150, noise=0.07)
    views = views_of(X, "auto")
    first = start_of(views)
    seen = replace(first.appearance, compared_by="patches")
    wrong = replace(strayed(first, y), appearance=seen, rivals=y[None])
    found = look_again(wrong, views, None, 3, np.random.RandomState(0))
    assert_array_equal(found.labels, wrong.labels)
    assert found.graph is first.graph
    assert found.rivals.shape == (0, 150)


@pytest.mark.parametrize("is_clear", [True, False])
@pytest.mark.parametrize("max_nodes", [150, 60])
def test_the_latent_decides_between_rivals(monkeypatch, is_clear, max_nodes):
    X, y = make_images(n=150, noise=0.07)
    views = views_of(X, "auto")
    first = start_of(views, max_nodes=max_nodes)
    # Nothing else may bring the right partition about.
    monkeypatch.setattr(
        Graph, "refined", lambda graph, labels, *_: graph.spread(labels)
    )
    monkeypatch.setattr(Graph, "merge_split", lambda _, labels, *__: labels)
    halves = (y > 0) * (1 + np.arange(150) % 2)  # one class in two, the others as one
    nearly = y.copy()
    nearly[first.graph.nodes[0]] = (y[first.graph.nodes[0]] + 1) % 3
    wrong = halves if is_clear else nearly
    rivals = np.stack([halves, y, nearly])[:, first.graph.nodes]
    rivalled = replace(first, labels=first.graph.spread(wrong), rivals=rivals)
    random_state = np.random.RandomState(0)
    found = look_again(rivalled, views, bright_quarters, 3, random_state)
    assert_array_equal(found.labels, y if is_clear else rivalled.labels)
    assert found.rivals.shape == (0, max_nodes)


@pytest.mark.parametrize("kind", ["small", "vector"])
def test_what_has_no_patches_is_refined_by_two_graphs(monkeypatch, kind):
    monkeypatch.setattr(start_module, "patch_features", None)
    X, y = make_images(n=120, side=5) if kind == "small" else make_vectors(n=120)
    views = views_of(X, "auto") if kind == "small" else vector_views(X)
    first = start_of(views, image_kind="drawing")

    def latent(x):
        return x.flatten(1)

    wrong = strayed(first, y)
    found = look_again(wrong, views, latent, 3, np.random.RandomState(0))
    assert adjusted_rand_score(y, wrong.labels) < 0.7
    assert adjusted_rand_score(y, found.labels) > 0.85
    weights = first.graph.weights / first.graph.weights.sum()
    rest = found.graph.weights / found.graph.weights.sum() - weights / 2
    assert rest.sum() == pytest.approx(1 / 2)


def test_photographs_are_cut_anew(monkeypatch):
    """And drawings are not."""
    X, y = make_images(n=100)
    views, cut, cuts = views_of(X, "auto"), Graph.cut, []

    def seen(self, *args):
        cuts.append(self)
        return cut(self, *args)

    monkeypatch.setattr(Graph, "cut", seen)
    first = replace(start_of(views), labels=np.zeros(100, int))
    random_state = np.random.RandomState(0)
    seen = replace(first.appearance, image_kind="photograph")
    photographs = replace(first, appearance=seen)
    found = look_again(photographs, views, bright_quarters, 3, random_state)
    assert cuts == [found.graph]
    assert adjusted_rand_score(y, found.labels) == 1
    look_again(first, views, bright_quarters, 3, random_state)
    assert len(cuts) == 1


# refined_labels -----------------------------------------------------------------------


def test_labels_are_refined_on_graph_and_latent():
    X, y = make_images(n=120)
    views = views_of(X, "auto")
    first = start_of(views)
    before = first.graph.weights.copy()
    wrong = strayed(first, y).labels
    found = refined_labels(
        wrong, first.graph, views, bright_quarters, 3, np.random.RandomState(0)
    )
    assert_array_equal(found, y)
    assert (wrong != y).any()
    assert (first.graph.weights != before).nnz == 0


def test_the_latent_has_its_say():
    """Two of three blobs cannot be told apart by the graph, and can in the latent."""
    X, y = make_images(n=150)
    views = views_of(X, None)

    def blind(x):
        bright = x[:, 0, :4, :4].mean((1, 2))
        noise = torch.randn(len(x), 1, generator=torch.Generator().manual_seed(0))
        return torch.cat([5 * bright[:, None], noise], 1)

    graph = neighbor_graph(views, blind, np.arange(150), 3, 0)
    wrong = np.where(np.arange(150) % 5 == 0, (y + 1) % 3, y)
    alone = graph.refined(wrong, 3, np.random.RandomState(0))
    assert adjusted_rand_score(y, alone) < 0.8
    found = refined_labels(
        wrong, graph, views, bright_quarters, 3, np.random.RandomState(0)
    )
    assert adjusted_rand_score(y, found) > 0.9


def test_latent_neighbors_are_looked_for_in_fewer_views():
    X, _ = make_images(n=40)
    seen = []

    def latent(x):
        seen.append(len(x))
        return x.flatten(1)

    latent_graph(views_of(X, "auto"), latent, np.arange(40), 3)
    assert seen == [40] * (1 + START.latent_views)
