import numpy as np
import pytest
import torch

from deepcluster_sk.graph import remembering
from deepcluster_sk.graph.features import patch_features, pixel_features
from deepcluster_sk.graph.neighbors import SeveralFeatures
from deepcluster_sk.graph.patches import PatchFeatures
from deepcluster_sk.graph.remembering import RememberingViews
from tests.graph.test_neighbors import views_of
from tests.made import make_images


@pytest.fixture
def views():
    return RememberingViews.of(views_of(make_images(n=40)[0], "grey"))


@pytest.fixture
def patches():
    return patch_features(plain())


@pytest.fixture
def looked_at(monkeypatch):
    """How many images patches were found of, time by time."""
    seen, find = [], PatchFeatures.__call__

    def counted(self, images):
        seen.append(len(images))
        return find(self, images)

    monkeypatch.setattr(PatchFeatures, "__call__", counted)
    return seen


def plain():
    """The same samples and augmentation, forgetful, at the same place of the stream."""
    return views_of(make_images(n=40)[0], "grey")


def test_what_is_remembered_is_what_would_be_drawn(views, patches):
    both = SeveralFeatures((patches, patches.half_whitened()))
    for rows in (torch.arange(40), torch.randperm(40), torch.arange(7, 20)):
        for features in (patches, patches.half_whitened(), both):
            found = views.draw(features, rows)
            torch.testing.assert_close(found, plain().draw(features, rows))


def test_patches_of_a_row_are_found_once(views, patches, looked_at):
    views.draw(patches, torch.arange(10, 30))
    assert looked_at == [20]
    views.draw(patches.half_whitened(), torch.arange(12, 20))
    views.draw(
        SeveralFeatures((patches, patches.half_whitened())), torch.arange(11, 30)
    )
    assert looked_at == [20]
    views.draw(patches, torch.arange(9, 12))  # one is new
    views.draw(patches, torch.arange(9, 30))
    assert looked_at == [20, 1]


def test_components_are_of_rows_that_are_remembered(views, looked_at):
    found = patch_features(views)
    views.draw(found, torch.arange(40))
    assert looked_at == [40]
    expected = patch_features(plain())
    torch.testing.assert_close(found.mean, expected.mean)
    torch.testing.assert_close(found.spread, expected.spread)


def test_patches_of_other_words_are_others(views, patches):
    others = patch_features(views)
    rows = torch.arange(40)
    found = views.draw(patches, rows), views.draw(others, rows)
    assert not torch.allclose(*found)
    torch.testing.assert_close(views.draw(patches, rows), found[0])


def test_augmented_views_are_drawn_anew(views, patches, looked_at):
    rows = torch.arange(40)
    first, second = (views.draw(patches, rows, augment=True) for _ in range(2))
    assert not torch.allclose(first, second)
    assert looked_at == [40, 40]


def test_no_more_rows_are_remembered_than_memory_is_for(
    views, patches, looked_at, monkeypatch
):
    monkeypatch.setattr(remembering, "MOST_REMEMBERED", 20)
    for _ in range(2):
        views.draw(patches, torch.arange(21))
    assert looked_at == [21, 21]
    assert not views.drawn
    views.draw(patches, torch.arange(12))
    views.draw(patches, torch.arange(5, 25))  # thirteen are new: all would be too many
    views.draw(patches, torch.arange(5, 25))
    views.draw(patches, torch.arange(12))
    assert looked_at == [21, 21, 12, 13, 5]


def test_other_features_are_as_they_were(views):
    pixels, rows = pixel_features(views, "none"), torch.arange(40)
    for features in (pixels, lambda x: x.flatten(1)):
        expected = plain().draw(features, rows)
        np.testing.assert_array_equal(views.draw(features, rows), expected)
    assert not views.drawn
    assert RememberingViews.of(views) is views
