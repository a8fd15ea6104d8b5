"""What can be done with the results of a clustering by features."""

import json
import warnings

import pytest

from deepcluster_sk import DeepTripletClusterer, ImageEmbedder, load
from deepcluster_sk.cli import main, results
from deepcluster_sk.datasets import load_pictures
from tests.cli.tables import read_table
from tests.embedding.networks import save_script
from tests.made import quick


@pytest.fixture(scope="module")
def by_features(clustered, tmp_path_factory):
    """Pictures, and results of clustering them by features."""
    folder, _ = clustered
    root = tmp_path_factory.mktemp("features")
    network, out = save_script(root / "grid.pt"), root / "out"
    argv = ["cluster", str(folder), "-k", "3", "--out", str(out), "--references"]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(
            "deepcluster_sk.cli.cluster.make_clusterer",
            lambda k, *given: quick(DeepTripletClusterer, k),
        )
        main([*argv, "--features", str(network), "--features-set", "size=8"])
    return folder, network, out


def test_pictures_are_assigned_by_the_same_network(run, by_features):
    folder, network, out = by_features
    run("assign", out, folder, "--outliers", "--force")
    found = read_table(out / "assigned.csv")
    wanted = read_table(out / results.TABLE)
    assert [row[0] for row in found] == [row[0] for row in wanted]
    assert sum(a[1] == b[1] for a, b in zip(found, wanted, strict=True)) > 30
    model = load(out / results.MODEL)
    vectors = ImageEmbedder(network, size=8).fit_transform(load_pictures(folder).X)
    assert [int(row[1]) for row in wanted[1:]] == model.predict(vectors).tolist()
    assert (out / results.MODEL).stat().st_size < 200_000


def test_every_other_command_goes_on_from_features(run, capsys, by_features, tmp_path):
    folder, network, out = by_features
    run("embed", out, "--out", tmp_path / "features.csv")
    assert len(read_table(tmp_path / "features.csv")) == 37
    run("report", out, "--out", tmp_path / "page.html")
    run("info", out)
    assert f"features by:           {network}\n" in capsys.readouterr().out
    run("correct", out, "--merge", 0, 1, "--out", tmp_path / "merged")
    again = json.loads((tmp_path / "merged" / results.READING).read_text())
    first = json.loads((out / results.READING).read_text())
    assert again["features"] == first["features"]
    run("assign", tmp_path / "merged", folder)
    clusters = {row[1] for row in read_table(tmp_path / "merged/assigned.csv")[1:]}
    assert clusters == {"0", "1"}


def test_another_network_of_the_same_name(fail, by_features):
    folder, network, out = by_features
    before = network.read_bytes()
    try:
        save_script(network, seed=1)
        said = fail("assign", out, folder, "--force")
        assert "is not the network that these results were made with" in said
        network.unlink()
        assert "there is no such file" in fail("assign", out, folder, "--force")
    finally:
        network.write_bytes(before)


@pytest.mark.parametrize(
    "damage",
    [{}, {"settings": 3}, {"fingerprint": "a", "settings": {"model": 1, "x": 2}}],
)
def test_damaged_results(fail, copied, damage):
    folder, out = copied
    told = json.loads((out / results.READING).read_text())
    (out / results.READING).write_text(json.dumps({**told, "features": damage}))
    assert "does not tell what network" in fail("assign", out, folder)
