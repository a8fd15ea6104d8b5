"""What cannot be clustered is refused before training, in words that help."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from deepcluster_sk.training.net import ClusteringNet
from tests.clusterers import CLUSTERERS
from tests.made import QUICK, make_images

IMAGES, _ = make_images(24)
FLAT = IMAGES.reshape(24, -1)


def with_value(value, dtype=float):
    X = IMAGES.astype(dtype)
    X[3, 4, 5] = value
    return X


@pytest.fixture
def no_training(monkeypatch):
    """Fail where training begins."""

    def begin(*args, **kwargs):
        pytest.fail("training began on input that cannot be clustered")

    monkeypatch.setattr(ClusteringNet, "run_phase", begin)

    """Skip training: everything else runs."""
    monkeypatch.setattr(ClusteringNet, "run_phase", lambda *args, **kwargs: None)


# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Data ------------------------------------------------------------------------------

BAD_DATA = {
    "nan": (with_value(np.nan), "NaN"),
    "infinity": (with_value(np.inf), "infinity"),
    "minus infinity": (with_value(-np.inf, "float32"), "infinity"),
    "nan in flat rows": (with_value(np.nan).reshape(24, -1), "NaN"),
    "float16 infinity": (with_value(np.inf, "float16"), "infinity"),
    "object": (with_value("a", object), "could not convert|a real number|must be"),
    "objects": (np.array([object()] * 6).reshape(3, 2), "real number|must be"),
    "none": (None, "array"),
    "string": ("images", "array"),
    "strings": (np.array([["a", "b"], ["c", "d"]]), "convert|numeric"),
    "strings of images": (np.full((5, 8, 8), "a"), "convert|numeric"),
    "bytes": (np.full((5, 8, 8), b"a"), "convert|numeric"),
    "number": (7, "array"),
    "zero axes": (np.array(1.0), "array"),
    "one axis": (np.ones(5), "Reshape your data"),
    "five axes": (np.ones((2, 2, 3, 8, 8)), r"dim 5.*\(n, H, W\)"),
    "sparse matrix": (sparse.csr_matrix(FLAT), "[Ss]parse.*dense"),
    "sparse array": (sparse.coo_array(FLAT), "[Ss]parse.*dense"),
    "sparse cube": (sparse.coo_array(IMAGES), "[Ss]parse.*dense"),
    "no samples": (np.ones((0, 5)), "0 sample"),
    "no images": (np.ones((0, 8, 8)), "0 sample"),
    "no features": (np.ones((5, 0)), "0 feature"),
    "no pixels": (np.ones((5, 0, 8)), "0 feature|empty|no pixels"),
    "no list": ([], "array|empty"),
    "one sample": (FLAT[:1], "1 sample.*minimum of 2"),
    "one image": (IMAGES[:1], "1 sample.*minimum of 2"),
    "fewer samples than clusters": (FLAT[:2], "n_samples=2 .* n_clusters=3"),
    "one pixel": (IMAGES[:, :1, :1], r'1x1 pixels.*at least 8.*"mlp"'),
    "7x7": (IMAGES[:, :7, :7], r'7x7 pixels.*at least 8.*"mlp"'),
    "a side too small": (IMAGES[:, :7], r'7x8 pixels.*at least 8.*"mlp"'),
    "too large to square": (with_value(1e300), "too large"),
    "too large to sum": (np.full((5, 8, 8), 1e308), "too large"),
    "complex": (IMAGES + 1j, "[Cc]omplex"),
    "dates": (np.full((5, 8), np.datetime64("2020-01-01")), "real number|datetime"),
    "durations": (np.full((5, 8), np.timedelta64(1, "s")), "real number|timedelta"),
    "records": (np.zeros(5, dtype=[("a", float), ("b", float)]), "array|convert"),
    "ragged": ([[1.0, 2.0], [3.0]], "inhomogeneous"),
    "ragged images": ([[[1.0], [2.0, 3.0]], [[1.0]]], "inhomogeneous"),
    "dict": ({"a": [1, 2]}, "array|must be"),
    "set": ({1, 2}, "array|must be"),
    "generator": ((row for row in FLAT), "array|must be"),
    "frame of strings": (pd.DataFrame({"a": ["x", "y"]}), "convert"),
    "no channel axis": (np.ones((5, 6, 9, 9)), "neither .* channel_axis=1"),
    "two channel axes": (np.ones((5, 3, 9, 3)), "both .* channel_axis=1"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_are_refused_before_training(make, no_training, name):
    X, message = BAD_DATA[name]
    with pytest.raises((TypeError, ValueError), match=message):
        make().fit(X)


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({"image_shape": (8, 9)}, FLAT, "needs 72 features .* shape \\(24, 64\\)"),
        ({"image_shape": (4, 16)}, IMAGES, r"\(1, 8, 8\).*\(1, 4, 16\)"),
        ({"image_shape": (4, 4, 4)}, FLAT, "Cannot tell the channel axis"),
        ({"image_shape": (16, 4)}, FLAT, "16x4 pixels.*at least 8"),
        ({"image_shape": (8, -8)}, FLAT, "must be .*positive whole"),
        ({"image_shape": "88"}, FLAT, "image_shape"),
        ({"architecture": "shallow"}, FLAT, "needs images.*image_shape"),
        ({"architecture": "deep"}, FLAT, "needs images.*image_shape"),
    ],
)
def test_data_that_do_not_fit_the_parameters(make, no_training, params, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(**params).fit(X)


@pytest.mark.parametrize("shape", [(20, 4, 4), (20, 1, 1), (20, 7, 7)])
def test_small_images_are_fit_for_an_mlp(make, shape):
    X = np.random.default_rng(0).random(shape)
    labels = make(architecture="mlp", channels=(8,)).fit_predict(X)
    assert labels.shape == (20,)


@pytest.mark.parametrize("value", [0, 7.5, -1e30, 255])
def test_constant_images_are_warned_of(make, value):
    X = np.full((12, 8, 8), value)
    with pytest.warns(ConvergenceWarning, match="X is constant"):
        estimator = make().fit(X)
    assert len(set(estimator.labels_)) == 1
    assert_array_equal(estimator.predict(X), estimator.labels_)
    assert np.isfinite(estimator.transform(X)).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_duplicated_samples(make):
    estimator = make().fit(np.repeat(IMAGES[:2], 10, axis=0))
    assert estimator.labels_.shape == (20,)


# Parameters ------------------------------------------------------------------------

BAD_PARAMETERS = {
    "n_clusters": [0, -1, 2.5, "three", None, np.nan],
    "latent_dim": [0, -3, 1.5, "large"],
    "lr": [0, -1e-3, np.inf, np.nan, "fast", None],
    "batch_size": [0, 1, -5, 2.5, "all"],
    "pretrain_epochs": [-1, 1.5, "none", None],
    "max_epochs": [-1, 1.5, "none", None],
    "tol": [-0.1, 1.1, np.nan, "none"],
    "architecture": ["resnet", 3, None],
    "channels": ["wide", (), (0, 4), (-1,), (2.5,), ("a",), ((1, 2), (3, 4)), 7,
                 {"a": 1}, (True, np.nan)],
    "image_shape": ["8x8", 8, (8,)],
    "channel_axis": [0, 2, "last", -2],
    "max_pixels": [0, 63, 64.5, "all"],
    "augmentation": ["blur", 3, {"rotatoin": 3}],
    "init": ["k-means", 3, None, np.zeros((2, 4)), np.zeros((3, 5)),
             np.full((3, 4), np.nan), [["a"] * 4] * 3, [[1.0], [1.0, 2.0]], {"a": 1}],
    "precision": ["half", torch.float32, 16],
    "data_on_device": ["gpu", 2, None],
    "device": ["gpu", "cuda:99", "cpu:x", 3, None, ""],
    "callbacks": ["early", 3, ["early"], [3], [("name", 3)], [("a", None, 3)]],
    "random_state": ["seed", -1, 2**32, 1.5],
    "verbose": ["loud", -1, None],
    "lr_schedule": ["step", 3],
    "optimizer__weight_decay": [-1, "a"],
    "optimizer__nonsense": [1],
    "optimizer__betas": [(2, 3), 1],
    "iterator_train__num_workers": [-1],
    "iterator_train__shuffle": [True],
    "n_cluster": [3],
}  # fmt: skip
TRIPLET_PARAMETERS = {
    **{
        weight: [-1, -1e-9, np.nan, np.inf, "heavy", None]
        for weight in ("alpha", "beta", "gamma", "omega", "pretrain_omega")
    },
    "margin": [-0.1, "wide"],
    "pretrain_margin": [-0.1, "wide"],
    "radius": [0, -1, np.nan, "large"],
    "n_views": [-1, 1.5],
    "pull_views": ["yes", 2],
    "negatives": ["hard", None],
    "n_augmentations": [0, 2.5],
    "anchoring": [-0.1, 1.1],
    "update_interval": [0, -1, 1.5],
}


def cases(parameters):
    return [
        pytest.param(name, value, id=f"{name}={value!r}"[:60])
        for name, values in parameters.items()
        for value in values
    ]


@pytest.mark.parametrize(("name", "value"), cases(BAD_PARAMETERS))
def test_bad_parameters_are_refused_before_training(make, no_training, name, value):
    # The text names the parameter, without the prefix of the net's settings.
    with pytest.raises((TypeError, ValueError), match=name.split("__")[-1]):
        make(**{name: value}).fit(IMAGES)


@pytest.mark.parametrize(("name", "value"), cases(TRIPLET_PARAMETERS))
def test_bad_triplet_parameters_are_refused(make, no_training, name, value):
    if name not in make().get_params():
        return  # not a parameter of this clusterer
    with pytest.raises((TypeError, ValueError), match=name):
        make(**{name: value}).fit(IMAGES)


@pytest.mark.parametrize("strength", [-1, 181, np.nan, "a", None])
def test_bad_strengths_of_augmentation(make, no_training, strength):
    with pytest.raises((TypeError, ValueError), match="rotation must"):
        make(augmentation={"rotation": strength}).fit(IMAGES)


class Wrong(nn.Module):
    """A user's autoencoder for other data."""

    def __init__(self, sample_shape=(1, 9, 9), latent_dim=7):
        super().__init__()
        self.layer = nn.Linear(81, 7)

    def encode(self, x):
        return self.layer(x.flatten(1))

    def decode(self, latent):
        return latent


