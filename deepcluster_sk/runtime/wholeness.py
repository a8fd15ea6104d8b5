"""Calls that change an object wholly, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def whole_or_not_at_all(changed: Any) -> Iterator[None]:
    """Bring all attributes of an object back to what they were, where the block fails.

    Attributes are put back, not what is inside them.
    """
    before = vars(changed).copy()
    try:
        yield
    except BaseException:
        changed.__dict__ = before
        raise
