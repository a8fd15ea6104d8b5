"""Light, colours, and which of object and ground is lighter: the choice of contrast."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits

from deepcluster_sk import NeighborGraphClusterer
from deepcluster_sk.graph import contest
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.start import find_neighborhood
from deepcluster_sk.metrics import clustering_accuracy_score
from deepcluster_sk.networks.contrast import COLOUR_BLIND, CONTRASTS, USUAL
from tests.graph.test_contest import look
from tests.graph.test_neighbors import views_of
from tests.made import make_images, make_textures

pytestmark = pytest.mark.usefixtures("few_words")


def digits_of_any_colours(n_channels):
    """Digits, half of them dark on light, or in two colours drawn for each."""
    digits = load_digits()
    X, rng = digits.images[:600] / 16, np.random.default_rng(0)
    if n_channels == 1:
        return np.where(rng.random((600, 1, 1)) < 0.5, 1 - X, X), digits.target[:600]
    ink, ground = rng.random((2, 600, n_channels, 1, 1))
    return ground + X[:, None] * (ink - ground), digits.target[:600]


@pytest.mark.parametrize("n_channels", [1, 3])
def test_colours_of_objects_and_grounds_do_not_make_the_clusters(n_channels):
    X, y = digits_of_any_colours(n_channels)
    model = NeighborGraphClusterer(10, random_state=0).fit(X)
    assert model.contrast_ in COLOUR_BLIND
    assert model.image_kind_ == "drawing"
    assert clustering_accuracy_score(y, model.labels_) > 0.8
    model.set_params(contrast="image").fit(X)
    assert clustering_accuracy_score(y, model.labels_) < 0.6


@pytest.mark.parametrize(
    ("contrast", "agreement", "compared_by"),
    [
        ("level", 0.4, "pixels"),
        ("level", 0.6, "patches"),
        ("figure", 0.6, "pixels"),
        ("image", 0.6, "patches"),
    ],
)
def test_patches_count_where_they_see_what_is_alike(
    monkeypatch, contrast, agreement, compared_by
):
    """However much better the clusters are that they make."""
    monkeypatch.setattr(contest, "_best_witnessed", lambda *_: contrast)
    monkeypatch.setattr(contest, "shared_links", lambda *_: agreement)
    shares = Graph.modularity_shares
    made = []

    def better_of_patches(graph, labels):
        made.append(graph)  # two of patches first, then that of pixels
        return shares(graph, labels) + (len(made) != 3)

    monkeypatch.setattr(Graph, "modularity_shares", better_of_patches)
    seen = look(make_textures(120)[0][:, 0], contrasts=CONTRASTS)
    assert (seen.contrast, seen.image_kind) == (contrast, "drawing")
    assert seen.compared_by == compared_by


def test_colours_that_tell_objects_apart_are_seen():
    X = make_images(n=120, n_channels=3)[0]
    assert look(X, contrasts=CONTRASTS, n_clusters=3).contrast not in COLOUR_BLIND
    digits = load_digits().images[:600]
    assert look(digits, contrasts=CONTRASTS, n_clusters=10).contrast == "image"


def test_what_sees_no_colours_leaves_the_draws_of_the_rest_alone():
    digits = load_digits().images[:200]
    graphs = []
    for contrasts in (CONTRASTS, USUAL):
        torch.manual_seed(0)
        views, random_state = views_of(digits, "auto"), np.random.RandomState(0)
        graphs += find_neighborhood(views, 10, random_state, contrasts=contrasts).graphs
    one, two = graphs
    assert not (one.weights != two.weights).nnz


def ring(*steps, n=60):
    """Graph in which each node is linked to those so many places on."""
    nodes = np.arange(n)
    links = sum(
        csr_matrix((np.ones(n), (nodes, (nodes + step) % n)), (n, n)) for step in steps
    )
    return Graph(nodes, links + links.T)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ({"none": [1], "image": [1], "figure": [2], "edges": [2]}, "figure"),
        # Whatever the others and patches, which link nine places on, agree on.
        ({"none": [1], "image": [9], "figure": [2], "edges": [2]}, "figure"),
        # Of the two the one that others confirm.
        ({"none": [1, 4], "figure": [2, 3], "edges": [1, 2, 3]}, "edges"),
        # They agree, but no more than one of them does with another.
        ({"none": [1], "image": [2, 9], "figure": [2], "edges": [2, 9]}, "image"),
        ({"none": [1], "image": [9], "figure": [2], "edges": [3]}, "image"),
        ({"none": [1], "image": [9], "level": [2], "edges": [2]}, "level"),
        ({"image": [2, 9], "level": [2], "edges": [2, 9]}, "image"),
        # One alone is confirmed by nobody, unless it is all there is.
        ({"none": [1], "figure": [2]}, "none"),
        ({"figure": [2]}, "figure"),
    ],
)
def test_two_that_see_no_colours_are_believed_where_they_agree_alone(steps, expected):
    graphs = {name: ring(*each) for name, each in steps.items()}
    assert contest._best_witnessed(graphs, ring(9)) == expected


def test_by_chance_two_that_see_no_colours_agree_on_little():
    """Of sixty nodes three have one link more in common, or all have."""
    graphs = {"none": ring(1, 2), "figure": ring(2, 3), "edges": ring(2, 4)}
    assert contest._best_witnessed(graphs, ring(9)) == "none"
    few = graphs["edges"].weights.tolil()
    few[:3] += graphs["figure"].weights.tolil()[:3]
    graphs["edges"] = replace(graphs["edges"], weights=few.tocsr())
    assert contest._best_witnessed(graphs, ring(9)) == "none"
    graphs["edges"] = ring(2, 3, 4)
    assert contest._best_witnessed(graphs, ring(9)) == "figure"
