import itertools
import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.model_selection import cross_val_score

from deepcluster_sk.metrics import (
    clustering_accuracy_score,
    clustering_accuracy_scorer,
    confusion,
)


def labellings(max_true=5, max_pred=5):
    """Pairs of labellings of the same samples."""
    pair = st.tuples(st.integers(0, max_true - 1), st.integers(0, max_pred - 1))
    pairs = st.lists(pair, min_size=1, max_size=40)
    return pairs.map(lambda rows: tuple(np.array(rows).T))


def brute_force_accuracy(true, pred):
    """Try every one-to-one map of clusters to classes, spare ones unmapped."""
    classes, clusters = np.unique(true).tolist(), np.unique(pred).tolist()
    classes += [None] * len(clusters)  # a cluster may stay without a class
    best = 0
    for targets in itertools.permutations(classes, len(clusters)):
        mapping = dict(zip(clusters, targets, strict=True))
        hits = sum(
            mapping[cluster] == klass
            for klass, cluster in zip(true.tolist(), pred.tolist(), strict=True)
        )
        best = max(best, hits)
    return best / len(true)


@given(labellings(max_true=4, max_pred=3))
def test_accuracy_equals_brute_force(pair):
    assert clustering_accuracy_score(*pair) == pytest.approx(
        brute_force_accuracy(*pair)
    )


@given(labellings(), st.permutations(range(5)), st.permutations(range(5)))
def test_accuracy_ignores_the_names_of_classes_and_clusters(pair, names_a, names_b):
    true, pred = pair
    renamed = clustering_accuracy_score(
        np.array(names_a)[true], np.array(names_b)[pred]
    )
    assert renamed == clustering_accuracy_score(true, pred)


@given(labellings(), st.randoms(use_true_random=False))
def test_accuracy_ignores_the_order_of_samples(pair, random):
    true, pred = pair
    order = list(range(len(true)))
    random.shuffle(order)
    assert clustering_accuracy_score(true[order], pred[order]) == (
        clustering_accuracy_score(true, pred)
    )


@given(labellings())
def test_accuracy_is_bounded_and_symmetric(pair):
    true, pred = pair
    accuracy = clustering_accuracy_score(true, pred)
    # The largest cell of the table is always a matching.
    largest = max(Counter(zip(true.tolist(), pred.tolist(), strict=True)).values())
    assert largest / len(true) <= accuracy <= 1
    assert accuracy == clustering_accuracy_score(pred, true)


@given(labellings())
def test_a_labelling_agrees_with_itself(pair):
    true, _ = pair
    assert clustering_accuracy_score(true, true) == 1


def test_strings_against_integers():
    true = ["cat", "cat", "dog", "dog", "owl"]
    assert clustering_accuracy_score(true, [2, 2, 0, 2, 1]) == 0.8
    assert clustering_accuracy_score(np.array(true, dtype=object), true) == 1


@pytest.mark.parametrize(
    "container",
    [list, tuple, np.array, pd.Series, lambda x: np.array(x)[:, np.newaxis]],
)
def test_containers(container):
    assert clustering_accuracy_score(container([0, 0, 1]), container([5, 5, 4])) == 1


def test_more_clusters_than_classes_and_fewer():
    # Four clusters on two classes: only one cluster of each class counts.
    true = [0, 0, 0, 0, 1, 1, 1, 1]
    assert clustering_accuracy_score(true, [0, 0, 0, 1, 2, 2, 3, 3]) == 5 / 8
    assert clustering_accuracy_score(true, [0] * 8) == 1 / 2


def test_different_lengths():
    with pytest.raises(ValueError, match=r"\[3, 2\]"):
        clustering_accuracy_score([0, 1, 1], [0, 1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.5, 1.0], "labels_pred holds fractional values such as 0.5"),
        ([np.nan, 1.0], "labels_pred contains NaN"),
        ([[0, 1], [1, 0]], "1d array"),
        (
            np.array([1, "a"], dtype=object),
            "labels_pred mixes values of types int, str",
        ),
    ],
)
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        clustering_accuracy_score([0, 1], labels)


def test_no_samples():
    with pytest.raises(ValueError, match="0 sample"):
        clustering_accuracy_score([], [])


def test_whole_floats_are_labels():
    assert clustering_accuracy_score([0.0, 1.0], [1, 0]) == 1


@given(labellings())
def test_confusion_counts_every_sample_and_matches_the_score(pair):
    true, pred = pair
    matrix, rows, columns = confusion(true, pred)
    assert matrix.sum() == len(true)
    np.testing.assert_array_equal(rows, np.unique(true))
    np.testing.assert_array_equal(np.sort(columns), np.unique(pred))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            assert matrix[i, j] == np.sum((true == row) & (pred == column))
    if len(columns) >= len(rows):
        assert np.trace(matrix) / len(true) == clustering_accuracy_score(true, pred)


def test_confusion_puts_matched_columns_first():
    true = np.repeat(["a", "b"], 4)
    pred = np.array([9, 9, 9, 1, 4, 4, 4, 4])
    result = confusion(true, pred)
    assert result.row_labels.tolist() == ["a", "b"]
    assert result.column_labels.tolist() == [9, 4, 1]
    assert result.matrix.tolist() == [[3, 0, 1], [0, 4, 0]]


def test_confusion_with_fewer_clusters_than_classes():
    result = confusion([0, 0, 1, 2, 2, 2], [1, 1, 0, 0, 0, 0])
    assert result.matrix.tolist() == [[2, 0], [0, 1], [0, 3]]
    assert result.column_labels.tolist() == [1, 0]


def test_inputs_are_left_alone():
    true, pred = np.array([1, 0, 1]), np.array([0, 0, 1])
    true.flags.writeable = pred.flags.writeable = False
    clustering_accuracy_score(true, pred)
    confusion(true, pred)


def test_scorer_in_cross_validation():
    X, y = make_blobs(centers=3, cluster_std=0.1, random_state=0)
    kmeans = KMeans(3, n_init=3, random_state=0)
    scores = cross_val_score(kmeans, X, y, scoring=clustering_accuracy_scorer, cv=3)
    np.testing.assert_array_equal(scores, 1)


def test_scorer_survives_pickling():
    X, y = make_blobs(centers=2, cluster_std=0.1, random_state=0)
    kmeans = KMeans(2, n_init=1, random_state=0).fit(X)
    scorer = pickle.loads(pickle.dumps(clustering_accuracy_scorer))
    assert scorer(kmeans, X, y) == 1
