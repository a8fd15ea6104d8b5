"""Warnings that point to the line of the user's that they are about."""

import sys
import warnings

#: Packages that call each other on the way from that line to what warns.
_BETWEEN = frozenset(
    {"deepcluster_sk", "sklearn", "skorch", "torch", "joblib", "contextlib"}
)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of what the caller did, however deep inside the package it is noticed.

    Parameters
    ----------
    message : str
    category : type of Warning, default=UserWarning
    """
    frame, level = sys._getframe(1), 2
    while (
        frame.f_back is not None
        and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN
    ):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
