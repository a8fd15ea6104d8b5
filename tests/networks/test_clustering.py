import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepcluster_sk.losses.clustering import student_t_log_assignment
from deepcluster_sk.networks.clustering import (
    ClusteringAutoencoder,
    Sphere,
    StudentTClustering,
)
from deepcluster_sk.networks.contrast import CONTRASTS, Contrast


def make_network(radius=3.0, n_clusters=4, latent_dim=5, **kwargs):
    settings = {"architecture": "mlp", "sample_shape": (6,), "channels": (8,), **kwargs}
    return ClusteringAutoencoder(
        n_clusters=n_clusters, latent_dim=latent_dim, radius=radius, **settings
    )


@given(st.integers(0, 2**31), st.floats(0.1, 50), st.floats(1e-3, 1e3))
def test_sphere_gives_rows_the_radius_and_keeps_their_direction(seed, radius, scale):
    x = scale * torch.from_numpy(np.random.default_rng(seed).normal(size=(7, 4)))
    sphere = Sphere(radius)
    on_sphere = sphere(x)
    assert on_sphere.dtype == torch.float32
    torch.testing.assert_close(on_sphere.norm(dim=1), torch.full((7,), radius))
    torch.testing.assert_close(sphere.unit(on_sphere).norm(dim=1), torch.ones(7))
    cosine = torch.nn.functional.cosine_similarity(on_sphere, x.float())
    torch.testing.assert_close(cosine, torch.ones(7))


def test_without_a_radius_the_latent_is_left_alone():
    x = torch.randn(4, 3)
    sphere = Sphere(None)
    assert torch.equal(sphere(x), x)
    assert torch.equal(sphere.unit(x), x)


def test_sphere_takes_a_zero_row():
    x = torch.zeros(2, 3, requires_grad=True)
    Sphere(2.0)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("radius", [None, 3.0])
def test_centers_lie_where_the_latent_does(radius):
    layer = StudentTClustering(4, 3, Sphere(radius))
    given_centers = torch.tensor(np.random.default_rng(0).normal(size=(4, 3)))
    layer.set_centers(given_centers)
    expected = given_centers.float()
    if radius is not None:
        expected = radius * expected / expected.norm(dim=1, keepdim=True)
    torch.testing.assert_close(layer.centers, expected)


def test_a_step_of_adam_turns_centers_by_as_much_whatever_the_radius():
    turned = []
    for radius in (1.0, 30.0):
        torch.manual_seed(0)
        layer = StudentTClustering(3, 4, Sphere(radius))
        layer.set_centers(torch.eye(3, 4))
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
        before = layer.centers.detach() / radius
        layer(radius * torch.eye(3, 4).roll(1, 1))[:, 0].sum().backward()
        optimizer.step()
        turned.append((layer.centers / radius - before).norm())
    assert turned[1] > 0.5 * turned[0] > 0.01


@pytest.mark.parametrize("radius", [None, 3.0])
def test_layer_is_the_student_t_kernel_of_its_centers(radius):
    layer = StudentTClustering(4, 3, Sphere(radius))
    latent = torch.randn(6, 3)
    torch.testing.assert_close(
        layer(latent), student_t_log_assignment(latent, layer.centers)
    )


def test_centers_are_trained():
    layer = StudentTClustering(3, 2, Sphere(3.0))
    layer(torch.randn(5, 2))[:, 0].sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.any()


def test_assignments_are_float32_under_autocast():
    layer = StudentTClustering(3, 2, Sphere(3.0))
    latent = torch.randn(5, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = layer(latent)
    assert under_autocast.dtype == torch.float32
    assert torch.equal(under_autocast, layer(latent))


@pytest.mark.parametrize("radius", [None, 2.5])
def test_the_latent_is_whitened_before_it_is_put_on_the_sphere(radius):
    network = make_network(radius)
    x = 5 + 3 * torch.randn(50, 6)
    latent = plain = network.autoencoder.encode(x)
    if radius is not None:
        white = (plain - plain.mean(0)) / (plain.var(0, correction=0) + 1e-5).sqrt()
        latent = radius * white / white.norm(dim=1, keepdim=True)
    torch.testing.assert_close(network.encode(x), latent, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("given", [{}, {"kernel_power": 4.0}])
def test_the_kernels_power_reaches_the_layer(given):
    power, network = given.get("kernel_power", 1), make_network(**given).eval()
    latent, log_assignment = network.embed(torch.randn(9, 6))
    squared = torch.cdist(latent, network.cluster_centers).square()
    kernel = (1 + squared) ** -power
    expected = kernel / kernel.sum(1, keepdim=True)
    torch.testing.assert_close(log_assignment.exp(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("radius", [None, 2.5])
def test_network_embeds_and_reconstructs(radius):
    network = make_network(radius).eval()
    x = torch.randn(9, 6)
    embedding = network.embed(x)
    assert embedding.latent.shape == (9, 5)
    assert embedding.log_assignment.shape == (9, 4)
    torch.testing.assert_close(embedding.log_assignment.exp().sum(1), torch.ones(9))
    assert network.decode(embedding.latent).shape == x.shape
    assert network.cluster_centers.shape == (4, 5)
    if radius is not None:
        torch.testing.assert_close(
            embedding.latent.norm(dim=1), torch.full((9,), radius)
        )


def test_forward_reconstructs_only_the_rows_asked_for():
    network = make_network().eval()
    x = torch.randn(9, 6)
    outputs = network(x, n_reconstructed=4)
    embedding = network.embed(x)
    assert torch.equal(outputs.latent, embedding.latent)
    assert torch.equal(outputs.log_assignment, embedding.log_assignment)
    assert torch.equal(outputs.reconstruction, network.decode(outputs.latent[:4]))
    assert torch.equal(outputs.seen, x)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_encoder_sees_samples_under_their_contrast(contrast):
    network = make_network(
        architecture="shallow", sample_shape=(1, 8, 8), contrast=contrast
    ).eval()
    x = torch.randn(6, 1, 8, 8)
    outputs = network(x, n_reconstructed=3, first=3)
    assert torch.equal(outputs.seen, Contrast(contrast)(x))
    assert torch.equal(outputs.reconstruction, network.decode(outputs.latent[3:]))


def test_centers_survive_a_step_of_training():
    network = make_network()
    centers = 3 * torch.nn.functional.normalize(torch.randn(4, 5), dim=1)
    network.set_centers(centers)
    torch.testing.assert_close(network.cluster_centers, centers)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    outputs = network(torch.randn(8, 6), n_reconstructed=0)
    outputs.log_assignment[:, 0].sum().backward()
    optimizer.step()
    moved = network.cluster_centers
    assert not torch.allclose(moved, centers)
    torch.testing.assert_close(moved.norm(dim=1), torch.full((4,), 3.0))


def test_one_cluster_and_one_dimension():
    network = make_network(n_clusters=1, latent_dim=1).eval()
    embedding = network.embed(torch.randn(3, 6))
    assert torch.equal(embedding.log_assignment, torch.zeros(3, 1))


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"batch_norm": False}, 0)])
def test_hidden_layers_are_normalised_unless_told_otherwise(given, expected):
    network = make_network(**given)
    layers = list(network.autoencoder.modules())
    assert sum(isinstance(m, torch.nn.BatchNorm1d) for m in layers) == expected


@pytest.mark.parametrize("radius", [None, 3.0])
def test_the_scale_of_the_latent_is_not_learned_on_the_sphere(radius):
    whiten = make_network(radius).whiten
    assert isinstance(whiten, torch.nn.BatchNorm1d) == (radius is not None)
    assert not list(whiten.parameters())