@pytest.mark.parametrize("architecture", [Wrong, Wrong(), nn.Linear(3, 3)])
def test_a_users_network_that_does_not_fit(make, no_training, architecture):
    with pytest.raises((TypeError, ValueError), match="architecture"):
        make(architecture=architecture).fit(IMAGES)


def test_a_device_that_is_not_there(make, no_training, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"'cuda' is not on this machine.*cpu"):
        make(device="cuda").fit(IMAGES)


def test_centers_a_callable_gives_are_checked(make):
    with pytest.raises(ValueError, match=r"init must .* \(3, 4\), got"):
        make(init=lambda latent, k, random_state: np.zeros((5, 9))).fit(IMAGES)


@pytest.mark.parametrize(
    "augmentation",
    [lambda x: x[:1], lambda x: x.numpy(), lambda x: x.double(), lambda x: None],
)
def test_an_augmentation_that_changes_the_kind_of_batch(make, augmentation):
    with pytest.raises((TypeError, ValueError), match="augmentation"):
        make(augmentation=augmentation).fit(IMAGES)


# After the fit ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["predict", "predict_proba", "transform", "score"])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((3, 9, 9)), r"shape \(3, 9, 9\).*fitted on.*\(1, 8, 8\)"),
        (np.ones((3, 3, 8, 8)), r"shape \(3, 3, 8, 8\).*\(1, 8, 8\)"),
        (np.ones((3, 65)), "65 features.*64 features"),
        (np.ones((3, 8)), "8 features.*64 features"),
        (np.ones(64), "1D array"),
        (with_value(np.nan), "NaN"),
        (with_value(1e300), "too large|not finite"),
        (np.full((2, 8, 8), 1e39), "too large|not finite"),
        (np.ones((0, 8, 8)), "0 sample"),
        (sparse.csr_matrix(FLAT), "[Ss]parse"),
        (np.full((2, 8, 8), "a"), "convert|numeric"),
        (IMAGES + 1j, "[Cc]omplex"),
    ],
    ids=lambda value: None if isinstance(value, str) else "X",
)
def test_bad_data_for_a_fitted_clusterer(fitted, method, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(fitted, method)(X)


def test_images_for_a_clusterer_of_vectors(make):
    estimator = make(channels=(8,)).fit(FLAT)
    with pytest.raises(ValueError, match=r"\(24, 8, 8\).*flat rows of 64 features"):
        estimator.predict(IMAGES)


@pytest.mark.parametrize(
    "latent",
    [np.ones((2, 5)), np.ones(4), [[np.nan] * 4], [["a"] * 4], np.ones((0, 4))],
)
def test_bad_latent_vectors(fitted, latent):
    with pytest.raises((TypeError, ValueError)):
        fitted.inverse_transform(latent)


# Anything at all -------------------------------------------------------------------

numbers = st.one_of(
    st.floats(width=32),
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -1e308, 5e-324, 0.0]),
)
oddities = st.one_of(
    numbers,
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.dates(),
    st.builds(object),
)
DTYPES = [
    "f2", "f4", "f8", ">f8", "g", "i1", "u1", ">i4", "i8", "u8", "?", "c8", "c16",
    "U3", "S3", "M8[s]", "m8[s]", "O", "V4",
]  # fmt: skip


