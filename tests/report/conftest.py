"""One fit, of which all reports tell."""

import warnings

import pytest

from deepcluster_sk import DeepTripletClusterer
from tests.made import make_images, quick


@pytest.fixture(scope="session")
def images():
    return make_images(n=90, noise=0.2)[0]


@pytest.fixture(scope="session")
def model(images):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return quick(DeepTripletClusterer).fit(images)
