import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from deepcluster_sk.augmentation.presets import kind_of, make_augmentation
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph import support as support_module
from deepcluster_sk.graph.graph import Graph
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.support import (
    SupportSettings,
    Witness,
    agreement,
    find_witnesses,
    support,
)
from deepcluster_sk.runtime.seeding import generator
from tests.made import make_images, make_vectors


def witnesses(X, contrast="none", **settings):
    shape = X.shape[1:]
    layout = (
        RowLayout("HW", (1, *shape)) if len(shape) == 2 else RowLayout("vector", shape)
    )
    rows = X.reshape(len(X), -1)
    views = Views(
        RowDataset(rows),
        SampleReader(layout, PixelScaler.standardize(rows, layout)),
        make_augmentation("auto", kind_of(layout), wide=True),
        generator(0, torch.device("cpu")),
    )
    with torch.no_grad():
        random_state = np.random.RandomState(0)
        return find_witnesses(
            views, 3, random_state, contrast, SupportSettings(**settings)
        )


# Patches see colours and light: where these are left out, they tell nothing.
@pytest.mark.parametrize(
    ("make", "contrast", "n_views"),
    [
        (make_images, "none", [5, 5, 5, 0]),
        (make_images, "edges", [5, 5]),
        (make_images, "level", [5, 5]),
        (make_vectors, "none", [5]),
    ],
)
def test_patches_alone_are_looked_for_in_no_views(make, contrast, n_views, monkeypatch):
    asked, link = [], support_module.neighbor_graph

    def watched(views, features, nodes, n_clusters, n_views):
        asked.append(n_views)
        return link(views, features, nodes, n_clusters, n_views)

    monkeypatch.setattr(support_module, "neighbor_graph", watched)
    witnesses(make(n=40)[0], contrast, n_views=5, n_partitions=1)
    assert asked == n_views


def with_errors(y, every=12):
    """Labels of which some are wrong, and which."""
    wrong = np.arange(0, len(y), every)
    labels = y.copy()
    labels[wrong] = (y[wrong] + 1) % 3
    return labels, wrong


@pytest.mark.parametrize("make", [make_images, make_vectors])
@pytest.mark.parametrize("max_nodes", [1_000, 60])
def test_a_sample_in_the_wrong_cluster_has_no_support(make, max_nodes):
    X, y = make(n=120)
    labels, wrong = with_errors(y)
    asked = witnesses(X, max_nodes=max_nodes)
    assert len(asked) == (4 if make is make_images else 1)
    near = np.mean([w.neighbor_support(labels, 3) for w in asked], axis=0)
    parts = np.mean([w.partition_support(labels, 3) for w in asked], axis=0)
    assert np.array_equal(support(asked, labels, 3), near * parts)
    for found in (near, parts):
        assert found.shape == (120,)
        assert np.all((found >= 0) & (found <= 1))
        assert found[wrong].max() < np.delete(found, wrong).min()


def test_copies_do_not_vouch_for_each_other():
    X, y = make_images(n=60)
    labels, wrong = with_errors(y)
    asked = witnesses(np.repeat(X, 12, 0))
    found = support(asked, np.repeat(labels, 12), 3).reshape(60, 12)
    assert found[wrong].max() < np.delete(found, wrong, 0).min()


@pytest.mark.parametrize("n_distinct", [1, 2, 4])
def test_of_few_samples_that_differ_all_are_asked(n_distinct):
    X, y = make_images(n=n_distinct)
    X, labels = np.repeat(X, 60, 0), np.repeat(y, 60)
    found = support(witnesses(X), labels, 3)
    assert found.shape == labels.shape
    assert np.isfinite(found).all()


def test_full_support_is_one():
    X, y = make_vectors(n=90)
    asked = witnesses(X)
    assert support(asked, y, 3) == pytest.approx(1)
    assert support(asked, np.zeros(90, int), 3) == pytest.approx(1)


def test_the_names_of_clusters_do_not_matter():
    X, y = make_images(n=120)
    labels, _ = with_errors(y)
    asked = witnesses(X)
    renamed = np.array([2, 0, 1])[labels]
    assert np.array_equal(support(asked, labels, 3), support(asked, renamed, 3))
    assert agreement(asked, labels) == agreement(asked, renamed)


@pytest.mark.parametrize("max_nodes", [1_000, 60])
def test_partitions_agree_with_as_many_labels_as_are_right(max_nodes):
    X, y = make_vectors(n=120)
    labels, wrong = with_errors(y, every=10)
    found = agreement(witnesses(X, max_nodes=max_nodes), labels)
    assert found == pytest.approx(1 - len(wrong) / 120)


def test_a_group_in_the_cluster_of_another_has_no_support_of_a_partition():
    labels = np.array([0] * 6 + [0] * 2 + [1] * 4)
    by_kind = np.array([0] * 6 + [1] * 6)  # the two are among the four, it says
    graph = Graph(np.arange(12), csr_matrix((12, 12)))
    found = Witness(graph, [by_kind]).partition_support(labels, 2)
    assert found == pytest.approx([1] * 6 + [1 / 3] * 2 + [2 / 3] * 4)
    both = Witness(graph, [by_kind, labels]).partition_support(labels, 2)
    assert both == pytest.approx((found + 1) / 2)


def test_of_one_cluster_all_is_in_it():
    X, _ = make_vectors(n=40)
    labels = np.zeros(40, int)
    for witness in witnesses(X):
        assert (witness.neighbor_support(labels, 1) == 1).all()
        assert (witness.partition_support(labels, 1) == 1).all()
