"""What displays need of an estimator."""

from typing import Any


def check_has(estimator: Any, *names: str) -> None:
    """Refuse a fitted estimator that lacks what is drawn.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    *names : str
        Methods and attributes that it needs.

    Raises
    ------
    TypeError
        If it lacks one.
    """
    missing = [name for name in names if not hasattr(estimator, name)]
    if missing:
        raise TypeError(
            f"A {type(estimator).__name__} has no {' and no '.join(missing)}: pass a "
            "deep clusterer of deepcluster_sk, such as a DeepTripletClusterer, or "
            "another estimator that has."
        )
