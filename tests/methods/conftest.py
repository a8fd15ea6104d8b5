"""Data that methods are tried on."""

import pytest

from tests.made import make_images


@pytest.fixture(scope="module")
def images():
    return make_images(40)[0]
