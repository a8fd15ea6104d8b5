"""What displays need of an estimator."""

from typing import Any


def check_has(estimator: Any, name: str) -> None:
    """Refuse a fitted estimator that lacks what is drawn.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    name : str
        Of the method or attribute that it needs.

    Raises
    ------
    TypeError
        If it lacks it.
    """
    if not hasattr(estimator, name):
        raise TypeError(
            f"A {type(estimator).__name__} has no {name}: pass a deep clusterer of "
            "deepcluster_sk, such as a DeepTripletClusterer, or another estimator that "
            "has."
        )
