from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.metrics import adjusted_rand_score

from deepcluster_sk.graph import latent as latent_module
from deepcluster_sk.graph.graph import Graph, neighbor_graph
from deepcluster_sk.graph.latent import latent_graph, look_again, refined_labels
from deepcluster_sk.graph.start import START
from tests.graph.test_neighbors import views_of
from tests.graph.test_start import start_of, vector_views
from tests.made import make_images, make_vectors


def bright_quarters(x):
    """A latent that tells blobs apart."""
    return torch.nn.functional.avg_pool2d(x, 4).flatten(1)


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


@pytest.mark.parametrize("kind", ["small", "vector", "figure"])
def test_what_has_no_patches_is_refined_by_two_graphs(monkeypatch, kind):
    """Nor what is seen without colours, which patches see."""
    X, y = make_images(n=120, side=5 if kind == "small" else 8)
    if kind == "vector":
        X, y = make_vectors(n=120)
    views = vector_views(X) if kind == "vector" else views_of(X, "auto")
    contrasts = ("figure",) if kind == "figure" else ("none",)
    first = start_of(views, image_kind="drawing", contrasts=contrasts)
    monkeypatch.setattr(latent_module, "patch_features", None)

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
