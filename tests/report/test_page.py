import copy
import json
import re

import numpy as np
import pytest
from PIL import Image
from sklearn.exceptions import NotFittedError

from deepcluster_sk import DeepTripletClusterer, NeighborGraphClusterer
from deepcluster_sk.counting.tree import top_of
from deepcluster_sk.report import write_report
from tests.made import make_vectors, quick
from tests.report.browser import look

#: A name that would end a script, begin a tag, an entity, or a place of the template.
ODD = (
    'a</script><script>alert("1")</script><img src=x onerror=alert(1)>&amp;{{js}}\u2028'
)

#: What a reader sees at the head of each cluster, in the order of their numbers.
HEADINGS = """
  const sections = [...document.querySelectorAll("#clusters section.cluster")];
  return sections.map((section) => section.querySelector("h2").textContent);
"""


@pytest.fixture
def page(tmp_path):
    return tmp_path / "report.html"


@pytest.fixture
def names(images):
    return [f"folder{i % 2}/picture {i}.png" for i in range(len(images))]


def content(page):
    (text,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>',
        page.read_text("utf-8"),
        re.DOTALL,
    )
    return json.loads(text)


def test_it_tells_what_the_model_says(model, images, names, page):
    write_report(model, images, page, files=names, title="Blobs")
    told = content(page)
    assert told["title"] == "Blobs"
    assert told["files"] == names
    assert told["labels"] == model.labels_.tolist()
    assert told["start"] == model.initial_labels_.tolist()
    assert told["summary"] == model.summary()
    tree = top_of(model.cluster_tree_, 3)
    np.testing.assert_allclose(told["tree"], tree, atol=6e-5)
    losses = [row["train_loss"] for row in model.history_]
    assert told["curves"]["train_loss"] == pytest.approx(losses, rel=1e-3)
    np.testing.assert_allclose(told["confidence"], model.confidence(images), atol=6e-4)
    probabilities = model.calibrated_proba(images)
    assert told["temperature"] == model.temperature(images)
    own = model.predict_proba(images).max(axis=1)
    np.testing.assert_allclose(told["own"], own, atol=6e-4)
    for row, pairs in zip(probabilities, told["probabilities"], strict=True):
        assert [share for _, share in pairs] == sorted(row.round(3), reverse=True)
    latent = model.transform(images)
    distances = np.linalg.norm(latent[0] - latent[1:], axis=1)
    nearest = [1 + i for i in np.argsort(distances)[:3]]
    assert told["neighbors"][0][:3] == nearest


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_clusters_that_were_counted(images, page):
    model = quick(DeepTripletClusterer, "auto").fit(images)
    write_report(model, images, page)
    assert content(page)["nClusters"] == model.n_clusters_


def test_new_samples_have_no_start(model, images, page):
    write_report(model, images[:20], page)
    told = content(page)
    assert told["start"] == []
    assert told["files"] == []
    assert len(told["labels"]) == 20


SHARES = """
  document.querySelector("#clusters .tile").click();
  const told = (id) => document.getElementById(id).textContent;
  return [told("shares-are"), told("large-facts")];
"""


@pytest.mark.parametrize("n", [20, 90])
def test_it_says_which_probabilities_are_shown(model, images, page, tmp_path, n):
    write_report(model, images[:n], page)
    heading, facts = look(page, SHARES, tmp_path)
    calibrated = content(page)["temperature"] is not None
    assert calibrated == (n == 90)  # twenty are too few to tell
    assert ("calibrated (temperature" in heading) == calibrated
    assert ("not calibrated" in heading) != calibrated
    assert ("the network's own probability" in facts) == calibrated


def test_clusters_have_the_names_they_were_given(model, images, page, tmp_path):
    named = copy.deepcopy(model).rename({1: ODD})
    write_report(named, images, page)
    assert content(page)["names"] == [None, ODD, None]
    found = look(page, HEADINGS, tmp_path)
    sizes = np.bincount(model.labels_)
    expected = ["Cluster 0", ODD, "Cluster 2"]
    assert found == [
        f"{name}{size} pictures" for name, size in zip(expected, sizes, strict=True)
    ]


