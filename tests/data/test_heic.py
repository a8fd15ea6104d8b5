"""HEIC, the format of iPhones: with the package that reads it, and without."""

import sys

import numpy as np
import pytest
from PIL import Image

from deepcluster_sk.data.pictures import open_picture
from deepcluster_sk.datasets import load_pictures
from tests.data.picture_files import grey, names, save

#: How a file of an iPhone begins.
START = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_with_pillow_heif(tmp_path):
    pytest.importorskip("pillow_heif").register_heif_opener()
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24] = (255, 0, 0)
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "1.heic")
    picture.save(tmp_path / "2.HIF", "HEIF", exif=turned.tobytes())
    picture.save(tmp_path / "3.jpg", "HEIF")  # the content decides
    picture.save(tmp_path / "4.png")
    found = load_pictures(tmp_path, size=8)
    assert found.unreadable == found.skipped == []
    X = found.X.astype(int)
    assert np.abs(X[[0, 2]] - X[3]).max() <= 8  # lossy
    # Turned a quarter, once: what was above is on the right.
    assert np.abs(X[1] - np.rot90(X[3], -1)).max() <= 8


@pytest.fixture
def no_pillow_heif(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)


@pytest.mark.usefixtures("no_pillow_heif")
def test_without_pillow_heif(tmp_path):
    save(tmp_path / "good.png", grey(7))
    (tmp_path / "phone.heic").write_bytes(START + bytes(100))
    (tmp_path / "named_wrong.jpg").write_bytes(START + bytes(100))
    (tmp_path / "empty.heic").write_bytes(b"")
    found = load_pictures(tmp_path)
    assert [path.name for path in found.paths] == ["good.png"]
    reasons = names(found.unreadable)
    assert 'pip install "deepcluster-sk[heif]"' in reasons["phone.heic"]
    assert reasons["named_wrong.jpg"] == reasons["phone.heic"]
    assert "damaged" in reasons["empty.heic"]
    with pytest.raises(ImportError, match="pillow-heif, which is not installed"):
        open_picture(tmp_path / "phone.heic")


@pytest.mark.usefixtures("no_pillow_heif")
def test_nothing_but_heic_and_nothing_to_read_it(tmp_path):
    (tmp_path / "phone.heic").write_bytes(START + bytes(100))
    with pytest.raises(ImportError, match=r"deepcluster-sk\[heif\]"):
        load_pictures(tmp_path)
