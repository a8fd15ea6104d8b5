"""Clusters of one network carried over to another, and clusters that begin anew."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from deepcluster_sk.methods.depict.network import DepictNetwork
from deepcluster_sk.methods.temi.network import TEMINetwork
from deepcluster_sk.methods.variational.network import MixtureVAE
from deepcluster_sk.networks.carrying import carried
from deepcluster_sk.networks.clustering import ClusteringAutoencoder

SHAPE = (1, 8, 8)
NETWORKS = {
    "on a sphere": lambda k: ClusteringAutoencoder("auto", SHAPE, k, 4, 3.0, (4, 8)),
    "off it": lambda k: ClusteringAutoencoder("auto", SHAPE, k, 4, None, (4, 8)),
    "DEPICT": lambda k: DepictNetwork("auto", SHAPE, k, 4, (4, 8)),
    "TEMI": lambda k: TEMINetwork(SHAPE, k, 4, 1, (8,)),
    "variational": lambda k: MixtureVAE(
        "auto", SHAPE, k, 4, "gaussian", "marginal", (4, 8)
    ),
}


@pytest.fixture(params=NETWORKS)
def build(request):
    return NETWORKS[request.param]


def samples(seed=0, n=40):
    return torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def assigned(network, x):
    return network.eval().embed(x).log_assignment


@pytest.mark.parametrize("origins", [[2, 0, 1, 3], [0, 3], [0, 1, 2, 3, 1]])
def test_clusters_go_on_as_what_they_were(build, origins):
    network, x = build(4), samples()
    other = build(len(origins))
    origins = np.array(origins)
    other.load_state_dict(carried(network.state_dict(), network.cluster_axes, origins))
    before, after = assigned(network, x), assigned(other, x)
    # Among those that are left, the shares are what they were.
    expected = torch.log_softmax(before[:, origins], 1)
    assert_close(after, expected, rtol=1e-4, atol=1e-4)
    if sorted(origins) == [0, 1, 2, 3]:  # a latent may be a mean over the clusters
        with torch.no_grad():
            assert_close(other.encode(x), network.encode(x), rtol=1e-4, atol=1e-4)


def test_every_weight_with_an_axis_of_clusters_is_named(build):
    few, more = build(4).state_dict(), build(5).state_dict()
    differing = {
        name: [a for a, n in enumerate(few[name].shape) if n != more[name].shape[a]]
        for name in few
        if few[name].shape != more[name].shape
    }
    named = {name: [axis] for name, axis in build(4).cluster_axes.items()}
    assert differing == named


def test_a_cluster_begins_anew_with_samples_of_another(build):
    # Two kinds that the network tells apart, both in one cluster; the last has none.
    up, down = samples(1) + 2, samples(2) - 2
    network = build(3).eval()
    with torch.no_grad():
        latent = network.encode(torch.cat([up, down]))
    far = latent.mean(0) + 20 * torch.tensor([1.0, -1.0, 1.0, -1.0])
    network.set_centers(torch.stack([latent.mean(0), far, -far]))
    if isinstance(network, MixtureVAE):  # whose softmax is no matter of centres
        with torch.no_grad():
            network.assignment.weight.zero_()
            network.assignment.bias.copy_(torch.tensor([5.0, 0.0, -5.0]))
    weights = {n: w.clone() for n, w in network.named_parameters()}
    network.reseed(2, up, down)
    with torch.no_grad():
        found = assigned(network, up).argmax(1), assigned(network, down).argmax(1)
    assert (found[0] == 2).float().mean() > 0.8
    assert (found[1] == 2).float().mean() < 0.2
    for name, weight in network.named_parameters():
        if name in network.cluster_axes:
            axis = network.cluster_axes[name]
            others = torch.tensor([0, 1])
            assert_close(
                weight.index_select(axis, others),
                weights[name].index_select(axis, others),
            )
        else:
            assert_close(weight, weights[name])


def test_all_samples_of_a_cluster_may_be_taken(build):
    network, x = build(3).eval(), samples()
    network.reseed(1, x, x[:0])
    assert assigned(network, x).isfinite().all()
