"""What ``n_clusters`` may be: a number, "auto", or two numbers to find one between."""

from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

#: What a user may give.
NClusters = int | str | tuple[int, int]
#: What scikit-learn checks of `n_clusters`; :func:`bounds_of` checks the rest.
N_CLUSTERS: list[Any] = [
    Interval(Integral, 1, None, closed="left"),
    StrOptions({"auto"}),
    tuple,
    list,
]


def is_given(n_clusters: Any) -> bool:
    """Whether the number of clusters is given, and not to be found."""
    return not isinstance(n_clusters, str | tuple | list)


def bounds_of(n_clusters: Any, n_samples: int) -> tuple[int, int]:
    """Fewest and most clusters there may be.

    Parameters
    ----------
    n_clusters : int, "auto" or (int, int)
    n_samples : int

    Returns
    -------
    least, most : int
        The same where the number is given; "auto" is anything from 1 to `n_samples`.

    Raises
    ------
    ValueError
        If the two are not whole numbers of which the first is the smaller, or there are
        fewer samples than clusters.
    """
    if isinstance(n_clusters, str):
        return 1, n_samples
    pair = (n_clusters, n_clusters) if is_given(n_clusters) else tuple(n_clusters)
    is_whole = all(isinstance(k, Integral) and not isinstance(k, bool) for k in pair)
    if len(pair) != 2 or not is_whole or not 1 <= pair[0] <= pair[1]:
        raise ValueError(
            f'n_clusters={n_clusters!r} should be a whole number, "auto", or two whole '
            "numbers (fewest, most) with 1 <= fewest <= most."
        )
    least, most = int(pair[0]), int(pair[1])
    if n_samples < least:
        name = "n_clusters" if least == most else "the fewest of n_clusters"
        raise ValueError(f"n_samples={n_samples} should be >= {name}={least}.")
    return least, min(most, n_samples)
