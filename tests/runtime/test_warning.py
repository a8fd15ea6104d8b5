"""Warnings point to the line of the user's that they are about."""

import warnings

import numpy as np
import pytest

from deepcluster_sk import DECClusterer, NeighborGraphClusterer, load
from deepcluster_sk.runtime.warning import warn
from tests.made import make_images, quick

X = make_images(60)[0]


def constant(tmp_path):
    NeighborGraphClusterer(3).fit(np.ones_like(X))


def not_settled(tmp_path):
    quick(DECClusterer, tol=1e-9, lr=0.1, init="random").fit(X)


def through_others(tmp_path):
    quick(DECClusterer, tol=1e-9, lr=0.1, init="random").fit_predict(X)


def a_guess(tmp_path):
    noise = np.random.default_rng(0).normal(size=(60, 5))
    NeighborGraphClusterer("auto").fit(noise)


def flat_images(tmp_path):
    NeighborGraphClusterer(3).fit(X.reshape(60, -1))


def a_function_forgotten(tmp_path):
    model = quick(DECClusterer, augmentation=lambda x: x).fit(X)
    model.save(tmp_path / "model.safetensors")
    load(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "calls",
    [
        *(constant, not_settled, through_others, a_guess, flat_images),
        a_function_forgotten,
    ],
)
def test_every_warning_names_the_file_that_called(calls, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        calls(tmp_path)
    assert caught
    assert {w.filename for w in caught} == {__file__}


def test_called_from_outside():
    with pytest.warns(UserWarning, match="hello") as caught:
        warn("hello")
    assert caught[0].filename == __file__