def test_names_stay_names(model, images, page):
    names = [ODD] * len(images)
    write_report(model, images, page, files=names, title=ODD)
    assert content(page)["files"] == names
    text = page.read_text("utf-8")
    assert text.count("<script") == 2
    assert text.count("<img") == 0


def test_no_address_of_another_machine(model, images, page, names):
    write_report(model, images, page, files=names)
    text = page.read_text("utf-8")
    addresses = set(re.findall(r"\b\w+://[^\s\"'`<>)]*", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a format
    assert "default-src 'none'" in text
    assert not re.search(r"<(link|iframe|object|embed|base)\b|@import", text)


def test_the_same_report_every_time(model, images, page):
    write_report(model, images, page)
    first = page.read_bytes()
    write_report(model, images, page)
    assert page.read_bytes() == first
    assert [path.name for path in page.parent.iterdir()] == [page.name]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_vectors_are_shown_by_their_images(page):
    X, _ = make_vectors()
    model = quick(DeepTripletClusterer, module__channels=None).fit(X)
    with pytest.raises(ValueError, match="pass images=, the picture of each"):
        write_report(model, X, page)
    assert not page.exists()
    write_report(model, X, page, images=np.zeros((len(X), 9, 12, 3), np.uint8))
    assert content(page)["side"] == 12


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"files": ["a.png"]}, "There are 1 files, but 90 samples"),
        ({"images": np.zeros((3, 8, 8))}, "There are 3 images, but 90 samples"),
        ({"images": np.zeros((90, 8, 8, 5))}, "images= cannot .* channel axis"),
        ({"images": np.full((90, 8, 8), np.nan)}, "90 of 90 images to be drawn hold"),
    ],
)
def test_what_does_not_go_together(model, images, page, given, message):
    with pytest.raises(ValueError, match=message):
        write_report(model, images, page, **given)
    assert not page.exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("folder", "a name for each sample, got 'folder' alone"),
        ([None] * 90, "texts or paths, got None among them"),
        ([b"a.png"] * 90, "got b'a.png' among them"),
    ],
)
def test_files_that_are_no_names(model, images, page, files, message):
    with pytest.raises(TypeError, match=message):
        write_report(model, images, page, files=files)


def test_names_that_come_one_by_one(model, images, page, names):
    write_report(model, images, page, files=iter(names))
    assert content(page)["files"] == names


def test_not_fitted(images, page):
    with pytest.raises(NotFittedError):
        write_report(DeepTripletClusterer(), images, page)


def test_a_model_that_is_none(images, page):
    graph = NeighborGraphClusterer(3, random_state=0).fit(images)
    with pytest.raises(TypeError, match=r"must be a deep clusterer.* NeighborGraph"):
        write_report(graph, images, page)


def test_nowhere_to_write(model, images, tmp_path, monkeypatch):
    monkeypatch.setattr("deepcluster_sk.report.page.content_of", None)  # no work
    with pytest.raises(FileNotFoundError, match=r"no folder .*missing' to write to"):
        write_report(model, images, tmp_path / "missing" / "report.html")
    with pytest.raises(IsADirectoryError, match="is a folder; name a file"):
        write_report(model, images, tmp_path)


def test_no_samples(model, images, page):
    with pytest.raises(ValueError, match="X has no samples"):
        write_report(model, images[:0], page)


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("constant", [False, True])
def test_few_samples_and_constant_ones(model, images, page, n, constant):
    write_report(model, images[:n] * (not constant), page)
    assert len(content(page)["map"]) == n


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_a_model_that_gives_tables(model, images, page, tmp_path, container):
    write_report(model, images, page)
    tables = copy.deepcopy(model).set_output(transform=container)
    write_report(tables, images, tmp_path / "tables.html")
    assert content(tmp_path / "tables.html") == content(page)


def test_pillow_images(model, images, page):
    # Scaled as the model's own data are not, but shown all the same.
    pictures = [Image.fromarray((255 * image).astype(np.uint8)) for image in images]
    write_report(model, pictures, page)
    assert content(page)["side"] == 8


