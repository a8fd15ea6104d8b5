"""Strengths of augmentations: where their ranges end, and what is no strength."""

import numpy as np
import pytest

from deepcluster_sk.augmentation.image import Augmentation
from deepcluster_sk.augmentation.presets import VectorAugmentation

#: Where the range of each strength ends; whether the end is in it is the rest.
ENDS = {
    **dict.fromkeys(("rotation", "hue"), (180.0, True)),
    **dict.fromkeys(("shift", "flip", "erasing", "contrast"), (1.0, True)),
    **dict.fromkeys(("saturation", "greying", "shading"), (1.0, True)),
    "shear": (90.0, False),
    "crop": (1.0, False),
    **dict.fromkeys(("scale", "brightness", "gamma"), (float("inf"), False)),
}


@pytest.mark.parametrize("part", ENDS)
def test_ranges_end_where_they_are_said_to(part: str) -> None:
    end, is_in_it = ENDS[part]
    inside = end if is_in_it else float(np.nextafter(end, 0))
    assert getattr(Augmentation(**{part: inside}), part) == inside
    beyond = float(np.nextafter(end, np.inf)) if is_in_it else end
    for outside in (beyond, -1e-9, 10**400):
        with pytest.raises(ValueError, match=rf"{part} must lie in \[0, "):
            Augmentation(**{part: outside})


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"flip": 1.1}, ValueError),
        ({"rotation": -1}, ValueError),
        ({"shear": 90}, ValueError),
        ({"scale": float("inf")}, ValueError),
        ({"shift": float("nan")}, ValueError),
        ({"erasing": "0.5"}, TypeError),
        ({"flip": True}, TypeError),
        ({"padding_mode": "wrap"}, ValueError),
    ],
)
def test_wrong_parameters_are_named(parameters: dict, error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(parameters))):
        Augmentation(**parameters)


def test_strengths_of_vectors_have_ranges() -> None:
    assert VectorAugmentation(1e9, 1.0).masking == 1.0
    for wrong in ({"noise": float("inf")}, {"masking": 1.0000001}, {"noise": -1e-9}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            VectorAugmentation(**wrong)
    assert not VectorAugmentation(0.0, 0.1).is_identity
    assert not VectorAugmentation(0.1, 0.0).is_identity
