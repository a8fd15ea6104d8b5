import builtins

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal

from deepcluster_sk.plotting import (
    plot_clusters,
    plot_confusion,
    plot_embedding,
    plot_history,
)


@pytest.fixture(autouse=True)
def _leave_matplotlib_as_it_was():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def canvas_of(ax):
    return np.asarray(ax.get_images()[0].get_array())


def test_clusters_one_row_each_named_with_its_size():
    X = np.zeros((5, 4, 6))
    ax = plot_clusters(X, ["b", "a", "b", "b", "a"], n_images=3)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a (2)", "b (3)"]
    canvas = canvas_of(ax)
    assert canvas.shape == (2 * 4 + 1, 3 * 6 + 2, 4)
    # The first row has two images only: its third cell is transparent.
    assert canvas[:4, 14:, 3].max() == 0
    assert canvas[5:, 14:, 3].min() == 1


@pytest.mark.parametrize("two_d", [True, False])
def test_clusters_most_confident_first(two_d):
    brightness = np.array([0.1, 0.2, 0.3, 0.4])
    X = np.ones((4, 2, 2)) * brightness[:, np.newaxis, np.newaxis]
    confidence = np.array([0.6, 0.9, 0.7, 0.8])
    if two_d:
        confidence = np.column_stack([confidence, 1 - confidence])
    ax = plot_clusters(X, np.zeros(4), probabilities=confidence, n_images=3)
    shades = canvas_of(ax)[0, ::3, 0]
    np.testing.assert_allclose(shades, [0.2, 0.4, 0.3], atol=1 / 255)


def test_clusters_at_random_is_reproducible():
    X = np.random.default_rng(0).random((40, 3, 3))
    labels = np.arange(40) % 2
    first = canvas_of(plot_clusters(X, labels, random_state=1))
    assert_array_equal(first, canvas_of(plot_clusters(X, labels, random_state=1)))
    assert (first != canvas_of(plot_clusters(X, labels, random_state=2))).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_clusters_reads_every_layout_alike(dtype):
    X = np.random.default_rng(0).integers(0, 256, (6, 3, 5, 7)).astype(dtype)
    X[0, 0, 0, :2] = 0, 255
    labels = np.arange(6) % 2
    reference = canvas_of(plot_clusters(X, labels))
    assert_array_equal(
        reference, canvas_of(plot_clusters(X.transpose(0, 2, 3, 1), labels))
    )
    flat = X.reshape(6, -1)
    assert_array_equal(
        reference, canvas_of(plot_clusters(flat, labels, image_shape=(3, 5, 7)))
    )
    assert_array_equal(reference[:5, :7, 3], 1)


def test_clusters_range_of_values():
    X = np.zeros((2, 2, 2))
    X[1] = 16
    for image in (X, X.astype(int), X - 8):
        canvas = canvas_of(plot_clusters(image, [0, 1]))
        assert canvas[0, 0, 0] == 0
        assert canvas[-1, 0, 0] == 1
    # Values that are a share of full brightness already are not stretched.
    assert canvas_of(plot_clusters(X / 32, [0, 1]))[-1, 0, 0] == pytest.approx(
        0.5, abs=1 / 255
    )
    assert np.isfinite(canvas_of(plot_clusters(X + 5, [0, 1]))).all()
    assert np.isfinite(canvas_of(plot_clusters(X * 0 + 5, [0, 1]))).all()


def test_clusters_draws_on_the_axes_given():
    figure = Figure()
    ax = figure.subplots()
    assert plot_clusters(np.zeros((2, 3, 3)), [0, 1], ax=ax) is ax
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((4, 9), {}, "pass image_shape"),
        ((4, 9), {"image_shape": (2, 2)}, "9 features a row.*4 pixels"),
        ((4, 5, 5, 5), {}, "channel axis"),
        ((4, 2, 5, 5), {"channel_axis": 1}, "2 channels cannot be drawn"),
        ((3, 5, 5), {}, r"\[3, 4\]"),
        ((4, 5, 5), {"n_images": 0}, "n_images=0"),
        ((4, 5, 5), {"probabilities": [1.0]}, r"\[1, 4\]"),
    ],
)
def test_clusters_errors(shape, options, message):
    with pytest.raises(ValueError, match=message):
        plot_clusters(np.zeros(shape), [0, 0, 1, 1], **options)


