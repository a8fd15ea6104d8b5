"""Picture files that several tests write, and what was left out of them."""

import sys

import numpy as np
import pytest
from PIL import Image

LINKS_AND_PIPES = pytest.mark.skipif(
    sys.platform == "win32", reason="to make links there needs a permission"
)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def grey(level, side=9):
    return np.full((side, side), level, np.uint8)


def names(left_out):
    return {path.name: reason for path, reason in left_out}
