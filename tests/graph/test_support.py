import numpy as np
import pytest
import torch

from deepcluster_sk.augmentation.presets import kind_of, make_augmentation
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.support import SupportSettings, neighbor_support
from deepcluster_sk.runtime.seeding import generator
from tests.made import make_images, make_vectors


def support(X, labels, **settings):
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
        return neighbor_support(
            views,
            labels,
            int(labels.max()) + 1,
            np.random.RandomState(0),
            SupportSettings(**settings),
        )


@pytest.mark.parametrize("make", [make_images, make_vectors])
@pytest.mark.parametrize("max_nodes", [1_000, 60])
def test_a_sample_in_the_wrong_cluster_has_no_support(make, max_nodes):
    X, y = make(n=120)
    wrong = np.arange(0, 120, 12)
    labels = y.copy()
    labels[wrong] = (y[wrong] + 1) % 3
    found = support(X, labels, max_nodes=max_nodes)
    assert found.shape == (120,)
    assert np.all((found >= 0) & (found <= 1))
    assert found[wrong].max() < np.delete(found, wrong).min()


def test_full_support_is_one():
    X, y = make_vectors(n=90)
    assert support(X, y) == pytest.approx(1)
    assert support(X, np.zeros(90, int)) == pytest.approx(1)
