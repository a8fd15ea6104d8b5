"""matplotlib, where it is installed."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def import_pyplot() -> Any:
    """Return ``matplotlib.pyplot``, or say how to install it.

    Raises
    ------
    ImportError
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Plotting needs matplotlib, which is not installed: "
            'pip install "deepcluster-sk[plot]"'
        ) from error
    return plt


def axes_or_new(ax: "Axes | None", width: float, height: float) -> "Axes":
    """Return the axes given, or those of a new figure of so many inches."""
    plt = import_pyplot()
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax
