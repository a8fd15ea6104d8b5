import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal

from deepcluster_sk.plotting import HistoryDisplay


def draw(*arguments, **options):
    return HistoryDisplay.from_history(*arguments, **options)


def titles(display):
    return [ax.get_title() for ax in display.figure_.axes]


def test_history_of_epochs():
    history = [
        {
            "epoch": i,
            "dur": 0.1 * i,
            "train_loss": 1 / (i + 1),
            "own": -i,
            "train_loss_best": True,
            "train_batch_count": i,
            "note": "x",
            "lr": 0.1,
        }
        for i in range(4)
    ]
    display = draw(history)
    assert list(display.series) == ["train_loss", "own"]
    # Terms of the package have words of their own, others keep their names.
    assert titles(display) == ["all losses, weighted", "own"]
    line = display.axes_[0].lines[0]
    assert_array_equal(line.get_ydata(), [1, 1 / 2, 1 / 3, 1 / 4])
    assert_array_equal(line.get_xdata(), [1, 2, 3, 4])


def test_history_of_named_sequences_and_chosen_terms():
    history = {"a": [1, 2], "b": [3.0, 4.0], "c": [5, 6], "d": [7, 8]}
    assert titles(draw(history)) == ["a", "b", "c", "d"]
    assert titles(draw(history, terms=["d", "b"])) == ["d", "b"]


def test_history_on_axes_given():
    history = {"a": [1, 2], "b": [3, 4]}
    figure = Figure()
    axes = figure.subplots(1, 2)
    display = draw(history, ax=axes)
    assert display.figure_ is figure
    assert_array_equal(display.axes_, axes)
    with pytest.raises(ValueError, match="2 terms to draw and 1 axes"):
        draw(history, ax=axes[:1])


def test_history_errors():
    with pytest.raises(ValueError, match=r"\['loss'\].*\['a'\]"):
        draw({"a": [1, 2]}, terms=["loss"])
    with pytest.raises(ValueError, match="no numbers"):
        draw([])


def test_history_marks_where_the_phase_changed():
    pretraining = [{"phase": "pretrain", "loss": i} for i in range(3)]
    clustering = [{"phase": "cluster", "loss": i, "balance": -i} for i in range(2)]
    loss, balance = draw(pretraining + clustering).axes_
    assert_array_equal(loss.lines[1].get_xdata(), [3.5, 3.5])
    assert_array_equal(balance.lines[0].get_xdata(), [4, 5])
    assert len(balance.lines) == 1


def test_history_of_one_epoch():
    assert titles(draw([{"loss": 1.0}])) == ["loss"]


def test_history_of_an_estimator_says_every_term_in_words(fitted):
    display = HistoryDisplay.from_estimator(fitted)
    shown = dict(zip(display.series, display.axes_, strict=True))
    assert {"reconstruction", "clustering", "balance", "separation"} <= set(shown)
    assert all(ax.get_ylabel() for ax in shown.values())