def test_embedding_of_two_dimensions_is_drawn_as_it_is():
    Z = np.random.default_rng(0).normal(size=(20, 2))
    ax = plot_embedding(Z, np.repeat(["a", "b"], 10), centers=[[0, 0]])
    assert_array_equal(ax.collections[0].get_offsets(), Z[:10])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert_array_equal(ax.collections[2].get_offsets(), [[0, 0]])


def test_embedding_projects_points_and_centres_alike():
    Z = np.random.default_rng(0).normal(size=(20, 5)) * [9, 4, 1, 1, 1]
    ax = plot_embedding(Z, centers=Z[:3])
    points, centers = (part.get_offsets() for part in ax.collections)
    np.testing.assert_allclose(centers, points[:3])
    assert ax.get_legend() is None
    assert "component 1 (" in ax.get_xlabel()


def test_embedding_errors():
    with pytest.raises(ValueError, match="minimum of 2"):
        plot_embedding(np.zeros((4, 1)))
    with pytest.raises(ValueError, match="3 dimensions, Z has 2"):
        plot_embedding(np.zeros((4, 2)), centers=np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"\[4, 3\]"):
        plot_embedding(np.zeros((4, 2)), [0, 1, 1])


def test_embedding_of_many_groups_has_no_legend():
    assert plot_embedding(np.eye(30)[:, :2], np.arange(30)).get_legend() is None


def test_history_of_epochs():
    history = [
        {
            "epoch": i,
            "dur": 0.1 * i,
            "train_loss": 1 / (i + 1),
            "balance": -i,
            "train_loss_best": True,
            "train_batch_count": i,
            "note": "x",
            "lr": 0.1,
        }
        for i in range(4)
    ]
    figure = plot_history(history)
    panels = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in panels] == ["train_loss", "balance"]
    assert_array_equal(panels[0].lines[0].get_ydata(), [1, 1 / 2, 1 / 3, 1 / 4])
    assert_array_equal(panels[0].lines[0].get_xdata(), [1, 2, 3, 4])


def test_history_of_named_sequences_and_chosen_terms():
    history = {"a": [1, 2], "b": [3.0, 4.0], "c": [5, 6], "d": [7, 8]}
    titles = [ax.get_title() for ax in plot_history(history).axes]
    assert titles[:4] == ["a", "b", "c", "d"]
    figure = plot_history(history, terms=["d", "b"])
    assert [ax.get_title() for ax in figure.axes] == ["d", "b"]


def test_history_errors():
    with pytest.raises(ValueError, match=r"\['loss'\].*\['a'\]"):
        plot_history({"a": [1, 2]}, terms=["loss"])
    with pytest.raises(ValueError, match="no numbers"):
        plot_history([])


def test_history_marks_where_the_phase_changed():
    pretraining = [{"phase": "pretrain", "loss": i} for i in range(3)]
    clustering = [{"phase": "cluster", "loss": i, "balance": -i} for i in range(2)]
    loss, balance, *_ = plot_history(pretraining + clustering).axes
    assert_array_equal(loss.lines[1].get_xdata(), [3.5, 3.5])
    assert_array_equal(balance.lines[0].get_xdata(), [4, 5])
    assert len(balance.lines) == 1


def test_history_of_one_epoch():
    assert plot_history([{"loss": 1.0}]).axes[0].get_title() == "loss"


@pytest.mark.parametrize(("normalize", "texts"), [(False, "311"), (True, ["75", "25"])])
def test_confusion(normalize, texts):
    ax = plot_confusion(["a"] * 4 + ["b"], [5, 5, 5, 2, 2], normalize=normalize)
    expected = [*texts, "100"] if normalize else list(texts)
    assert [text.get_text() for text in ax.texts] == expected
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["5", "2"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]


def test_confusion_of_many_classes_has_no_numbers():
    assert not plot_confusion(np.arange(30), np.arange(30)).texts


def test_figures_can_be_saved(tmp_path):
    X = np.random.default_rng(0).random((12, 8, 8))
    for drawn in (
        plot_clusters(X, np.arange(12) % 3),
        plot_confusion([0, 1], [1, 0]),
        plot_embedding(X[:, 0], np.arange(12) % 3),
    ):
        drawn.figure.savefig(tmp_path / "picture.png")
    plot_history({"a": [1, 2]}).savefig(tmp_path / "picture.png")


def test_without_matplotlib(monkeypatch):
    original = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    with pytest.raises(ImportError, match=r"deepcluster-sk\[plot\]"):
        plot_confusion([0, 1], [1, 0])
