import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from deepcluster_sk.networks.autoencoders import (
    Autoencoder,
    ConvAutoencoder,
    MLPAutoencoder,
    hidden_widths,
    make_autoencoder,
    resolve_architecture,
)

NARROW = {"shallow": (3, 4, 5), "deep": (3, 4, 5, 4, 3), "residual": (3, 4, 5)}
SIDES = [(side, side) for side in range(8, 34)]
OBLONG = [(8, 33), (33, 8), (9, 16), (28, 11), (13, 15), (8, 64)]


class Affine(nn.Module):
    """A user's own autoencoder."""

    def __init__(self, sample_shape, latent_dim):
        super().__init__()
        n_features = int(np.prod(sample_shape))
        self.sample_shape = tuple(sample_shape)
        self.down = nn.Linear(n_features, latent_dim)
        self.up = nn.Linear(latent_dim, n_features)

    def encode(self, x):
        return self.down(x.flatten(1))

    def decode(self, latent):
        return self.up(latent).unflatten(1, self.sample_shape)


def assert_fits(module, sample_shape, latent_dim):
    x = torch.randn(3, *sample_shape)
    latent = module.encode(x)
    assert latent.shape == (3, latent_dim)
    assert module.decode(latent).shape == x.shape


@pytest.mark.parametrize("architecture", ["shallow", "deep", "residual"])
@pytest.mark.parametrize("sides", SIDES + OBLONG, ids=str)
def test_every_image_side_from_8_up_comes_back_in_its_shape(architecture, sides):
    module = make_autoencoder(architecture, (1, *sides), 4, NARROW[architecture])
    assert_fits(module, (1, *sides), 4)


@pytest.mark.parametrize("architecture", ["shallow", "deep", "residual", "mlp"])
@pytest.mark.parametrize("n_channels", [1, 2, 3, 4, 5])
def test_every_number_of_channels(architecture, n_channels):
    channels = NARROW.get(architecture, (6, 5))
    module = make_autoencoder(architecture, (n_channels, 9, 8), 3, channels)
    assert_fits(module, (n_channels, 9, 8), 3)


@pytest.mark.parametrize("widths", [(4,), (2, 3), (2, 3, 4, 5, 6, 7, 8)])
def test_any_number_of_layers(widths):
    assert_fits(ConvAutoencoder((1, 12, 10), 2, widths), (1, 12, 10), 2)
    assert_fits(MLPAutoencoder((7,), 2, widths), (7,), 2)


@pytest.mark.parametrize("widths", [(), (4, 0), (0,), (-1, 4), (4.0,), ("4",)])
@pytest.mark.parametrize("architecture", ["shallow", "mlp"])
def test_widths_are_positive_integers(architecture, widths):
    with pytest.raises(ValueError, match="channels"):
        make_autoencoder(architecture, (1, 8, 8), 2, widths)


@pytest.mark.parametrize("n_features", [1, 2, 64, 3000])
def test_mlp_for_vectors(n_features):
    assert_fits(make_autoencoder("mlp", (n_features,), 5), (n_features,), 5)


def test_mlp_is_sized_to_the_data_within_bounds():
    widths = [hidden_widths(n)[0] for n in range(1, 600)]
    assert widths == sorted(widths)
    assert (widths[0], widths[-1]) == (64, 512)
    assert all(width >= 4 * n for n, width in enumerate(widths, start=1) if width < 512)
    # And no power of two more.
    assert all(width < 8 * n for n, width in enumerate(widths, start=1) if width > 64)


def test_pooling_stops_once_a_side_is_below_four():
    # 28 -> 14 -> 7 -> 4 -> 2, where the fifth convolution finds nothing to pool.
    module = ConvAutoencoder((1, 28, 28), 10, NARROW["deep"])
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in module.encoder) == 4
    features = module.encoder[:-2](torch.zeros(1, 1, 28, 28))
    assert features.shape[2:] == (2, 2)


def test_each_convolution_is_followed_by_pooling_batch_norm_and_relu():
    layers = list(ConvAutoencoder((1, 16, 16), 4).encoder)
    kinds = [type(layer) for layer in layers]
    block = [nn.Conv2d, nn.MaxPool2d, nn.BatchNorm2d, nn.ReLU]
    assert kinds == [*block * 3, nn.Flatten, nn.Linear]
    assert [layer.out_channels for layer in layers[::4][:3]] == [32, 64, 128]


@pytest.mark.parametrize("architecture", ["shallow", "deep", "residual", "mlp"])
def test_without_batch_norm_every_layer_has_its_bias(architecture):
    shape = (3, 16, 16)
    module = make_autoencoder(architecture, shape, 8, batch_norm=False)
    normal = make_autoencoder(architecture, shape, 8)
    norms = nn.BatchNorm1d | nn.BatchNorm2d
    assert any(isinstance(layer, norms) for layer in normal.modules())
    assert not any(isinstance(layer, norms) for layer in module.modules())
    layers = [layer for layer in module.modules() if hasattr(layer, "weight")]
    assert all(layer.bias is not None for layer in layers)
    assert_fits(module, shape, 8)
    # Alone in a batch, a sample is what it is in company.
    x = torch.randn(4, *shape)
    assert_close(module.encode(x)[:1], module.encode(x[:1]))


