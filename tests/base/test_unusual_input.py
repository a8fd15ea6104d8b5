"""What programs hand over besides plain arrays, and the modes they do it in."""

import pickle
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from numpy.testing import assert_array_equal

from deepcluster_sk import (
    DeepTripletClusterer,
    DepictClusterer,
    InstanceDiscrimination,
    VariationalClusterer,
)
from tests.clusterers import OF_EMBEDDINGS

pytestmark = [
    pytest.mark.of_the_base,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture
def default_double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_integers_of_numpy_are_integers(make, images):
    plain = make(3, random_state=0, batch_size=16).fit(images)
    for kind in (np.uint8, np.int8, np.int16, np.int64):
        found = make(kind(3), random_state=0, batch_size=kind(16)).fit(images)
        assert_array_equal(found.predict_proba(images), plain.predict_proba(images))


@pytest.mark.usefixtures("default_double")
@pytest.mark.parametrize("init", ["graph", "kmeans"])
def test_a_program_may_compute_in_double(cls, make, images, init):
    estimator = make(init=init).fit(images)
    assert estimator.transform(images).dtype == np.float32
    assert_array_equal(estimator.predict(images), estimator.labels_)
    if cls not in OF_EMBEDDINGS:
        decoded = estimator.inverse_transform(estimator.cluster_centers_)
        assert decoded.dtype == np.float32


def test_reversed_and_read_only_arrays(cls, make, images, fitted):
    centers = fitted.cluster_centers_
    fixed = centers.copy()
    fixed.flags.writeable = False
    if cls not in OF_EMBEDDINGS:
        assert_array_equal(
            fitted.inverse_transform(centers[::-1]),
            fitted.inverse_transform(centers[::-1].copy()),
        )
        fitted.inverse_transform(fixed)
    start = make(init=centers[::-1]).fit(images)
    assert_array_equal(
        start.labels_, make(init=centers[::-1].copy()).fit(images).labels_
    )
    make(init=fixed).fit(images)


def test_fit_under_modes_of_the_program(make, images, fitted):
    for mode in (
        torch.inference_mode(),
        torch.no_grad(),
        torch.autocast("cpu", dtype=torch.bfloat16),
    ):
        with mode:
            found = make().fit(images)
            inside = found.predict_proba(images)
        assert_array_equal(inside, fitted.predict_proba(images))


def test_tensors(make, images):
    flat = images.reshape(len(images), -1)
    expected = make(image_shape=(8, 8)).fit(flat)
    tensor = torch.tensor(flat, requires_grad=True)
    found = make(image_shape=(8, 8)).fit(tensor)
    assert_array_equal(found.labels_, expected.labels_)
    assert_array_equal(found.predict(tensor), expected.labels_)
    with sklearn.config_context(array_api_dispatch=True):
        dispatched = make(image_shape=(8, 8)).fit(tensor.detach())
        assert_array_equal(dispatched.predict(tensor.detach()), expected.labels_)


def test_masked_values_are_refused_as_nan_is(make, images, fitted):
    masked = np.ma.masked_array(images, mask=images > 0.9)
    n_masked = int((images > 0.9).sum())
    for call in (make().fit, fitted.predict):
        with pytest.raises(ValueError, match=f"{n_masked} masked values"):
            call(masked)
    unmasked = np.ma.masked_array(images)
    assert_array_equal(fitted.predict(unmasked), fitted.labels_)


def test_columns_of_one_name_are_refused(make, images):
    frame = pd.DataFrame(images.reshape(len(images), -1), columns=["a", "b"] * 32)
    with pytest.raises(ValueError, match=r"same name: \['a', 'b'\]"):
        make().fit(frame)


def test_numbers_beyond_float(make):
    with pytest.raises(ValueError, match="X must hold real numbers"):
        make().fit([[10**400] * 64] * 20)


def test_values_whose_range_has_no_inverse_are_constant(images):
    with pytest.warns(UserWarning, match="X is constant"):
        estimator = DepictClusterer(2, max_epochs=1).fit(images * 1e-310)
    assert set(estimator.labels_) == {estimator.labels_[0]}


@pytest.mark.parametrize(
    "name",
    [
        *("alpha", "beta", "gamma", "omega", "margin", "lr", "module__radius"),
        *("module__kernel_power", "callbacks__lr_decay__peak", "temperature"),
        *("optimizer__weight_decay", "optimizer__eps"),
    ],
)
@pytest.mark.usefixtures("no_work")
def test_a_number_that_float_does_not_hold_is_refused(images, name):
    params = {name: 10**400}
    if name == "temperature":
        params = {"pretraining": InstanceDiscrimination(**params)}
    with pytest.raises(ValueError, match=name.rpartition("__")[2]):
        DeepTripletClusterer(3, **params).fit(images)


@pytest.mark.parametrize("name", ["num_workers", "prefetch_factor", "timeout"])
@pytest.mark.parametrize("value", [10**400, -1, 2**63, np.inf])
@pytest.mark.usefixtures("no_work")
def test_numbers_of_the_loader_beyond_sense_are_refused(images, name, value):
    with pytest.raises(ValueError, match=rf"'iterator_train__{name}' parameter"):
        DeepTripletClusterer(3, **{f"iterator_train__{name}": value}).fit(images)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_of_numpy_are_floats(make, images, kind):
    plain = make(lr=0.5, max_epochs=1).fit(images)
    found = make(lr=kind(0.5), max_epochs=1).fit(images)
    assert_array_equal(found.predict_proba(images), plain.predict_proba(images))
    DeepTripletClusterer(alpha=kind(0.5), margin=kind(0.5))._validate_params()
    InstanceDiscrimination(temperature=kind(0.5)).check()


@pytest.mark.parametrize(
    "params",
    [
        {"optimizer__betas": ""},
        {"optimizer__differentiable": True},
        {"iterator_train__timeout": 1},
        {"callbacks__unknown": None},
        {"callbacks__lr_decay__unknown": 1},
        {"module__unknown": 1},
        {"module__channels": (1.5,)},
    ],
    ids=lambda params: next(iter(params)),
)
def test_settings_of_the_net_are_tried_before_any_work(
    make, images, params, monkeypatch
):
    from deepcluster_sk.training.net import ClusteringNet

    monkeypatch.setattr(ClusteringNet, "run_phase", None)
    (name,) = params
    with pytest.raises(ValueError, match=name.rpartition("__")[2]):
        make(**params).fit(images)


@pytest.mark.usefixtures("decoding")
def test_decoded_rows_take_the_axes_of_the_images(make):
    first = np.random.default_rng(0).random((20, 3, 8, 9))
    last = np.moveaxis(first, 1, -1)
    decoded = []
    for X in (first, last):
        estimator = make().fit(X)
        assert estimator.image_shape_ == X.shape[1:]
        back = estimator.inverse_transform(estimator.transform(X))
        decoded.append(back.reshape(-1, *estimator.image_shape_))
    assert_array_equal(np.moveaxis(decoded[0], 1, -1), decoded[1])


def test_grey_images_have_two_axes(fitted):
    assert fitted.image_shape_ == (8, 8)


def test_a_bound_that_is_not_finite_is_an_error():
    rng = np.random.default_rng(0)
    X = rng.random((30, 8, 8))
    estimator = VariationalClusterer(2, max_epochs=1, random_state=0).fit(X)
    assert np.isfinite(estimator.score_samples(X)).all()
    with pytest.raises(ValueError, match="not finite"):
        estimator.score_samples(X * 1e25)


def test_a_pickle_holds_no_state_of_the_optimizer(fitted):
    assert not fitted.net_.optimizer_.state
    weights = sum(
        value.numel() * 4 for value in fitted.net_.module_.state_dict().values()
    )
    assert len(pickle.dumps(fitted)) < weights + 100_000


@pytest.mark.usefixtures("decoding")
def test_a_network_without_a_decoder_has_no_inverse(fitted, monkeypatch):
    assert hasattr(fitted, "inverse_transform")
    monkeypatch.delattr(type(fitted.net_.module_), "decode")
    assert not hasattr(fitted, "inverse_transform")


@pytest.mark.usefixtures("decoding")
def test_latent_vectors_come_through_the_same_door(fitted):
    latent = fitted.cluster_centers_
    expected = fitted.inverse_transform(latent)
    tensor = torch.tensor(latent, requires_grad=True)
    assert_array_equal(fitted.inverse_transform(tensor), expected)
    masked = np.ma.masked_array(latent, mask=latent == latent[0, 0])
    with pytest.raises(ValueError, match="masked values"):
        fitted.inverse_transform(masked)
    with pytest.raises(ValueError, match="beyond those of float32"):
        fitted.inverse_transform([[10**400] * latent.shape[1]])


def test_assignments_are_finite_or_an_error(fitted, images):
    for power in range(5, 40):
        with suppress(ValueError):  # too large, and said to be
            assert np.isfinite(fitted.predict_proba(images * 10.0**power)).all()
