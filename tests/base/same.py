"""What it means that two fitted clusterers agree."""

from numpy.testing import assert_array_equal

METHODS = ("predict", "predict_proba", "transform")


def assert_same(one, other, X, X_other=None):
    """Two fitted clusterers agree bit for bit."""
    X_other = X if X_other is None else X_other
    assert_array_equal(one.labels_, other.labels_)
    assert_array_equal(one.cluster_centers_, other.cluster_centers_)
    for method in METHODS:
        assert_array_equal(getattr(one, method)(X), getattr(other, method)(X_other))
    assert one.score(X) == other.score(X_other)
