import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph.features import patch_features, pixel_features
from deepcluster_sk.graph.voting import NodeVoters, fingerprints, most_frequent
from tests.graph.test_neighbors import views_of
from tests.made import make_textures

CPU = torch.device("cpu")


@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 10**6))
def test_most_frequent_is_one_of_those_of_a_loop(n, k, seed):
    labels = np.random.default_rng(seed).integers(0, 4, (n, k))
    for row, found in zip(labels, most_frequent(labels), strict=True):
        counts = np.bincount(row)
        assert counts[found] == counts.max()


def test_of_labels_as_frequent_those_that_come_first_win():
    labels = np.array([[1, 0, 0, 1], [3, 3, 0, 0], [0, 3, 2, 1], [2, 0, 0, 0]])
    assert_array_equal(most_frequent(labels), [1, 3, 0, 0])


def voters_on_a_line(places, labels, n_votes):
    """Nodes that are numbers, which are their own features."""
    rows = np.asarray(places, float)[:, None]
    layout = RowLayout("vector", (1,))
    scaler = PixelScaler(np.zeros(1), np.ones(1), False)
    nodes, reader = RowDataset(rows), SampleReader(layout, scaler)
    views = [torch.from_numpy(rows).float(), torch.from_numpy(rows).float() + 100]
    labels = np.asarray(labels)
    voters = NodeVoters.of(lambda x: x, views, labels, n_votes, nodes, reader)
    return voters, reader


def test_nearest_nodes_vote_in_any_of_their_views():
    voters, reader = voters_on_a_line([0, 1, 2, 10, 11], [0, 1, 1, 2, 2], 3)
    asked = RowDataset(np.array([[0.4], [9.0], [101.2], [112.0]]))
    assert_array_equal(voters.label_all(asked, reader, CPU), [1, 2, 1, 2])


def test_a_node_has_its_own_label_against_all_votes():
    voters, reader = voters_on_a_line([0, 1, 2, 3, 4], [1, 0, 1, 0, 1], 3)
    asked = RowDataset(np.array([[1.0], [1.0 + 1e-6], [3.0]]))
    assert_array_equal(voters.label_all(asked, reader, CPU), [0, 1, 0])


def test_copies_have_the_label_of_most_and_vote_by_it():
    voters, reader = voters_on_a_line([0, 0, 0, 5, 5], [2, 1, 2, 1, 0], 3)
    assert_array_equal(voters.labels, [2, 2, 2, 0, 0])
    asked = RowDataset(np.array([[0.0], [0.1], [5.0]]))
    assert_array_equal(voters.label_all(asked, reader, CPU), [2, 2, 0])


def test_what_is_no_number_is_refused():
    voters, reader = voters_on_a_line([0, 1, 2], [0, 1, 1], 1)
    for place in (np.inf, 1e30):
        with pytest.raises(ValueError, match="too far"):
            voters.label_all(RowDataset(np.array([[place]])), reader, CPU)


def test_fingerprints_tell_samples_apart_whatever_their_strides():
    x = torch.randn(6, 3, 4, 4)
    keys = fingerprints(x)
    assert len(set(keys)) == 6
    assert fingerprints(x.contiguous(memory_format=torch.channels_last)) == keys
    assert fingerprints(x[2:4]) == keys[2:4]
    nearly = x.clone()
    nearly[0, 0, 0, 0] = torch.nextafter(nearly[0, 0, 0, 0], torch.tensor(9.0))
    assert fingerprints(nearly)[0] != keys[0]


@pytest.mark.parametrize("kind", ["pixels", "patches"])
@pytest.mark.parametrize(
    "device", ["meta", pytest.param("cuda", marks=pytest.mark.gpu)]
)
def test_everything_moves_to_a_device(kind, device):
    X = make_textures(40)[0][:, 0]
    views = views_of(X)
    made = patch_features(views) if kind == "patches" else pixel_features(views, "none")
    stack = views.stack(made, torch.arange(40), 1)
    voters = NodeVoters.of(
        made, stack, np.arange(40) % 2, 3, views.dataset, views.reader
    )
    there = voters.to(torch.device(device))
    x = torch.zeros(2, 1, 16, 16, device=device)
    assert there.features(x).device.type == device
    assert all(view.device.type == device for view in there.views)
    # The voters themselves stay where they are.
    assert voters.features(torch.zeros(2, 1, 16, 16)).device.type == "cpu"
