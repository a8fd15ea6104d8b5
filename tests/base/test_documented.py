"""What docstrings say of parameters and attributes is what there is."""

import ast
import inspect
import re

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import deepcluster_sk
from tests.clusterers import CLUSTERERS
from tests.made import make_images, make_vectors, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PUBLIC = [getattr(deepcluster_sk, name) for name in deepcluster_sk.__all__]
ESTIMATORS = [
    value
    for value in PUBLIC
    if isinstance(value, type) and issubclass(value, BaseEstimator)
]
FUNCTIONS = [value for value in PUBLIC if inspect.isfunction(value)]
#: Parameters by name that a constructor has at most.
MOST_PARAMETERS = {deepcluster_sk.DeepTripletClusterer: 30}


def entries(documented, section):
    """Names of a section of a docstring, with what stands behind each."""
    text = inspect.getdoc(documented)
    parts = re.split(r"(?m)^(\w[\w ]*)\n-{4,}\n", text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert section in sections, f"{documented.__name__} documents no {section}"
    found = {}
    for names, kind in re.findall(
        r"(?m)^([^\s:][^:\n]*?)(?: : (.*))?$", sections[section]
    ):
        for name in names.split(", "):
            assert name not in found, f"{name} is documented twice"
            found[name] = kind
    return found


def parameters(documented):
    """Parameters of a signature, but for those of the net."""
    known = inspect.signature(documented).parameters
    return {
        name: parameter
        for name, parameter in known.items()
        if parameter.kind != parameter.VAR_KEYWORD
    }


@pytest.mark.parametrize("documented", [*ESTIMATORS, *FUNCTIONS])
def test_every_parameter_is_documented_and_the_other_way_round(documented):
    found = entries(documented, "Parameters")
    assert set(found) == {
        f"**{name}" if parameter.kind == parameter.VAR_KEYWORD else name
        for name, parameter in inspect.signature(documented).parameters.items()
    }


@pytest.mark.parametrize("documented", [*ESTIMATORS, *FUNCTIONS])
def test_documented_defaults_are_those_of_the_signature(documented):
    found = entries(documented, "Parameters")
    for name, parameter in parameters(documented).items():
        stated = re.search(r"default=(.+)$", found[name])
        if parameter.default is parameter.empty:
            assert stated is None, name
        else:
            assert stated is not None, name
            value = ast.literal_eval(stated[1])
            assert value == parameter.default, name
            assert type(value) is type(parameter.default), name


@pytest.mark.parametrize("documented", ESTIMATORS)
def test_every_parameter_has_its_range(documented):
    assert set(documented._parameter_constraints) == set(parameters(documented))


@pytest.mark.parametrize("documented", CLUSTERERS)
def test_methods_document_their_parameters(documented):
    for name, method in inspect.getmembers(documented, inspect.isfunction):
        if name.startswith("_") or not method.__module__.startswith("deepcluster_sk"):
            continue
        given = {
            f"**{n}" if parameter.kind == parameter.VAR_KEYWORD else n
            for n, parameter in inspect.signature(method).parameters.items()
        } - {"self"}
        assert not given or set(entries(method, "Parameters")) == given, name


@pytest.mark.parametrize("documented", CLUSTERERS)
@pytest.mark.parametrize("kind", ["images", "vectors", "frame"])
def test_every_fitted_attribute_is_documented_and_the_other_way_round(documented, kind):
    pandas = pytest.importorskip("pandas")
    found = set(entries(documented, "Attributes"))
    if kind == "images":
        estimator = quick(documented).fit(make_images()[0])
    else:
        X, _ = make_vectors()
        X = X if kind == "vectors" else pandas.DataFrame(X).add_prefix("feature ")
        estimator = quick(documented, module__channels=(8,)).fit(X)
    there = {
        name
        for name in vars(estimator)
        if name.endswith("_") and not name.startswith("_")
    }
    expected = found if kind == "frame" else found - {"feature_names_in_"}
    assert there == expected


@pytest.mark.parametrize("documented", CLUSTERERS)
def test_constructors_are_short(documented):
    named = [
        parameter
        for parameter in inspect.signature(documented).parameters.values()
        if parameter.kind != parameter.VAR_KEYWORD
    ]
    assert len(named) <= MOST_PARAMETERS.get(documented, 25)
    # Only the number of clusters may be given without its name.
    assert [p.name for p in named if p.kind != p.KEYWORD_ONLY] == ["n_clusters"]


@pytest.mark.parametrize("documented", CLUSTERERS)
def test_placeholders_are_filled_once(documented):
    text = documented.__doc__
    assert "{parameters}" not in text
    assert "{attributes}" not in text


@pytest.mark.parametrize("documented", CLUSTERERS)
def test_shared_texts_are_not_written_into_subclasses_of_users(documented):
    class Own(documented):
        """A user's own, without sections."""

    assert Own.__doc__ == "A user's own, without sections."
    assert np.array_equal(list(parameters(Own)), list(parameters(documented)))
