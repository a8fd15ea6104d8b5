"""Displays leave matplotlib as it was; one small fitted clusterer serves them all."""

import warnings

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk import DeepTripletClusterer
from tests.made import make_images, quick


@pytest.fixture(autouse=True)
def _leave_matplotlib_as_it_was():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="session")
def images():
    return make_images()


@pytest.fixture(scope="session")
def fitted(images):
    """A fitted clusterer; not to be changed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return quick(DeepTripletClusterer).fit(images[0])
