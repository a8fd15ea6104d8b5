import pytest
import torch
from torch.testing import assert_close

from deepcluster_sk.methods.temi.network import Heads, TEMINetwork


def network(sample_shape=(6,), n_clusters=3, latent_dim=4, n_heads=3, **settings):
    torch.manual_seed(0)
    return TEMINetwork(sample_shape, n_clusters, latent_dim, n_heads, **settings)


def samples(*shape, n=7):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(6,), (1,), (1, 8, 9), (3, 4, 5)])
@pytest.mark.parametrize("n_clusters", [1, 5])
@pytest.mark.parametrize("channels", [None, (8,), (8, 7, 6)])
def test_shapes(shape, n_clusters, channels):
    made = network(shape, n_clusters, channels=channels)
    latent, log_assignment = made.embed(samples(*shape))
    assert latent.shape == (7, 4)
    assert_close(latent.norm(dim=1), torch.ones(7))
    assert_close(log_assignment.exp().sum(1), torch.ones(7))
    assert made.cluster_centers.shape == (n_clusters, 4)
    student, teacher = made(samples(*shape))
    assert student.shape == teacher.shape == (3, 7, n_clusters)
    assert student.requires_grad
    assert not teacher.requires_grad


def test_a_head_is_a_perceptron():
    heads, x = Heads(2, (6, 5, 4), 3, 0.1), samples(6)
    for h in range(2):
        hidden = torch.nn.functional.gelu(x @ heads.weights[0][h] + heads.biases[0][h])
        hidden = hidden @ heads.weights[1][h] + heads.biases[1][h]
        latent = hidden / hidden.norm(dim=1, keepdim=True)
        centers = heads.directions[:, h]
        cosines = latent @ (centers / centers.norm(dim=1, keepdim=True)).T
        assert_close(heads.encode(x)[h], latent)
        assert_close(heads.assign(heads.encode(x))[h], (cosines / 0.1).log_softmax(1))


def test_lengths_of_samples_mean_nothing():
    made, x = network(), samples(6)
    assert_close(made.encode(x * torch.rand(7, 1).add(0.1)), made.encode(x))


def test_heads_differ_and_teachers_begin_as_their_students():
    student, teacher = network()(samples(6))
    assert_close(student, teacher)
    assert (student[0] - student[1]).abs().max() > 0.1


def test_teachers_follow():
    made = network()
    before = [p.clone() for p in made.teacher.parameters()]
    with torch.no_grad():
        for parameter in made.student.parameters():
            parameter += 1.0
    made.follow(0.75)
    for was, now in zip(before, made.teacher.parameters(), strict=True):
        assert_close(now, was + 0.25)
    assert not any(p.requires_grad for p in made.teacher.parameters())


def test_the_head_that_speaks_is_the_one_that_is_placed():
    made, x, centers = network(), samples(6), torch.eye(3, 4)
    before = made.teacher.directions.clone()
    made.speaking = 2
    made.set_centers(5 * centers)
    assert_close(made.cluster_centers, centers)
    assert_close(made.student.directions[:, 2], centers)
    assert_close(made.teacher.directions[:, :2], before[:, :2])
    latent, log_assignment = made.embed(x)
    assert_close(latent, made.teacher.encode(made.see(x))[2])
    assert_close(log_assignment, (latent @ centers.T / 0.1).log_softmax(1))
    made.reseed(1, x[:2], x[2:])
    middle = latent[:2].mean(0)
    assert_close(made.cluster_centers[1], middle / middle.norm())
    assert_close(made.student.directions[1, 2], middle / middle.norm())
    assert_close(made.teacher.directions[:, :2], before[:, :2])


def test_the_first_head_is_kept():
    made, x = network(), samples(6)
    expected, centers = made.embed(x), made.cluster_centers
    made.keep_first()
    assert made.n_heads == 1
    assert {len(p) for heads in (made.student, made.teacher)
            for p in (*heads.weights, *heads.biases)} == {1}  # fmt: skip
    assert_close(made.embed(x), expected)
    assert_close(made.cluster_centers, centers)
    student, teacher = made(x)
    assert_close(teacher[0], expected.log_assignment)
    assert student.requires_grad
    assert not any(p.requires_grad for p in made.teacher.parameters())
