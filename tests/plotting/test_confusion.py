import builtins

import numpy as np
import pytest

from deepcluster_sk.plotting import MatchedConfusionDisplay


def names(labels):
    return [label.get_text() for label in labels]


@pytest.mark.parametrize(("normalize", "texts"), [(False, "311"), (True, ["75", "25"])])
def test_confusion(normalize, texts):
    ax = MatchedConfusionDisplay.from_predictions(
        ["a"] * 4 + ["b"], [5, 5, 5, 2, 2], normalize=normalize
    ).ax_
    expected = [*texts, "100"] if normalize else list(texts)
    assert names(ax.texts) == expected
    assert names(ax.get_xticklabels()) == ["5", "2"]
    assert names(ax.get_yticklabels()) == ["a", "b"]


def test_confusion_of_many_classes_has_no_numbers():
    display = MatchedConfusionDisplay.from_predictions(np.arange(30), np.arange(30))
    assert not display.ax_.texts


def test_confusion_of_an_estimator(fitted, images):
    X, y = images
    display = MatchedConfusionDisplay.from_estimator(fitted, X, y)
    expected = MatchedConfusionDisplay.from_predictions(y, fitted.labels_)
    np.testing.assert_array_equal(display.matrix, expected.matrix)
    assert display.matrix.sum() == len(X)


def test_figures_can_be_saved(tmp_path):
    figure = MatchedConfusionDisplay.from_predictions([0, 1], [1, 0]).figure_
    figure.savefig(tmp_path / "picture.png")


def test_names_are_no_formulas():
    classes, clusters = ["$5 or $6_", "$a$"], ["$_$", "b"]
    display = MatchedConfusionDisplay.from_predictions(classes, clusters)
    display.figure_.canvas.draw()
    assert names(display.ax_.get_yticklabels()) == classes


def test_without_matplotlib(monkeypatch):
    original = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    with pytest.raises(ImportError, match=r"deepcluster-sk\[plot\]"):
        MatchedConfusionDisplay.from_predictions([0, 1], [1, 0])
