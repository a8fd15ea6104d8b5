import pytest
import torch

from deepcluster_sk.methods.depict.network import START_MARGIN, DepictNetwork


def make_network(shape=(1, 8, 8), architecture="auto", **params):
    settings = {"n_clusters": 3, "latent_dim": 4, "channels": (4, 6), **params}
    return DepictNetwork(architecture, shape, **settings)


@pytest.mark.parametrize("architecture", ["shallow", "deep"])
@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (1, 9, 11), (3, 13, 8), (1, 16, 16), (1, 28, 28), (4, 33, 30)]
)
def test_images_of_any_size_are_rebuilt_layer_by_layer(shape, architecture):
    network = make_network(shape, architecture, channels=None)
    x = torch.rand(2, *shape)
    log_assignment, _, decoded, clean = network(x)
    assert log_assignment.shape == (2, 3)
    assert [a.shape for a in decoded] == [b.shape for b in clean]
    assert torch.equal(clean[0], x)
    assert len(clean) == (3 if architecture == "shallow" else 4)
    assert network.decode(network.encode(x)).shape == x.shape


@pytest.mark.parametrize("shape", [(6,), (1, 5, 5)])
def test_dense_form(shape):
    network = make_network(shape, "mlp", channels=(8, 7))
    _, _, decoded, clean = network(torch.rand(5, *shape))
    assert [a.shape for a in decoded] == [b.shape for b in clean]
    assert [tuple(a.shape) for a in clean] == [(5, *shape), (5, 8), (5, 7)]


def test_images_leave_through_a_tanh_and_vectors_do_not():
    latent = 50 * torch.randn(64, 4)
    assert make_network().decode(latent).abs().max() <= 1
    assert make_network((6,), channels=(8,)).decode(latent).abs().max() > 1


def test_pathways_share_weights_and_differ_by_noise_alone():
    network = make_network(dropout=0.5)
    x = torch.rand(6, 1, 8, 8)
    seen = network(x)
    assert not torch.allclose(seen.log_assignment, seen.clean_log_assignment)
    network.eval()
    seen = network(x)
    torch.testing.assert_close(seen.log_assignment, seen.clean_log_assignment)
    torch.testing.assert_close(seen.log_assignment, network.embed(x).log_assignment)
    torch.testing.assert_close(network(x).decoded[0], network.decode(network.encode(x)))


def test_noise_falls_on_the_input_and_on_the_first_layer_alone():
    network = make_network(channels=(4, 6, 8)).eval()
    met = []

    class Noise(torch.nn.Module):
        def forward(self, x):
            met.append(x)
            return 2 * x

    network.noise = Noise()
    x = torch.rand(6, 1, 8, 8)
    noisy = network(x).log_assignment
    first, second, *rest = network.encoder
    layer = first(2 * x)
    assert len(met) == 2
    torch.testing.assert_close(met, [x, layer])
    latent = second(2 * layer)
    for stage in rest:
        latent = stage(latent)
    torch.testing.assert_close(noisy, network.assign(latent))


def test_a_start_is_as_sure_as_it_says_where_centres_are_equally_far():
    network = make_network(n_clusters=3)
    centers = torch.eye(3, 4) * 0.3
    network.set_centers(centers)
    odds = network.assign(centers).diagonal() - network.assign(centers)[0, 1]
    torch.testing.assert_close(odds, torch.full((3,), START_MARGIN), rtol=1e-4, atol=0)


def test_a_start_assigns_to_the_nearest_centre():
    network = make_network().eval()
    centers = torch.randn(3, 4)
    network.set_centers(centers)
    latent = torch.randn(50, 4)
    expected = torch.cdist(latent, centers).argmin(1)
    assert torch.equal(network.assign(latent).argmax(1), expected)
    assert torch.equal(network.cluster_centers, centers)


@pytest.mark.parametrize("n_clusters", [1, 2])
def test_centers_that_coincide(n_clusters):
    network = make_network(n_clusters=n_clusters)
    network.set_centers(torch.ones(n_clusters, 4))
    log_assignment = network.embed(torch.rand(3, 1, 8, 8)).log_assignment
    torch.testing.assert_close(
        log_assignment.exp(), torch.full((3, n_clusters), 1 / n_clusters)
    )


def test_the_scale_of_the_code_is_not_learned():
    network = make_network()
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm1d)]
    assert len(norms) == 1
    assert not list(norms[0].parameters())
    assert not list(network.noise.parameters())


def test_assignments_are_not_coarsened_by_autocast():
    network, codes = make_network().eval(), torch.rand(20, 4)
    plain = network.assign(codes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(network.assign(codes), plain)


def test_each_layer_halves_the_sides():
    _, _, _, clean = make_network((1, 28, 20), channels=(4, 6, 8))(
        torch.rand(2, 1, 28, 20)
    )
    assert [tuple(x.shape[1:]) for x in clean] == [
        (1, 28, 20),
        (4, 14, 10),
        (6, 7, 5),
        (8, 4, 3),
    ]
