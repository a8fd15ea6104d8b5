import math

import numpy as np
import pytest
import torch

from deepcluster_sk.methods.variational.network import N_FEATURES, MixtureVAE


def make_network(shape=(1, 8, 8), likelihood="bernoulli", relaxation="marginal", **kw):
    settings = {"n_clusters": 3, "latent_dim": 4, "channels": (4, 6), **kw}
    return MixtureVAE(
        "auto", shape, likelihood=likelihood, relaxation=relaxation, **settings
    )


@torch.no_grad()
def naive_bound(network, x, noise):
    """Bound of every sample, cluster by cluster and draw by draw, in NumPy."""
    features, log_q = network._recognize(x)
    q = log_q.exp().numpy()
    prior_mean, prior_log_variance = (part.numpy() for part in network.prior())
    bound = np.zeros(len(x))
    for i in range(len(x)):
        for k in range(q.shape[1]):
            code = torch.eye(q.shape[1])[k]
            mean, log_variance = network._posterior(features[i : i + 1], code)
            target = x[i].numpy().ravel()
            log_p = 0.0
            for drawn in noise:
                z = mean + (0.5 * log_variance).exp() * drawn
                pixels = network.decode(z).numpy().ravel()
                if network.likelihood == "bernoulli":
                    terms = target * np.log(pixels) + (1 - target) * np.log(1 - pixels)
                else:
                    variance = np.exp(network.log_noise.item())
                    squared = (target - pixels) ** 2 / variance
                    terms = -0.5 * (squared + np.log(2 * np.pi * variance))
                log_p += terms.sum() / len(noise)
            m, v = mean[0].numpy(), log_variance[0].numpy()
            divergence = 0.0
            for d in range(len(m)):
                s = prior_log_variance[k, d]
                gap = (m[d] - prior_mean[k, d]) ** 2
                divergence += 0.5 * (s - v[d] - 1 + (np.exp(v[d]) + gap) / np.exp(s))
            bound[i] += q[i, k] * (log_p - divergence)
            bound[i] -= q[i, k] * (np.log(q[i, k]) + math.log(q.shape[1]))
    return bound


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_bound_equals_loops_over_samples_and_clusters(likelihood):
    network = make_network(likelihood=likelihood).eval()
    network.log_noise.data.fill_(-0.7)
    x, noise = torch.rand(5, 1, 8, 8), torch.randn(3, 4)
    bound = network.elbo(x, noise).detach().numpy()
    np.testing.assert_allclose(bound, naive_bound(network, x, noise), rtol=1e-4)
    # With other draws, and with z at its mean, it is another one.
    for other in (torch.randn(3, 4), torch.zeros(1, 4)):
        assert (network.elbo(x, other).detach().numpy() != bound).any()


def test_training_pass_is_the_same_bound_where_nothing_is_drawn():
    network = make_network().eval()
    # Posteriors so narrow that a draw is its mean.
    network.posterior.weight.data[4:] = 0
    network.posterior.bias.data[4:] = -9.9
    x = torch.rand(5, 1, 8, 8)
    bound = network(x, n_modelled=5)
    negated = (bound.weights * (bound.nll + bound.divergence)).sum(1)
    q = bound.log_assignment.exp()
    discrete = (q * (bound.log_assignment + math.log(3))).sum(1)
    at_the_mean = network.elbo(x, torch.zeros(1, 4))
    torch.testing.assert_close(-(negated + discrete), at_the_mean, rtol=1e-3, atol=0.2)


@pytest.mark.parametrize("relaxation", ["marginal", "gumbel"])
def test_training_draws_spread_as_the_posterior_does(relaxation, monkeypatch):
    network = make_network(relaxation=relaxation).eval()
    mean, log_variance = torch.randn(4), torch.linspace(-4, 3, 4)
    network.posterior.weight.data.zero_()
    network.posterior.bias.data.copy_(torch.cat([mean, log_variance]))
    drawn, decode = [], network.generation.decode
    monkeypatch.setattr(
        network.generation, "decode", lambda z: drawn.append(z) or decode(z)
    )
    with torch.no_grad():
        network(torch.rand(4000, 1, 8, 8), n_modelled=4000)
    (latent,), deviation = drawn, (0.5 * log_variance).exp()
    torch.testing.assert_close(latent.std(0), deviation, rtol=0.05, atol=0)
    assert ((latent.mean(0) - mean).abs() < 0.1 * deviation).all()


