"""A seed decides everything, and global random streams decide nothing."""

import random

import numpy as np
import pytest
import torch

from deepcluster_sk.base import clusterer, looks
from deepcluster_sk.training.net import ClusteringNet
from tests.base.same import assert_same
from tests.clusterers import OF_EMBEDDINGS, phases_of

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module", autouse=True)
def at_first_sight():
    """Not here: looking at images draws from the streams as well."""


def test_a_seed_decides_everything_bit_for_bit(make, images):
    one, other = make(random_state=7).fit(images), make(random_state=7).fit(images)
    assert_same(one, other, images)
    for row, row_other in zip(one.history_, other.history_, strict=True):
        row.pop("dur")
        row_other.pop("dur")
    assert one.history_ == other.history_
    another = make(random_state=8).fit(images)
    assert (one.transform(images) != another.transform(images)).any()


def test_fitting_again_forgets_the_first_fit(cls, make, images):
    estimator = make().fit(images[:20])
    assert_same(estimator.fit(images), make().fit(images), images)
    assert len(estimator.history_) == 2 * len(phases_of(cls))


@pytest.mark.of_the_base
@pytest.mark.parametrize("kind", [np.int64, np.random.RandomState])
def test_kinds_of_seeds(make, images, kind):
    expected = make(random_state=3).fit(images)
    assert_same(make(random_state=kind(3)).fit(images), expected, images)


@pytest.mark.of_the_base
def test_without_a_seed_fits_differ(make, images):
    one, other = (make(random_state=None).fit(images) for _ in range(2))
    assert (one.transform(images) != other.transform(images)).any()


@pytest.mark.of_the_base
def test_a_random_state_object_goes_on(make, images):
    state = np.random.RandomState(0)
    one, other = (make(random_state=state).fit(images) for _ in range(2))
    assert (one.transform(images) != other.transform(images)).any()


@pytest.mark.parametrize(
    "init", ["graph", "kmeans", "mixture", "agglomerative", "random"]
)
def test_global_streams_go_on_as_if_nothing_had_happened(cls, make, images, init):
    def states():
        return (
            random.getstate(),
            str(np.random.get_state()),  # noqa: NPY002
            torch.get_rng_state().tolist(),
        )

    before = states()
    estimator = make(init=init).fit(images)
    estimator.predict(images)
    estimator.score(images)
    if cls not in OF_EMBEDDINGS:
        estimator.inverse_transform(estimator.cluster_centers_)
    assert states() == before


@pytest.mark.of_the_base
def test_global_streams_decide_nothing(make, images, fitted):
    random.seed(5)
    torch.manual_seed(5)
    assert_same(make().fit(images), fitted, images)


@pytest.mark.of_the_base
@pytest.mark.parametrize("augmentation", [None, torch.nn.Identity(), torch.dropout])
def test_modules_and_callables_that_draw_from_the_global_stream(
    make, images, augmentation
):
    if augmentation is torch.dropout:
        augmentation = Dropout()
    fits = [make(augmentation=augmentation).fit(images) for _ in range(2)]
    assert_same(*fits, images)


class Dropout:
    def __call__(self, x):
        return torch.dropout(x, 0.3, True)


def greedy(function, streams_of):
    """The same function, that draws more from its streams when it is done."""

    def draws(*args, **kwargs):
        found = function(*args, **kwargs)
        for stream in streams_of(args):
            if isinstance(stream, np.random.RandomState):
                stream.random_sample(1000)
            else:
                torch.rand(1000, generator=stream)
        torch.rand(1000)
        return found

    return draws


@pytest.mark.parametrize("stage", ["start", "network", "pretraining", "second look"])
def test_a_stage_that_draws_more_leaves_the_others_alone(
    make, images, fitted, monkeypatch, stage
):
    home, name, streams = {
        "start": (clusterer, "find_start", lambda a: (a[2], a[0].generator)),
        "network": (ClusteringNet, "initialize", lambda a: ()),
        "pretraining": (
            ClusteringNet,
            "run_phase",
            lambda a: (a[4].order,) if a[1].name == "pretrain" else (),
        ),
        "second look": (looks, "look_again", lambda a: (a[-1], a[1].generator)),
    }[stage]
    drew = []

    def streams_of(args):
        drew.append(stage)
        return streams(args)

    monkeypatch.setattr(home, name, greedy(getattr(home, name), streams_of))
    found = make().fit(images)
    # Not every method looks twice, makes a graph, or is pretrained.
    assert drew or stage in ("start", "second look", "pretraining")
    assert_same(found, fitted, images)
