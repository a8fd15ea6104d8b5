import numpy as np
import pytest
import torch

from deepcluster_sk import TEMIClusterer
from deepcluster_sk.methods.temi.network import Assignments
from deepcluster_sk.methods.temi.objective import TEMIClustering
from tests.losses.strategies import tensor
from tests.made import make_vectors, quick

# Two epochs are too few to settle.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def objectives(monkeypatch):
    """Objectives of the fits from now on, as they began."""
    begun, begin = [], TEMIClustering.begin

    def noted(self, net, dataset):
        begin(self, net, dataset)
        begun.append(self)

    monkeypatch.setattr(TEMIClustering, "begin", noted)
    return begun


def test_neighbors_are_the_nearest_by_cosine(objectives):
    X, _ = make_vectors(40)
    estimator = quick(TEMIClusterer, n_neighbors=5, init="kmeans").fit(X)
    seen = (X - X.mean(0)) / X.std(0)
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    cosines = seen @ seen.T
    np.fill_diagonal(cosines, -2)
    expected = np.argsort(-cosines, axis=1)[:, :5]
    (objective,) = objectives
    np.testing.assert_array_equal(objective.neighbors, expected)
    assert estimator.n_iter_ == 2


def test_every_neighbor_is_drawn_and_anew_for_each_epoch(objectives):
    X, _ = make_vectors(40)
    quick(TEMIClusterer, n_neighbors=3, init="kmeans").fit(X)
    (objective,) = objectives
    draws = []
    for _ in range(40):
        objective._draw()
        drawn = objective.companions(torch.arange(40))["neighbors"]
        assert (drawn[:, None] == objective.neighbors).any(1).all()
        draws.append(drawn)
    ranks = (torch.stack(draws)[..., None] == objective.neighbors).float().argmax(-1)
    assert (ranks.float().mean() - 1).abs() < 0.1
    assert all(set(column.tolist()) == {0, 1, 2} for column in ranks.T)


def test_epochs_have_draws_of_their_own(monkeypatch):
    X, _ = make_vectors(40)
    seen, companions = [], TEMIClustering.companions

    def noted(self, indices):
        found = companions(self, indices)
        seen.append(dict(zip(indices.tolist(), found["neighbors"].tolist())))  # noqa: B905
        return found

    monkeypatch.setattr(TEMIClustering, "companions", noted)
    params = {"max_epochs": 3, "batch_size": 40, "n_neighbors": 20}
    quick(TEMIClusterer, **params).fit(X)
    first, second, third = seen
    assert first != second != third != first
    assert first.keys() == second.keys() == set(range(40))


def test_teachers_follow_at_every_step():
    X, _ = make_vectors(40)
    for momentum, alike in ((0.0, True), (0.9, False)):
        fitted = quick(TEMIClusterer, momentum=momentum, lr=0.01).fit(X)
        module = fitted.net_.module_
        slow, fast = (heads.weights[0] for heads in (module.teacher, module.student))
        assert torch.allclose(slow, fast, atol=1e-6) == alike
        first = quick(TEMIClusterer, max_epochs=0, n_heads=1).fit(X).net_.module_
        assert not torch.allclose(slow, first.teacher.weights[0])


def test_no_epoch_is_kept_for_being_like_the_start():
    X, _ = make_vectors(40)
    fitted = quick(TEMIClusterer, init="graph").fit(X)
    assert fitted.hubness_ is not None
    assert not any("modularity" in row for row in fitted.history_)


def made(share=0.0, known=None):
    """An objective of two heads, three clusters and four samples, under way."""
    objective = TEMIClustering(2, 0.6, 0.9, torch.Generator(), tol=0.0)
    objective.share, objective.known = share, known
    objective.cluster_shares, objective._n_clusters = 1 / 3, 3
    objective._held_labels = torch.tensor([0, 1, 2, 1])
    return objective


def outputs():
    student, teacher = (tensor(i, 2, 8, 3).log_softmax(-1) for i in range(2))
    return Assignments(student, teacher)


def test_shares_of_clusters_are_a_moving_average_by_head():
    objective, passed = made(), outputs()
    for _ in range(2):
        objective({}, passed, torch.arange(4))
    now = passed.teacher.exp().mean(1, keepdim=True)
    expected = 0.9 * (0.9 / 3 + 0.1 * now) + 0.1 * now
    torch.testing.assert_close(objective.cluster_shares, expected)


def test_held_labels_take_the_place_of_neighbors_by_their_share():
    indices = torch.tensor([2, 0, 3, 1])
    terms, loss = made()({}, outputs(), indices)
    assert set(terms) == {"clustering"}
    # Of the first head: what the others number how is their own.
    held = outputs().student[0, :4].gather(1, torch.tensor([[2], [0], [1], [1]]))
    for share in (0.25, 1.0):
        terms, total = made(share)({}, outputs(), indices)
        torch.testing.assert_close(terms["held"], -share * held.mean())
        torch.testing.assert_close(total, (1 - share) * loss + terms["held"])


def test_known_samples_are_held_besides():
    known = np.array([-1, 2, -1, -1])
    _, loss = made()({}, outputs(), torch.arange(4))
    _, total = made(known=known)({}, outputs(), torch.arange(4))
    expected = loss - outputs().student[0, 1, 2] / 4
    torch.testing.assert_close(total, expected)


def test_a_phase_does_not_end_before_its_middle():
    X, _ = make_vectors(40)
    fitted = quick(TEMIClusterer, tol=1.0, max_epochs=10, module__channels=(8,)).fit(X)
    assert fitted.n_iter_ == 5