@pytest.mark.parametrize("architecture", ["shallow", "deep", "residual", "mlp"])
def test_weights_are_xavier_and_biases_zero(architecture):
    torch.manual_seed(0)
    module = make_autoencoder(architecture, (3, 16, 16), 8)
    layers = [
        layer
        for layer in module.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert layers
    for layer in layers:
        fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(layer.weight)
        bound = (6 / (fan_in + fan_out)) ** 0.5
        largest = layer.weight.abs().max().item()
        assert 0.9 * bound < largest <= bound
        assert layer.bias is None or not layer.bias.any()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 8, 8), "shallow"),
        ((3, 8, 8), "shallow"),
        ((4, 9, 9), "shallow"),
        ((5,), "mlp"),
    ],
)
def test_auto_goes_by_the_kind_of_data(shape, expected):
    assert resolve_architecture("auto", shape) == expected


@pytest.mark.parametrize("architecture", ["auto", "shallow", "deep"])
@pytest.mark.parametrize("sides", [(7, 7), (7, 30), (30, 7), (1, 1)])
def test_small_images_are_refused_with_the_way_out(architecture, sides):
    with pytest.raises(ValueError, match=r'at least 8\. Use architecture="mlp"') as e:
        make_autoencoder(architecture, (1, *sides), 4)
    assert f"{sides[0]}x{sides[1]} pixels" in str(e.value)
    assert_fits(make_autoencoder("mlp", (1, *sides), 4), (1, *sides), 4)


@pytest.mark.parametrize("architecture", ["shallow", "deep"])
def test_convolutions_refuse_flat_rows(architecture):
    with pytest.raises(ValueError, match=r"flat with 64 features.*image_shape"):
        make_autoencoder(architecture, (64,), 4)


def test_a_users_module_is_copied():
    own = Affine((1, 4, 4), 3)
    made = make_autoencoder(own, (1, 4, 4), 3)
    assert made is not own
    assert_fits(made, (1, 4, 4), 3)
    with torch.no_grad():
        made.down.weight.zero_()
    assert own.down.weight.any()


@pytest.mark.parametrize("make", [Affine, lambda shape, dim: Affine(shape, dim)])
def test_a_users_class_or_callable_gets_the_shapes(make):
    assert_fits(make_autoencoder(make, (3, 5, 4), 2), (3, 5, 4), 2)


class NoDecoder(nn.Module):
    def encode(self, x):
        return x


class Decoderless:
    """No module at all."""

    def __init__(self, sample_shape, latent_dim):
        pass

    encode = decode = None


@pytest.mark.parametrize("wrong", [NoDecoder(), nn.Linear(2, 2), Decoderless])
def test_what_is_no_autoencoder_is_refused(wrong):
    with pytest.raises(TypeError, match=r"encode\(x\).*decode\(latent\)"):
        make_autoencoder(wrong, (4,), 2)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (Affine((5,), 2), r"cannot take samples of shape \(4,\)"),
        (Affine((4,), 3), r"encode gave \(2, 3\) .* expected \(2, 2\)"),
        (lambda shape, dim: Affine((2, 2), dim), r"decode gave \(2, 2, 2\)"),
    ],
)
def test_a_users_module_that_does_not_fit_the_data_is_refused(own, message):
    with pytest.raises(ValueError, match=message):
        make_autoencoder(own, (4,), 2)


def test_trying_a_users_module_leaves_no_trace():
    class Normalised(Affine):
        def __init__(self, sample_shape, latent_dim):
            super().__init__(sample_shape, latent_dim)
            self.norm = nn.BatchNorm1d(latent_dim)

        def encode(self, x):
            return self.norm(super().encode(x))

    made = make_autoencoder(Normalised, (4,), 2)
    assert made.training
    assert made.norm.num_batches_tracked == 0


def test_the_protocol_is_what_the_own_networks_follow():
    assert isinstance(ConvAutoencoder((1, 8, 8), 2, (2,)), Autoencoder)
    assert isinstance(MLPAutoencoder((3,), 2), Autoencoder)


@pytest.mark.parametrize("architecture", ["shallow", "deep", "residual", "mlp"])
def test_pickles(architecture):
    module = make_autoencoder(architecture, (1, 8, 8), 2, NARROW.get(architecture))
    again = pickle.loads(pickle.dumps(module))
    x = torch.randn(4, 1, 8, 8)
    assert torch.equal(module.eval().encode(x), again.eval().encode(x))


@pytest.mark.parametrize("architecture", ["shallow", "deep", "residual", "mlp"])
def test_every_weight_has_a_gradient(architecture):
    module = make_autoencoder(architecture, (2, 9, 11), 3, NARROW.get(architecture))
    x = torch.randn(6, 2, 9, 11)
    module.decode(module.encode(x)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_the_deep_network_begins_as_the_shallow_one_and_goes_on():
    def widths(name):
        network = make_autoencoder(name, (1, 16, 16), 3)
        return [
            m.out_channels for m in network.encoder if isinstance(m, torch.nn.Conv2d)
        ]

    assert widths("shallow") == [32, 64, 128]
    assert widths("deep") == [32, 64, 128, 256, 256]
