"""Copies, clones and pickles of every clusterer."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import clone
from sklearn.exceptions import NotFittedError

import deepcluster_sk
from tests.base.same import METHODS, assert_same
from tests.clusterers import CLUSTERERS
from tests.made import make_images, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "duplicate",
    [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy, copy.copy],
    ids=["pickle", "deepcopy", "copy"],
)
def test_copies_of_a_fitted_clusterer_agree_with_it(fitted, images, duplicate):
    assert_same(fitted, duplicate(fitted), images)


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_joblib(fitted, images, tmp_path, mmap_mode):
    path = tmp_path / "estimator.joblib"
    joblib.dump(fitted, path)
    assert_same(fitted, joblib.load(path, mmap_mode=mmap_mode), images)


def test_a_copy_may_be_fitted_again(fitted, images):
    again = pickle.loads(pickle.dumps(fitted)).fit(images)
    assert_same(fitted, again, images)


def test_a_clone_is_unfitted_and_fits_alike(fitted, images):
    again = clone(fitted)
    with pytest.raises(NotFittedError):
        again.predict(images)
    assert_same(fitted, again.fit(images), images)


def test_an_unfitted_clusterer_pickles(make):
    estimator = pickle.loads(pickle.dumps(make(optimizer__weight_decay=0.1)))
    assert estimator.get_params()["optimizer__weight_decay"] == 0.1


def test_the_optimizer_may_be_told_to_step_otherwise(make, images):
    model = make(optimizer__foreach=True).fit(images)
    assert not model.net_.optimizer_.defaults["fused"]
    assert make().fit(images).net_.optimizer_.defaults["fused"]


def test_fitted_here_and_predicted_in_another_process(images, tmp_path):
    fitted = [quick(cls).fit(images) for cls in CLUSTERERS]
    joblib.dump(fitted, tmp_path / "estimators.joblib")
    np.save(tmp_path / "X.npy", images)
    code = (
        "import joblib, numpy as np, torch\n"
        "torch.set_num_threads(1)\n"
        "X = np.load('X.npy')\n"
        "for i, estimator in enumerate(joblib.load('estimators.joblib')):\n"
        "    np.savez(f'{i}.npz', **{m: getattr(estimator, m)(X)\n"
        "        for m in ('predict', 'predict_proba', 'transform')})\n"
    )
    source = str(Path(deepcluster_sk.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment
    )
    for i, estimator in enumerate(fitted):
        with np.load(tmp_path / f"{i}.npz") as out:
            for method in METHODS:
                assert_array_equal(out[method], getattr(estimator, method)(images))


def test_a_pickle_does_not_carry_the_data(make):
    # As many of them as there are principal components of, at the most.
    X, _ = make_images(80)
    small = len(pickle.dumps(make().fit(X)))
    large = len(pickle.dumps(make().fit(np.tile(X, (4, 1, 1)))))
    # What grows with n are labels and leaves: integers of 8 bytes for each sample.
    assert large - small < 3 * 8 * 240 + 2000
