"""Reports show the files that samples were made of, where these are larger."""

import numpy as np
import pytest
from PIL import Image

from deepcluster_sk import DeepTripletClusterer
from deepcluster_sk.report import write_report
from deepcluster_sk.report.originals import original_pictures
from tests.made import make_vectors, quick
from tests.report.test_page import content

#: Shades of the files, of which the first is the darkest.
SHADES = (10, 100, 200)


@pytest.fixture
def files(tmp_path):
    """Pictures of 60x40 pixels, each of one shade but for its left and right ends."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = [folder / f"{number}.png" for number in range(3)]
    for path, shade in zip(paths, SHADES, strict=True):
        pixels = np.full((40, 60), shade, np.uint8)
        pixels[:, :10] = pixels[:, -10:] = 255  # what no model sees
        Image.fromarray(pixels).save(path)
    return paths


def samples(*shape):
    return np.arange(3, dtype=np.uint8).reshape(3, *[1] * len(shape)) * np.ones(
        shape, np.uint8
    )


def test_files_are_shown_as_the_model_sees_them_only_larger(files):
    found = original_pictures(samples(8, 8), files, files)
    assert found.shape == (3, 40, 40)  # no larger than they are
    assert found[:, 3, 3].tolist() == list(SHADES)
    assert np.ptp(found, axis=(1, 2)).tolist() == [0, 0, 0]
    folder = files[0].parent
    assert np.array_equal(original_pictures(samples(8, 8), folder, files), found)
    assert np.array_equal(original_pictures(None, folder, files), found)


def test_each_sample_has_its_own_file(files):
    paths = [files[2], files[0], files[2]]
    found = original_pictures(samples(8, 8), files, paths)
    assert found[:, 3, 3].tolist() == [200, 10, 200]


@pytest.mark.parametrize("channels", [(), (3,)])
def test_samples_whose_files_are_gone_are_shown_themselves(files, channels):
    files[1].unlink()
    found = original_pictures(samples(8, 8, *channels), files, files)
    assert found.shape == (3, 40, 40, *channels)
    assert found[0].max() == 10
    assert found[1].min() == found[1].max() == 1
    blank = original_pictures(None, files, files)
    assert blank[1].min() == 255


def test_a_coloured_file_beside_a_grey_sample(files):
    Image.new("RGB", (40, 40), (200, 0, 0)).save(files[2])
    files[1].write_bytes(b"no picture")
    found = original_pictures(samples(8, 8), files, files)
    assert found.shape == (3, 40, 40, 3)
    assert found[1, 0, 0].tolist() == [1, 1, 1]
    assert found[2, 0, 0].tolist() == [200, 0, 0]


def test_what_files_cannot_tell(files, tmp_path):
    """Nobody knows how oblong samples were cut; and the rest is no larger, or gone."""
    for shown in (samples(8, 12), samples(40, 40), samples(64, 64, 3)):
        assert original_pictures(shown, files, files) is shown
    small = samples(8, 8)
    assert original_pictures(small, tmp_path / "gone", files) is small
    many = np.zeros((90_000, 16, 16), np.uint8)
    assert (
        original_pictures(many, files, files * 30_000) is many
    )  # too many to be large
    for file in files:
        file.write_bytes(b"no picture")
    assert original_pictures(small, files, files) is small
    assert original_pictures(None, files, files) is None


def test_pages_hold_the_files(model, images, files, tmp_path):
    page = tmp_path / "report.html"
    names = [str(file) for file in files] * 30
    write_report(model, images, page, files=names)
    assert content(page)["side"] == 40
    assert content(page)["files"] == names
    write_report(model, images, page, files=["no file", "", "\0", *["x" * 300] * 87])
    assert content(page)["side"] == 8
    write_report(model, images, page, files=names, images=images)
    assert content(page)["side"] == 8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_vectors_are_shown_by_their_files(files, tmp_path):
    X, _ = make_vectors()
    model = quick(DeepTripletClusterer, module__channels=None).fit(X)
    page = tmp_path / "report.html"
    names = [files[number % 3] for number in range(len(X))]
    write_report(model, X, page, files=names)
    assert content(page)["side"] == 40
    with pytest.raises(ValueError, match="pass images=, the picture of each"):
        write_report(model, X, page, files=["no file"] * len(X))
