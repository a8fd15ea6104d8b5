import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.cluster import KMeans

from deepcluster_sk.plotting import EmbeddingDisplay


def draw(*arguments, **options):
    return EmbeddingDisplay.from_predictions(*arguments, **options).ax_


def test_embedding_of_two_dimensions_is_drawn_as_it_is():
    Z = np.random.default_rng(0).normal(size=(20, 2))
    ax = draw(Z, np.repeat(["a", "b"], 10), centers=[[0, 0]])
    assert_array_equal(ax.collections[0].get_offsets(), Z[:10])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert_array_equal(ax.collections[2].get_offsets(), [[0, 0]])


def test_embedding_projects_points_and_centres_alike():
    Z = np.random.default_rng(0).normal(size=(20, 5)) * [9, 4, 1, 1, 1]
    ax = draw(Z, centers=Z[:3])
    points, centers = (part.get_offsets() for part in ax.collections)
    np.testing.assert_allclose(centers, points[:3])
    assert ax.get_legend() is None
    assert "component 1 (" in ax.get_xlabel()


def test_embedding_by_tsne_keeps_neighbours_and_places_centres_among_them():
    rng = np.random.default_rng(0)
    middles = 30 * np.eye(5)[:3]
    labels = np.repeat(np.arange(3), 8)
    Z = middles[labels] + rng.normal(size=(24, 5))
    display = EmbeddingDisplay.from_predictions(
        Z, labels, centers=middles, method="tsne"
    )
    apart = np.linalg.norm(display.points[:, None] - display.centers, axis=2)
    assert_array_equal(apart.argmin(axis=1), labels)
    assert display.ax_.get_xlabel() == "t-SNE 1"
    again = EmbeddingDisplay.from_predictions(Z, labels, centers=middles, method="tsne")
    assert_array_equal(again.points, display.points)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_embedding_where_scikit_learn_gives_tables(method):
    Z = np.random.default_rng(0).normal(size=(20, 5))
    expected = EmbeddingDisplay.from_predictions(Z, centers=Z[:3], method=method)
    with config_context(transform_output="pandas"):
        display = EmbeddingDisplay.from_predictions(Z, centers=Z[:3], method=method)
    assert_array_equal(display.points, expected.points)
    assert_array_equal(display.centers, expected.centers)


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("n", [1, 40])
def test_embedding_of_equal_points(n, method):
    Z = np.ones((n, 5))
    display = EmbeddingDisplay.from_predictions(Z, centers=Z[:1], method=method)
    assert not display.points.any()
    assert not display.centers.any()


def test_embedding_errors():
    with pytest.raises(ValueError, match="minimum of 2"):
        draw(np.zeros((4, 1)))
    with pytest.raises(ValueError, match="3 dimensions, Z has 2"):
        draw(np.zeros((4, 2)), centers=np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"\[4, 3\]"):
        draw(np.zeros((4, 2)), [0, 1, 1])
    with pytest.raises(ValueError, match="labels contains NaN"):
        draw(np.zeros((3, 2)), [0, np.nan, 1])
    with pytest.raises(ValueError, match="'umap' must be 'pca' or 'tsne'"):
        draw(np.zeros((4, 2)), method="umap")


def test_embedding_of_many_groups_has_no_legend():
    assert draw(np.eye(30)[:, :2], np.arange(30)).get_legend() is None


def test_embedding_of_names_that_are_no_formulas():
    draw(np.eye(2), ["$_$", "$5 or $6_"]).figure.canvas.draw()


def test_embedding_of_an_estimator(fitted, images):
    X, y = images
    display = EmbeddingDisplay.from_estimator(fitted, X)
    assert_array_equal(display.labels, fitted.labels_)
    expected = EmbeddingDisplay.from_predictions(
        fitted.transform(X), fitted.labels_, centers=fitted.cluster_centers_
    )
    assert_array_equal(display.points, expected.points)
    assert_array_equal(display.centers, expected.centers)
    assert_array_equal(EmbeddingDisplay.from_estimator(fitted, X, y).labels, y)


@pytest.mark.parametrize("n_features", [3, 5])
def test_embedding_of_an_estimator_whose_centres_are_samples(n_features):
    X = np.random.default_rng(0).normal(size=(20, n_features))
    means = KMeans(3, n_init=1, random_state=0).fit(X)
    display = EmbeddingDisplay.from_estimator(means, X)
    assert display.centers is None
