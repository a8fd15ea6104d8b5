"""matplotlib, where it is installed."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


def import_pyplot() -> Any:
    """Return ``matplotlib.pyplot``, or say how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Plotting needs matplotlib, which is not installed: "
            'pip install "deepcluster-sk[plot]"'
        ) from error
    return plt
