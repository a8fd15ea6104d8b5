import numpy as np
import pytest
from numpy.testing import assert_allclose

from deepcluster_sk.plotting import AssignmentDisplay

#: Six samples, three clusters; the classes are "b" in cluster 0 and "a" in cluster 2.
Q = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.6, 0.2, 0.2],
        [0.5, 0.1, 0.4],
        [0.0, 0.1, 0.9],
        [0.2, 0.0, 0.8],
        [0.3, 0.0, 0.7],
    ]
)
Y = np.array(["b", "b", "a", "a", "a", "a"])


def test_assignments_of_all_samples():
    display = AssignmentDisplay.from_predictions(Q)
    assert_allclose(display.probabilities, Q.mean(axis=0))
    assert_allclose(display.shares, [0.5, 0, 0.5])
    assert display.clusters == ["0", "1", "2"]
    heights = [bar.get_height() for bar in display.ax_.patches]
    assert_allclose(heights, Q.mean(axis=0))


def test_assignments_of_a_class_with_clusters_in_the_order_of_their_classes():
    display = AssignmentDisplay.from_predictions(Q, Y, label="a")
    assert display.clusters == ["a", "b", "(1)"]
    assert_allclose(display.probabilities, Q[2:].mean(axis=0)[[2, 0, 1]])
    assert_allclose(display.shares, [0.75, 0.25, 0])
    assert display.ax_.get_ylabel() == "class a"


def test_assignments_where_there_are_more_classes_than_clusters():
    display = AssignmentDisplay.from_predictions(Q[:, :2] + 0.1, np.arange(6))
    assert len(display.clusters) == 2


def test_assignments_of_names_that_are_no_formulas():
    classes = ["$_$", "$5 or $6_"]
    display = AssignmentDisplay.from_predictions(np.eye(2), classes, label="$_$")
    display.figure_.canvas.draw()


def test_assignments_of_an_estimator(fitted, images):
    X, y = images
    display = AssignmentDisplay.from_estimator(fitted, X, y, label=1)
    of_class = fitted.predict_proba(X)[y == 1].mean(axis=0)
    assert_allclose(np.sort(display.probabilities), np.sort(of_class))
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize(
    ("y", "label", "message"),
    [
        (None, 1, "label=1 needs y"),
        (Y, "c", r"No sample has label='c'; classes are \['a', 'b'\]"),
        (Y[:3], "a", r"\[6, 3\]"),
    ],
)
def test_assignments_errors(y, label, message):
    with pytest.raises(ValueError, match=message):
        AssignmentDisplay.from_predictions(Q, y, label=label)
