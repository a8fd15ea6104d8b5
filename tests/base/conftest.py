"""Fixtures of the tests that run over every clusterer."""

import warnings
from functools import partial

import pytest
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk.base import clusterer
from deepcluster_sk.graph import start
from deepcluster_sk.graph.contest import Appearance, look_at
from deepcluster_sk.training.net import ClusteringNet
from tests.clusterers import CLUSTERERS, OF_EMBEDDINGS, SHOW_THE_BASE
from tests.made import make_images, quick


def pytest_generate_tests(metafunc):
    """Run what asks for `cls`, or for a fixture that does, for every clusterer.

    What is marked as of the base two of them show, with a graph and without; of the
    others it is slow.
    """
    if "cls" not in metafunc.fixturenames:
        return
    of_the_base = metafunc.definition.get_closest_marker("of_the_base")
    shown = SHOW_THE_BASE if of_the_base else CLUSTERERS
    params = [
        pytest.param(
            cls, id=cls.__name__, marks=[] if cls in shown else pytest.mark.slow
        )
        for cls in CLUSTERERS
    ]
    metafunc.parametrize("cls", params, scope="module")


@pytest.fixture(scope="module", autouse=True)
def at_first_sight():
    """Take images for drawings unless told: to find out takes half of a quick fit."""

    def look(views, contrasts, image_kind, *judges):
        if image_kind != "auto" or not views.reader.layout.is_image:
            return look_at(views, contrasts, image_kind, *judges)
        return Appearance(contrasts[0], "drawing"), None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "look_at", look)
        yield


@pytest.fixture(scope="module")
def make(cls):
    """Make a clusterer of three clusters that trains in a blink."""
    return partial(quick, cls)


@pytest.fixture(scope="module")
def images():
    return make_images()[0]


@pytest.fixture(scope="module")
def fitted(make, images):
    """A fitted clusterer; not to be changed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make().fit(images)


@pytest.fixture
def decoding(cls):
    """Leave out clusterers without a decoder."""
    if cls in OF_EMBEDDINGS:
        pytest.skip(f"{cls.__name__} has no decoder")


@pytest.fixture
def pretraining_first(cls):
    """Leave out clusterers that pretrain nothing."""
    if cls in OF_EMBEDDINGS:
        pytest.skip(f"{cls.__name__} pretrains nothing")


@pytest.fixture
def no_work(monkeypatch):
    """Fail where a fit begins to look for clusters, or to train."""

    def begin(*args, **kwargs):
        pytest.fail("work began on what cannot be clustered")

    monkeypatch.setattr(clusterer, "find_start", begin)
    monkeypatch.setattr(ClusteringNet, "run_phase", begin)
