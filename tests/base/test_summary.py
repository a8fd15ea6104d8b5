"""What a fitted clusterer says of itself in plain words."""

import pickle
import re

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from deepcluster_sk import load
from tests.clusterers import OF_EMBEDDINGS
from tests.made import LATENT_DIM, make_images, make_vectors, pretraining

# Two epochs are too few to settle.
pytestmark = [
    pytest.mark.of_the_base,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def at_first_sight():
    """Not here: a summary tells what was seen in images."""


def facts(estimator):
    """What a summary says, by the name before the colon, and its cautions."""
    lines = estimator.summary().splitlines()
    said = dict(re.split(r":\s+", line, maxsplit=1) for line in lines)
    return said, [line for line in lines if line.startswith("Mind: ")]


def test_what_was_fitted_and_what_became_of_it(cls, fitted, images):
    said, _ = facts(fitted)
    assert said["method"] == type(fitted).__name__
    assert said["data"] == "48 images, grey, 8x8 pixels"
    assert said["clusters"] == "3, as given"
    assert said["contrast"] == fitted.contrast_
    strategy = re.escape(repr(fitted.pretraining))
    pretrained = rf"{strategy}, 2 epochs in \d" if cls not in OF_EMBEDDINGS else "none"
    assert re.match(pretrained, said["pretraining"])
    assert said["targets"] == repr(fitted._targets())
    views = fitted._augmentation(fitted._layout, fitted.image_kind_)
    assert said["views by"] == repr(views)
    assert said["joint training"].startswith("2 epochs in ")
    assert f"latent of {LATENT_DIM} dimensions; batches of 64" in said["network"]
    weights = sum(p.numel() for p in fitted.net_.module_.parameters())
    assert f"{weights:,} weights" in said["network"]
    sizes = [int(size) for size in said["cluster sizes"].split()]
    assert sizes == np.bincount(fitted.labels_, minlength=3).tolist()
    moved = np.mean(fitted.labels_ != fitted.initial_labels_)
    assert said["moved since the start"] == f"{moved:.1%} of the samples"
    assert said["computed on"].startswith(f"{fitted.device_}, ")
    assert fitted.summary() == fitted.summary()


def test_the_start_and_the_kind_of_images(make, images):
    by_graph, _ = facts(make(init="graph").fit(images))
    assert by_graph["start"] == "by a graph of neighbours"
    assert re.fullmatch(
        r"(drawing|photograph)s \(\d+% of the links in pixels confirmed by patches\)",
        by_graph["images taken for"],
    )
    for init, start in (
        ("kmeans", "by k-means"),
        ("random", "at random"),
        (np.arange(48) % 3, "given as ndarray"),
    ):
        said, _ = facts(make(init=init).fit(images))
        assert said["start"] == start
        assert said["images taken for"] == "drawings"
    said, _ = facts(make(init="mixture").fit(images))
    assert "views" in said["start"]


def test_colour_and_large_images(make):
    X, _ = make_images(20, n_channels=3, side=16)
    said, _ = facts(make(max_pixels=64).fit(X))
    assert said["data"] == (
        "20 images, of 3 channels, 16x16 pixels, averaged down to 8x8"
    )


def test_vectors_are_no_images(make):
    X, _ = make_vectors()
    said, _ = facts(make(module__channels=(8,)).fit(X))
    assert said["data"] == "48 vectors of 6 features"
    assert "images taken for" not in said


def test_what_was_left_out(make, images):
    said, _ = facts(make(pretraining=None, max_epochs=0).fit(images))
    assert said["pretraining"] == said["joint training"] == "none"


def test_cautions(make, images):
    _, cautions = facts(make(tol=1e-9, lr=0.05).fit(images))
    change = make(tol=1e-9, lr=0.05).fit(images).history_[-1]["label_change"]
    assert any("had not settled" in text for text in cautions) == (change >= 1e-9)
    _, cautions = facts(make(tol=0.0).fit(images))
    assert not any("settled" in text for text in cautions)
    constant, cautions = facts(make().fit(np.ones((12, 8, 8))))
    assert constant["cluster sizes"].split().count("0") == 2
    assert "Mind: 2 clusters are empty; try a smaller n_clusters." in cautions


def test_names_are_told_in_one_line(make, images):
    named = make().fit(images).rename({0: "round\nones", 2: "others"})
    assert facts(named)[0]["names"] == "0: round ones, 2: others"


CHANGED = {
    "n_clusters": 7,
    "targets": "self-training",
    "tol": 0.0,
    "augmentation": "bogus",
    "init": "random",
    "pretraining": None,
}


def test_parameters_changed_since_the_fit_are_none_of_it(make, images, tmp_path):
    model = make(init="kmeans", targets="pseudo-labels", tol=1e-3).fit(images)
    model.history_[-1]["label_change"] = 0.5
    before = model.summary()
    assert "Mind: labels had not settled: 50.00%" in before
    model.set_params(**CHANGED)
    assert model.summary() == before
    assert pickle.loads(pickle.dumps(model)).summary() == before
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").summary() == before


def test_start_and_pretraining_are_those_of_the_first_fit(cls, make, images):
    model = make(init="kmeans", augmentation={"rotation": 5.0}).fit(images)
    first, _ = facts(model)
    model.set_params(init="random", pretraining=pretraining(cls, 5))
    model.set_params(augmentation="grey", targets="self-training", warm_start=True)
    model.fit(images)
    said, _ = facts(model)
    for name in ("start", "pretraining"):
        assert said[name] == first[name]
    assert said["targets"] == "SelfTraining()"
    assert said["views by"] != first["views by"]


def test_models_of_before_tell_their_parameters(make, images):
    model = make(init="kmeans").fit(images)
    before = model.summary()
    del model._fitted_with
    assert model.summary() == before


def test_before_a_fit_there_is_nothing_to_say(make):
    with pytest.raises(NotFittedError):
        make().summary()
