"""What a network's clusterer says of samples that look like none it was fitted on."""

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
    fitted.save(tmp_path / "model.safetensors")
    read = load(tmp_path / "model.safetensors")
    assert_array_equal(read.predict(images, outliers=True), marked)


def test_of_an_older_file(fitted, images, monkeypatch):
    monkeypatch.setattr(fitted, "_surroundings", None)
    with pytest.raises(ValueError, match="fit it again"):
        fitted.predict(images, outliers=True)
    assert len(fitted.predict(images)) == len(images)


def test_clusters_in_more_and_fewer(make):
    model = make().fit(make_images(n=120)[0])
    assert_array_equal(model.labels_at(3), model.labels_)
    finest = model.labels_at(len(model.cluster_tree_) + 1)
    pairs = np.unique(np.stack([finest, model.labels_]), axis=1)
    assert pairs.shape[1] == len(np.unique(finest)) > 3