CLICKS = """
  const wait = () => new Promise((done) => setTimeout(done, 100));
  const at = (id) => document.getElementById(id);
  const set = (id, value) => {
    at(id).value = value;
    at(id).dispatchEvent(new Event("input", { bubbles: true }));
  };
  const those = (selector, tell) => [...document.querySelectorAll(selector)].map(tell);
  const tiles = () => those("#clusters .tile", (t) => +t.dataset.i);
  const found = { sections: document.querySelectorAll(".cluster").length };
  set("cluster", "1");
  found.typical = tiles();
  set("sort", "doubt");
  found.doubt = tiles();
  set("cluster", "");
  set("name", "FOLDER1/");
  found.named = tiles();
  set("name", "");
  set("most", "0.5");
  found.unsure = tiles();
  set("most", "1");
  set("name", "no such name");
  found.none = document.querySelector("#clusters .none").textContent;
  set("name", "");
  at("tree").open = true;
  const node = (i) => document.querySelector(`#branches [data-node="${i}"]`);
  const press = (i) => node(i).dispatchEvent(new MouseEvent("click"));
  const pressed = (i) => node(i).getAttribute("aria-pressed");
  const clusterOf = (heading) => +heading.childNodes[1].textContent.slice(8);
  const named = () => those("#clusters .cluster h2", clusterOf);
  found.nodes = those("#branches g", (g) => +g.dataset.node).sort((a, b) => a - b);
  press(3);
  found.branch = [named(), pressed(3), at("count").textContent];
  press(2);
  found.leaf = [named(), pressed(3)];
  node(2).dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  found.all = named();
  press(2);
  set("cluster", "1");
  found.other = [named(), pressed(2)];
  set("cluster", "");
  found.unheld = named();
  document.querySelector("#clusters .tile").click();
  found.open = at("large").open;
  found.first = +document.querySelector("#clusters .tile").dataset.i;
  found.name = at("large-name").textContent;
  found.facts = at("large-facts").textContent;
  found.shares = those("#large-shares b", (b) => +b.textContent);
  found.near = those("#large-near .tile", (t) => +t.dataset.i);
  document.querySelector("#large-near .tile").click();
  found.second = at("large-name").textContent;
  at("large").close();
  document.querySelector("[data-view=map]").click();
  await wait();
  const drawn = () => at("plane").toDataURL(), before = drawn();
  at("nearer").click();
  await wait();
  found.map = [before.length > 10000, drawn() !== before];
  document.querySelector("[data-view=fit]").click();
  found.curves = document.querySelectorAll("#curves svg").length;
  found.summary = at("summary").textContent;
  found.wide = document.documentElement.scrollWidth <= innerWidth;
  return found;
"""


def test_in_a_browser(model, images, names, page, tmp_path):
    names[0] = ODD
    write_report(model, images, page, files=names)
    found = look(page, CLICKS, tmp_path)
    told = content(page)
    labels, confidence = model.labels_, np.array(told["confidence"])
    assert found["sections"] == len(np.unique(labels))
    members = np.flatnonzero(labels == 1)
    assert sorted(found["typical"]) == members.tolist()
    assert found["typical"][0] == members[np.array(told["typicality"])[members] == 1]
    assert confidence[found["doubt"]].tolist() == sorted(confidence[members])
    assert set(found["named"]) == set(range(1, len(images), 2))
    assert set(found["unsure"]) == set(np.flatnonzero(confidence <= 0.5))
    assert found["none"] == "No picture passes these filters."
    first = found["first"]
    assert found["open"] is True
    assert found["name"] == names[first]
    assert f"Cluster {labels[first]}" in found["facts"]
    assert found["shares"] == [share for _, share in told["probabilities"][first]]
    assert found["near"] == told["neighbors"][first]
    assert found["second"] == names[found["near"][0]]
    assert found["map"] == [True, True]
    assert found["curves"] == len(told["curves"])
    assert "latent of 4 dimensions" in found["summary"]
    assert found["wide"] is True
    pair = sorted(int(leaf) for leaf in told["tree"][0][:2])
    there = [k for k in pair if k in labels]
    n_there = np.isin(labels, pair).sum()
    assert found["nodes"] == [0, 1, 2, 3, 4]
    assert found["branch"] == [there, "true", f"{n_there} of {len(labels)}"]
    assert found["leaf"] == [[k for k in [2] if k in labels], "false"]
    assert found["all"] == np.unique(labels).tolist()
    assert found["other"] == [[1], "false"]
    assert found["unheld"] == found["all"]