def test_what_is_modelled_need_not_be_what_is_seen():
    network = make_network().eval()
    seen, samples = torch.rand(2, 5, 1, 8, 8)
    torch.manual_seed(0)
    apart = network(seen, 5, modelled=samples)
    torch.manual_seed(0)
    same = network(seen, 5)
    assert torch.equal(apart.log_assignment, same.log_assignment)
    assert torch.equal(apart.divergence, same.divergence)
    assert not torch.allclose(apart.nll, same.nll)
    torch.manual_seed(0)
    assert torch.equal(network(seen, 5, modelled=seen).nll, same.nll)


def test_only_the_leading_rows_are_modelled():
    bound = make_network()(torch.rand(6, 1, 8, 8), n_modelled=2)
    assert bound.log_assignment.shape == (6, 3)
    assert bound.weights.shape == bound.nll.shape == bound.divergence.shape == (2, 3)


def test_a_relaxed_draw_is_decoded_once():
    network = make_network(relaxation="gumbel")
    bound = network(torch.rand(6, 1, 8, 8), n_modelled=6, temperature=0.3)
    assert bound.weights.shape == bound.nll.shape == (6, 1)
    assert torch.equal(bound.weights, torch.ones(6, 1))
    bound.nll.sum().backward()
    # The draw is relaxed so that the assignments have a gradient.
    assert network.assignment.weight.grad.abs().max() > 0


def test_latent_is_the_mean_over_clusters():
    network = make_network().eval()
    x = torch.rand(4, 1, 8, 8)
    latent, log_q = network.embed(x)
    features, _ = network._recognize(x)
    expected = sum(
        log_q[:, k, None].exp() * network._posterior(features, torch.eye(3)[k])[0]
        for k in range(3)
    )
    torch.testing.assert_close(latent, expected)
    assert network.decode(latent).shape == x.shape
    assert (network.decode(latent) - 0.5).abs().max() <= 0.5


def test_the_place_of_a_cluster_is_a_table_and_nothing_all_clusters_share():
    network = make_network()
    assert [name for name, _ in network.of_cluster.named_parameters()] == ["weight"]


def test_vectors_and_one_cluster():
    network = make_network((6,), "gaussian", n_clusters=1, channels=(8,)).eval()
    x = torch.randn(5, 6)
    assert torch.equal(network.embed(x).log_assignment, torch.zeros(5, 1))
    assert network.elbo(x, torch.zeros(2, network.latent_dim)).shape == (5,)
    assert network.decode(network.encode(x)).shape == x.shape


class Own(torch.nn.Module):
    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        self.down = torch.nn.Linear(6, latent_dim)
        self.up = torch.nn.Linear(latent_dim, 6)

    def encode(self, x):
        return self.down(x)

    def decode(self, latent):
        return self.up(latent)


def test_a_users_network_serves_as_encoder_and_decoder():
    network = MixtureVAE(Own, (6,), 3, 4, "gaussian", "marginal")
    assert network.recognition is network.generation
    network(torch.randn(5, 6), n_modelled=5).nll.sum().backward()
    assert network.recognition.down.weight.grad is not None
    assert network.recognition.up.weight.grad is not None


def test_posteriors_and_assignments_are_not_coarsened_by_autocast():
    network = make_network().eval()
    features, codes = torch.rand(20, N_FEATURES), torch.eye(3)[torch.arange(20) % 3]
    plain = network._posterior(features, codes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse, log_q = network._recognize(torch.rand(20, 1, 8, 8))
        for found, expected in zip(
            network._posterior(features, codes), plain, strict=True
        ):
            assert torch.equal(found, expected)
    expected = torch.log_softmax(network.assignment(coarse), dim=1)
    assert torch.equal(log_q, expected)
