"""Parts of a method as objects: what estimators take as settings of a part."""

from numbers import Real
from typing import Any, ClassVar

import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, validate_parameter_constraints


class _Float32(Interval):
    """Numbers that float32 holds, compared as Python's: half ones have no such end."""

    def __contains__(self, val: Any) -> bool:
        found: bool = super().__contains__(val.item() if hasattr(val, "item") else val)
        return found


_LARGEST = float(torch.finfo(torch.float32).max)
#: Of a weight or a margin: a number that float32 holds. And one above 0.
WEIGHT = _Float32(Real, 0, _LARGEST, closed="both")
POSITIVE = _Float32(Real, 0, _LARGEST, closed="right")


class Strategy(BaseEstimator):
    """Settings of one part of a method, checked together with the estimator's own."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    def check(self) -> None:
        """Check the settings.

        Raises
        ------
        ValueError
            If one is of a wrong kind, or out of its range.
        """
        validate_parameter_constraints(
            self._parameter_constraints,
            self.get_params(deep=False),
            caller_name=type(self).__name__,
        )
