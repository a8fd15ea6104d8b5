"""What a fit tells while it trains, how it ends, and what a failed one leaves."""

import copy
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from skorch.callbacks import Callback

import deepcluster_sk
from deepcluster_sk import PseudoLabels
from deepcluster_sk.base import telling
from deepcluster_sk.runtime.progress import Progress
from deepcluster_sk.training.self_training import ClusteringObjective
from tests.base.same import METHODS, assert_same
from tests.callbacks import Lengths
from tests.clusterers import OF_EMBEDDINGS, phases_of
from tests.made import LATENT_DIM, pretraining

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def unbounded(cls):
    """Set free a latent space that is kept on a sphere."""
    return {"module__radius": None} if "radius" in cls._module_constraints else {}


def test_user_callbacks_reach_both_phases(make, images):
    seen = []

    class Record(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append((net.history[-1, "phase"], net.history[-1, "train_loss"]))

    estimator = make(callbacks=[Record()]).fit(images)
    assert seen == [(row["phase"], row["train_loss"]) for row in estimator.history_]


def test_a_callback_may_end_a_phase(cls, make, images):
    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    estimator = make(callbacks=[("stop", Stop())]).fit(images)
    assert [row["phase"] for row in estimator.history_] == phases_of(cls)
    assert_array_equal(estimator.labels_, estimator.predict(images))


def test_silent_by_default(make, images, capfd):
    estimator = make().fit(images)
    estimator.predict(images)
    estimator.score(images)
    assert capfd.readouterr() == ("", "")


def test_a_verbose_fit_tells_what_it_does_once(cls, make, images, capfd):
    make(verbose=1, init="graph").fit(images)
    out, err = capfd.readouterr()
    assert out == ""
    assert "\r" not in err
    lines = [line for line in err.splitlines() if not line.startswith("0:")]
    assert lines[:2] == [
        "48 images, grey, 8x8 pixels; 3 clusters",
        "on cpu, in float32, in batches of 64",
    ]
    assert lines[2].startswith("taken for drawings; contrast normalisation: ")
    assert lines[3].startswith("fitted in 0:")
    assert len(lines) == 4


def test_all_stages_are_told_of_and_how_long_they_will_take(
    cls, make, images, monkeypatch
):
    views = []

    class Watched(Progress):
        def advance(self):
            super().advance()
            views.append(self.status())

    monkeypatch.setattr(telling, "Progress", Watched)
    params = {"init": "graph", "max_epochs": 3, "batch_size": 24}
    make(**params).fit(images)
    stages = [view.stage for view in views]
    before = [] if cls in OF_EMBEDDINGS else 4 * ["pretraining"]
    assert stages == before + 6 * ["training"]
    # From the first step on, all that is to come is in it.
    lefts = [view.left for view in views]
    assert lefts[0] > 0
    assert lefts[-1] == 0
    assert views[-1].note.startswith("epoch 2/3, loss ")
    assert views[-1].note.endswith("% moved")


@contextmanager
def quiet():
    """Let a warning of what did not converge fail; the mark of the module wins else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        yield


@pytest.fixture
def changing(monkeypatch):
    """Let a share of the labels change in every epoch, and never settle."""

    def change(share):
        def end_epoch(objective, net, dataset):
            objective.label_change = share
            return {"label_change": share}

        monkeypatch.setattr(ClusteringObjective, "end_epoch", end_epoch)

    return change


@pytest.mark.of_the_base
def test_a_fit_that_did_not_settle_says_so(make, images, changing):
    changing(0.5)
    said = r"max_epochs=2: 50\.00%.*tol=0\.10%.*Increase max_epochs"
    with pytest.warns(ConvergenceWarning, match=said):
        make(tol=1e-3).fit(images)


@pytest.mark.of_the_base
@pytest.mark.parametrize(("tol", "share"), [(0.0, 0.5), (0.0, 0.0), (1e-3, 0.0)])
def test_a_fit_that_was_not_to_settle_is_quiet(make, images, changing, tol, share):
    # Where clusters began anew, none may have changed and they are unsettled.
    changing(share)
    with quiet():
        make(tol=tol).fit(images)


@pytest.mark.of_the_base
@pytest.mark.parametrize("epochs", [0, 1])
def test_a_fit_that_a_callback_ends_is_quiet(make, images, changing, epochs):
    changing(0.5)
    with quiet():
        make(tol=1e-3, callbacks=[Lengths(epochs)]).fit(images)


def test_a_fit_that_settled_stops_early_and_is_quiet(make, images):
    with quiet():
        estimator = make(tol=1.0, max_epochs=50, targets=PseudoLabels(0.1)).fit(images)
    assert estimator.n_iter_ < 50


def test_training_that_diverges_says_so(cls, make, images):
    first = phases_of(cls)[0]
    with pytest.raises(ValueError, match=rf"diverged.*{first}.*smaller lr"):
        make(lr=1e30, pretraining=pretraining(cls, 5), **unbounded(cls)).fit(images)


def test_unused_clusters_are_warned_of(cls, make, images):
    far = np.full((3, LATENT_DIM), 1e3)
    far[0] = 0
    with pytest.warns(ConvergenceWarning) as caught:
        estimator = make(init=far, max_epochs=0, **unbounded(cls)).fit(images)
    used = len(np.unique(estimator.labels_))
    # An untrained mixture does not assign by its centres, and cosines know no lengths.
    others = deepcluster_sk.VariationalClusterer, deepcluster_sk.TEMIClusterer
    assert used == 1 or (used == 2 and isinstance(estimator, others))
    (message,) = (str(w.message) for w in caught)
    assert message.startswith(f"Only {used} of n_clusters=3 clusters")


def test_no_training_at_all(make, images):
    estimator = make(pretraining=None, max_epochs=0).fit(images)
    assert estimator.history_ == []
    assert estimator.n_iter_ == 0
    assert_array_equal(estimator.labels_, estimator.predict(images))


def test_centers_and_callables_as_start(make, images):
    centers = np.eye(3, LATENT_DIM)
    calls = []

    def start(latent, n_clusters, random_state):
        calls.append((latent.shape, n_clusters))
        assert isinstance(random_state, np.random.RandomState)
        return centers

    given = make(init=centers).fit(images)
    asked = make(init=start).fit(images)
    # Once, or for every head.
    assert set(calls) == {((len(images), LATENT_DIM), 3)}
    assert_same(given, asked, images)


def test_a_failed_fit_leaves_what_was_fitted(make, images):
    class Fail(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise ZeroDivisionError

    estimator = make().fit(images)
    expected = copy.deepcopy(estimator)
    before = set(vars(estimator))
    estimator.set_params(callbacks=[Fail()])
    with pytest.raises(ZeroDivisionError):
        estimator.fit(images[:20])
    estimator.set_params(callbacks=None)
    assert set(vars(estimator)) == before
    assert_same(estimator, expected, images)
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(np.full((20, 5), np.nan))
    assert_same(estimator, expected, images)


def test_a_failed_first_fit_leaves_nothing(make, images):
    estimator = make()
    before = set(vars(estimator))
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(images * np.nan)
    assert set(vars(estimator)) == before
    with pytest.raises(NotFittedError):
        estimator.predict(images)


@pytest.mark.parametrize("method", [*METHODS, "score"])
def test_an_unfitted_clusterer_says_so(make, images, method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(make(), method)(images)


@pytest.mark.usefixtures("decoding")
def test_inverse_transform_refuses_other_dimensions(fitted):
    with pytest.raises(ValueError, match=r"9 columns.*latent space .* 4 dimensions"):
        fitted.inverse_transform(np.zeros((2, 9)))
