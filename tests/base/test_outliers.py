"""What a network's clusterer says of samples that look like none it was fitted on."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from deepcluster_sk import load
from tests.made import make_images

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NOISE = np.random.default_rng(5).uniform(size=(20, 8, 8))


def test_noise_is_no_cluster(fitted, images, tmp_path):
    before = fitted.predict(images)
    marked = fitted.predict(images, outliers=True)
    assert (marked < 0).mean() < 0.1
    assert_array_equal(marked[marked >= 0], before[marked >= 0])
    assert_array_equal(fitted.predict(NOISE, outliers=True), -1)
    assert (fitted.predict(NOISE) >= 0).all()
    assert_array_equal(fitted.labels_, before)
    fitted.save(tmp_path / "model.safetensors", references=True)
    read = load(tmp_path / "model.safetensors")
    assert_array_equal(read.predict(images, outliers=True), marked)


def test_samples_are_in_a_file_only_if_asked_for(fitted, images, tmp_path):
    full, bare = tmp_path / "full.safetensors", tmp_path / "bare.safetensors"
    fitted.save(full, references=True)
    fitted.save(bare)
    assert bare.stat().st_size < full.stat().st_size
    assert b"surroundings" in full.read_bytes()
    assert b"surroundings" not in bare.read_bytes()
    for read in (load(bare), pickle.loads(pickle.dumps(fitted))):
        with pytest.raises(ValueError, match=r"references=True\) of the model as it"):
            read.predict(images, outliers=True)
        with pytest.raises(ValueError, match="save the model as it was fitted"):
            read.save(tmp_path / "again", references=True)
        assert not (tmp_path / "again").exists()
        assert_array_equal(read.predict(images), fitted.predict(images))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_know_outliers_too(fitted, images, copied):
    again = copied(fitted)
    assert again is not fitted
    assert_array_equal(again.predict(NOISE, outliers=True), -1)
    again.cluster_names_ = ["others"]
    assert fitted.cluster_names_ != ["others"]


def test_clusters_in_more_and_fewer(make):
    model = make().fit(make_images(n=120)[0])
    assert_array_equal(model.labels_at(3), model.labels_)
    finest = model.labels_at(len(model.cluster_tree_) + 1)
    pairs = np.unique(np.stack([finest, model.labels_]), axis=1)
    assert pairs.shape[1] == len(np.unique(finest)) > 3