@st.composite
def arrays(draw):
    """Arrays of any type and small shape."""
    sides = st.sampled_from([0, 1, 2, 3, 4, 7, 8, 9])
    shape = tuple(draw(st.lists(sides, max_size=5)))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    seed = draw(st.integers(0, 2**31))
    raw = np.random.default_rng(seed).bytes(dtype.itemsize * int(np.prod(shape)))
    if dtype.hasobject:
        return np.full(shape, draw(oddities), dtype=object)
    array = np.frombuffer(raw, dtype=dtype).reshape(shape).copy()
    if dtype.kind == "f" and draw(st.booleans()):
        # Finite, so that more than the check for NaN is reached.
        array = np.nan_to_num(array, nan=0.5, posinf=1, neginf=-1)
    return array


@st.composite
def nearly_good(draw):
    """Images with one thing wrong, or none."""
    X = IMAGES.astype(draw(st.sampled_from(["f4", "f8", "O"])))
    for _ in range(draw(st.integers(0, 2))):
        at = tuple(draw(st.integers(0, side - 1)) for side in X.shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                X[at] = draw(numbers)
            except OverflowError:
                X[at] = np.inf
    cut = tuple(slice(draw(st.integers(0, 8))) for _ in range(draw(st.integers(0, 3))))
    return X[cut]


wrappers = st.sampled_from(
    [
        lambda X: X,
        lambda X: X.tolist() if hasattr(X, "tolist") else X,
        lambda X: X[None] if isinstance(X, np.ndarray) else [X],
        lambda X: {"X": X},
        lambda X: sparse.coo_array(X) if getattr(X, "ndim", 0) == 2 else X,
        lambda X: pd.DataFrame(X) if getattr(X, "ndim", 0) == 2 else X,
        lambda X: np.ma.masked_array(X) if isinstance(X, np.ndarray) else X,
        lambda X: X.T if isinstance(X, np.ndarray) else X,
    ]
)
nested = st.recursive(oddities, lambda inner: st.lists(inner, max_size=4), max_leaves=9)
malformed = st.builds(
    lambda wrap, X: wrap(X), wrappers, st.one_of(arrays(), nearly_good(), nested)
)


@pytest.fixture(scope="module", params=CLUSTERERS, ids=lambda cls: cls.__name__)
def pair(request):
    """A fitted clusterer and its copy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator = request.param(3, **QUICK, random_state=0).fit(IMAGES)
    return estimator, copy.deepcopy(estimator)


# Whatever gets through is really trained on: nothing is patched away here.
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(malformed)
def test_anything_at_all(pair, X):
    """Only ValueError and TypeError come out; a fitted clusterer stays as it was."""
    fitted, expected = pair
    labels = expected.predict(IMAGES)
    before = vars(fitted).copy()
    attempts = {
        "predict": fitted.predict,
        "transform": fitted.transform,
        "score": fitted.score,
        "inverse_transform": fitted.inverse_transform,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for attempt in attempts.values():
            try:
                output = attempt(X)
            except (TypeError, ValueError):
                continue
            assert np.isfinite(output).all()
        try:
            fitted.fit(X)
        except (TypeError, ValueError):
            assert vars(fitted).keys() == before.keys()
            assert all(vars(fitted)[name] is before[name] for name in before)
        else:
            assert np.isfinite(fitted.predict_proba(X)).all()
            assert_array_equal(fitted.predict(X), fitted.labels_)
            vars(fitted).clear()
            vars(fitted).update(before)
    assert_array_equal(fitted.predict(IMAGES), labels)
