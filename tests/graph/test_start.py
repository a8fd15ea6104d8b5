from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph import contest
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.settings import GraphSettings
from deepcluster_sk.graph.start import contrasts_for, find_neighborhood, find_start
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.networks.contrast import CONTRASTS
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


# find_start ---------------------------------------------------------------------------


def test_drawings_are_found_by_pixels():
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
    monkeypatch.setattr(contest, "patch_features", None)
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
    assert contrasts_for("auto", image) == CONTRASTS
    assert contrasts_for("auto", vector) == contrasts_for("none", vector) == ("none",)
    assert contrasts_for("local", image) == ("local",)
    with pytest.raises(ValueError, match="contrast='image' needs images"):
        contrasts_for("image", vector)
