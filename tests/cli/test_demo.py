import sys

import pytest
from PIL import Image

pytestmark = pytest.mark.usefixtures("clusterer")


@pytest.fixture(autouse=True)
def _fast_tsne(monkeypatch):
    class FastTSNE:
        def __init__(self, **options):
            pass

        def fit_transform(self, X):
            return X[:, 20:24]

    monkeypatch.setattr("sklearn.manifold.TSNE", FastTSNE)


def test_demo(run, clusterer, capsys, tmp_path):
    output = tmp_path / "new" / "out"
    assert run("demo", "--out", output, "--seed", 3, "--device", "cpu") == 0
    assert clusterer.made.random_state == 3
    assert clusterer.made.n_clusters == 10
    assert clusterer.made.device == "cpu"
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines() if line.endswith(" s")]
    assert [row[0] for row in rows] == ["k-means", "t-SNE,", "DeepTripletClusterer"]
    for row in rows:
        assert all(0 <= float(score) <= 1 for score in row[-5:-2])
    picture = output / "clusters.png"
    assert str(picture) in printed
    with Image.open(picture) as image:
        assert image.width > 500


def test_demo_twice_replaces_its_own_picture_only(run, fail, clusterer, tmp_path):
    run("demo", "--out", tmp_path)
    run("demo", "--out", tmp_path)
    picture = tmp_path / "clusters.png"
    Image.new("L", (9, 9)).save(picture)
    clusterer.made = None
    before = picture.read_bytes()
    assert "was not written by this command" in fail("demo", "--out", tmp_path)
    assert clusterer.made is None  # said before the work
    assert picture.read_bytes() == before


def test_demo_into_a_file(fail, clusterer, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "no folder" in fail("demo", "--out", tmp_path / "file")
    assert "no folder" in fail("demo", "--out", tmp_path / "file" / "below")
    assert clusterer.made is None


def test_demo_without_pillow_still_scores(run, capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert run("demo", "--out", tmp_path / "out") == 0
    printed = capsys.readouterr()
    assert "DeepTripletClusterer" in printed.out
    assert "deepcluster-sk[images]" in printed.err
    assert not (tmp_path / "out").exists()
