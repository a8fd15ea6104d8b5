"""Lists and data sets of pictures of any size, and reading what was read before."""

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from torch.utils.data import Dataset

from deepcluster_sk.data import picture_loading
from deepcluster_sk.datasets import load_pictures
from tests.data.picture_files import LINKS_AND_PIPES, grey, names, save


@pytest.fixture
def files(tmp_path):
    """Files of several sizes, not in the order of their names."""
    found = [tmp_path / name for name in ("b.png", "a.jpg", "c.data")]
    for number, path in enumerate(found):
        pixels = grey(50 * number, side=20 + 10 * number)
        save(path, pixels, format="jpeg" if path.suffix == ".jpg" else "png")
    return found


class Drawer(Dataset):
    """A data set as those of torchvision are: pictures and labels."""

    def __init__(self, pictures, sample):
        self.pictures = pictures
        self.sample = sample

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, number):
        if number == 1:
            raise OSError(5, "Input/output error")
        return self.sample(self.pictures[number])


def numbered(paths):
    return [int(path.name) for path in paths]


@LINKS_AND_PIPES
def test_a_list_of_files_stays_in_its_order(files, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    given = [files[0], tmp_path / "gone.png", str(files[1]), tmp_path, files[2]]
    found = load_pictures([*given, tmp_path / "link"], size=8)
    assert found.paths == files
    assert found.X[:, 0, 0].tolist() == [0, 50, 100]
    assert found.unreadable == []
    assert names(found.skipped) == {
        "gone.png": "there is no such file",
        "link": "a link to nothing",
        tmp_path.name: "a folder: read it by itself",
    }


def test_a_list_of_pillow_images(files):
    with Image.open(files[1]) as lazy:
        pictures = (Image.new("RGBA", (30, 9)), lazy, files[2])
        found = load_pictures(pictures, size=8, background=(255, 0, 0))
        assert found.X.shape == (3, 8, 8, 3)
        assert found.X[:, 0, 0].tolist() == [[255, 0, 0], [50, 50, 50], [100] * 3]
        assert [str(path) for path in found.paths] == ["0", "1", str(files[2])]
        # It stays what it was: open, and as large.
        assert np.asarray(lazy).shape == (30, 30)


def test_large_pictures_in_memory_stay_as_large():
    file_like = Image.effect_noise((400, 300), 50).convert("RGB")
    pictures = [file_like.copy() for _ in range(2)]
    load_pictures(pictures, size=8)
    assert all(picture.size == (400, 300) for picture in pictures)


@pytest.mark.parametrize(
    "sample",
    [
        lambda picture: picture,
        lambda picture: (picture, 3),
        lambda picture: [picture, 3],
        lambda picture: {"label": 3, "image": picture, "name": "a"},
    ],
)
def test_data_sets(sample):
    pictures = [Image.new("L", (20 + n, 30), 50 * n) for n in range(4)]
    found = load_pictures(Drawer(pictures, sample), size=8)
    assert numbered(found.paths) == [0, 2, 3]
    assert found.X[:, 0, 0].tolist() == [0, 100, 150]
    assert names(found.unreadable) == {"1": "Input/output error"}


def test_data_sets_of_arrays_are_for_the_clusterer():
    data = Drawer([np.zeros((9, 9))] * 3, lambda array: array)
    with pytest.raises(ValueError, match=r"set .*no Pillow image, but of type nd"):
        load_pictures(data)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((3, 9, 9)), r"A ndarray is no folder.* Arrays need no reading"),
        (None, "A NoneType is no folder"),
        ([3], "Entry 0 of the list is a int"),
    ],
)
def test_no_sources(source, message):
    with pytest.raises(TypeError, match=message):
        load_pictures(source)
    with pytest.raises(ValueError, match="The list holds no readable picture"):
        load_pictures([])


def test_files_that_have_not_changed_are_not_read_again(files, tmp_path, monkeypatch):
    reads = []
    original = picture_loading.read_pixels

    def counted(picture, **settings):
        reads.append(picture)
        return original(picture, **settings)

    monkeypatch.setattr(picture_loading, "read_pixels", counted)

    def load(source=tmp_path, **settings):
        reads.clear()
        return load_pictures(source, memory=str(tmp_path / ".cache"), **settings)

    first = load()
    assert len(reads) == 2
    again = load()
    assert reads == []
    assert_array_equal(again.X, first.X)
    assert again.paths == first.paths
    # What is not tried is looked for each time, and other settings are other arrays.
    (tmp_path / "notes.txt").write_text("")
    assert "notes.txt" in names(load().skipped)
    assert reads == []
    load(size=16)
    assert len(reads) == 2
    save(files[0], grey(99, side=20))
    os.utime(files[0], ns=(1, 1))
    assert 99 in load().X
    assert len(reads) == 2
    load([Image.new("L", (9, 9))])
    load([Image.new("L", (9, 9))])
    assert len(reads) == 1  # pictures in memory have no name to be known by
