"""Images rebuilt from their views, and the recipe that does so."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from deepcluster_sk import (
    DatasetNegatives,
    DeepTripletClusterer,
    Reconstruction,
    SelfTraining,
)
from deepcluster_sk.augmentation.presets import PRESETS, make_augmentation
from deepcluster_sk.methods.triplet.objective import (
    ReconstructionPretraining,
    TripletClustering,
    Triplets,
)
from deepcluster_sk.networks.clustering import ClusteringAutoencoder
from tests.made import make_images, make_vectors

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def brighter(x):
    return x + 5


@pytest.mark.parametrize("from_views", [False, True])
def test_the_clean_image_is_rebuilt_from_one_or_the_other(from_views):
    generator = torch.Generator().manual_seed(0)
    triplets = Triplets(brighter, generator, "batch", 2, 0)
    objective = ReconstructionPretraining(triplets, 0.0, 0.24, from_views)
    network = ClusteringAutoencoder("mlp", (1, 4, 4), 3, 2, 3.0).eval()
    objective.sphere = network.sphere
    rows = torch.rand(6, 1, 4, 4, generator=generator)
    inputs = objective.inputs(network, rows)
    with torch.no_grad():
        outputs = network(**inputs)
        terms, _ = objective(inputs, outputs, torch.arange(6))
        seen = brighter(rows) if from_views else rows
        rebuilt = network.decode(network.encode(seen))
    expected = (rebuilt - rows).square().mean()
    torch.testing.assert_close(terms["reconstruction"], expected)


def test_without_views_images_are_rebuilt_from_themselves():
    triplets = Triplets(brighter, torch.Generator(), "batch", 0, 0)
    objective = ReconstructionPretraining(triplets, 0.0, 0.24, True)
    assert objective.inputs(None, torch.rand(4, 1, 4, 4))["first"] == 0


def test_joint_training_rebuilds_as_pretraining_did():
    X = make_images()[0]

    def fit(from_views):
        return DeepTripletClusterer(
            3,
            latent_dim=4,
            init="kmeans",
            module__channels=(4, 8),
            pretraining=Reconstruction(0, from_views=from_views),
            max_epochs=1,
            random_state=0,
        ).fit(X)

    first, second = (fit(from_views).history_ for from_views in (False, True))
    assert first[0]["reconstruction"] != second[0]["reconstruction"]


@pytest.mark.parametrize(
    ("n_channels", "name"), [(1, "distorted"), (3, "distorted natural")]
)
def test_distortions_by_the_kind_of_images(n_channels, name):
    kind = "grey" if n_channels == 1 else "color"
    found = make_augmentation("distorted", kind)
    assert repr(found) == repr(make_augmentation(dict(PRESETS[name]), kind))
    assert repr(make_augmentation("distorted", "vector")) == repr(
        make_augmentation("vector", "vector")
    )


def test_the_recipe_is_the_papers():
    model = DeepTripletClusterer.from_paper(10)
    weights = (model.alpha, model.beta, model.gamma, model.omega, model.margin)
    assert weights == (1.0, 0.8, 0.01, 0.1, 0.24)
    assert isinstance(model.targets, SelfTraining)
    assert model.init == "mixture"
    literal = DeepTripletClusterer.from_paper(10, literal=True)
    assert literal.init == "kmeans"
    assert literal.get_params()["module__radius"] is None
    assert literal.get_params()["negatives__literal"] is True


@pytest.mark.parametrize("literal", [False, True])
def test_the_deep_network_has_weights_of_its_own(literal):
    model = DeepTripletClusterer.from_paper(10, literal=literal, architecture="deep")
    weights = (model.alpha, model.beta, model.gamma, model.omega, model.margin)
    assert weights == (1.0, 0.7, 0.01, 0.3, 0.3)
    assert model.architecture == "deep"
    other = DeepTripletClusterer.from_paper(10, architecture="deep", beta=2.0)
    assert (other.beta, other.omega) == (2.0, 0.3)


def test_recipes_share_no_object():
    first, second = (DeepTripletClusterer.from_paper(10) for _ in range(2))
    first.pretraining.epochs = 1
    assert second.pretraining.epochs == "auto"


@pytest.mark.parametrize("data", ["grey", "color", "vector"])
def test_the_recipe_takes_any_data_and_makes_no_graph(data, monkeypatch):
    monkeypatch.setattr("deepcluster_sk.base.clusterer.find_start", None)
    channels = {"grey": None, "color": 3}
    X = (
        make_vectors()[0]
        if data == "vector"
        else make_images(n_channels=channels[data])[0]
    )
    model = DeepTripletClusterer.from_paper(
        3,
        pretraining=Reconstruction(1, omega=0.3, from_views=True),
        negatives=DatasetNegatives(n_augmentations=2),
        max_epochs=1,
        random_state=0,
    ).fit(X)
    assert model.hubness_ is None
    assert_array_equal(model.predict(X), model.labels_)
    assert len(np.unique(model.initial_labels_)) == 3


def test_objectives_rebuild_from_the_images_unless_told_otherwise():
    triplets = Triplets(brighter, torch.Generator(), "batch", 2, 0)
    weights = dict.fromkeys(("reconstruction", "clustering"), 1.0)
    for objective in (
        ReconstructionPretraining(triplets, 0.0, 0.24),
        TripletClustering(triplets, weights, 0.24, True, tol=0.1),
    ):
        assert objective.inputs(None, torch.rand(4, 1, 4, 4))["first"] == 0
