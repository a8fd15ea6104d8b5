from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.methods.triplet.mining import (
    augmentation_radii,
    select_negatives,
    select_negatives_literal,
)
from deepcluster_sk.methods.triplet.objective import (
    ReconstructionPretraining,
    TripletClustering,
    TripletMarginPretraining,
    Triplets,
)
from deepcluster_sk.networks.clustering import ClusteringAutoencoder, Pass, Sphere


def test_triplets_see_two_views_of_the_images_themselves():
    rows = torch.randn(4, 1, 8, 8)
    seen = []

    def augmentation(x):
        seen.append(x.clone())
        return x + len(seen)

    objective = TripletMarginPretraining(augmentation, torch.Generator(), margin=1.0)
    inputs = objective.inputs(None, rows)
    assert len(seen) == 2
    assert all(torch.equal(x, rows) for x in seen)  # not a view of a view
    assert torch.equal(inputs["x"], torch.cat([rows + 1, rows + 2]))
    assert inputs["n_reconstructed"] == 0


def test_hardest_negative_is_the_nearest_outside_the_ball():
    # The view of the first lies at .6: the second is inside its ball, the third and
    # the fourth are outside.
    anchors = torch.tensor([[0.0, 1], [0.3, 1], [1, 1], [1, 0]])
    anchors = torch.nn.functional.normalize(anchors, dim=1)
    views = torch.nn.functional.normalize(torch.tensor([[0.6, 1.0]]), dim=1)
    views = torch.cat([views, anchors[1:]])
    triplets = Triplets(lambda x: x, torch.Generator(), "batch", 1, 0, hardest=True)

    loss = triplets.loss(torch.cat([anchors, views]), Sphere(None), 4, margin=0.5)
    squared = torch.cdist(anchors, anchors).square()
    expected = [
        torch.relu((anchors[0] - views[0]).square().sum() - squared[0, 2] + 0.5),
        torch.relu(0.5 - squared[1, 0]),
        torch.relu(0.5 - squared[2, 1]),
        torch.relu(0.5 - squared[3, 2]),
    ]
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_a_ball_reaches_to_the_farthest_of_all_views():
    anchors = torch.tensor([[0.0], [1.0], [3.0]])
    near, far = anchors + 0.1, anchors + 2.0
    triplets = Triplets(lambda x: x, torch.Generator(), "batch", 2, 0, hardest=True)
    loss = triplets.loss(torch.cat([anchors, near, far]), Sphere(None), 3, margin=9.0)
    # Outside balls of radius 2: the third for the first, which has the second within;
    # nothing for the second, for which the farthest stands in; the first for the third.
    gaps = torch.tensor([9.0, 4.0, 9.0])
    expected = [torch.relu(d**2 - gaps + 9).mean() for d in (0.1, 2.0)]
    torch.testing.assert_close(loss, sum(expected) / 2)
    assert int(triplets.n_fallbacks) == 1


@pytest.mark.parametrize(("n_fallbacks", "warned"), [(5, False), (6, True)])
def test_a_ball_that_holds_most_others_is_warned_of(n_fallbacks, warned, recwarn):
    triplets = Triplets(lambda x: x, torch.Generator(), "batch", 1, 0)
    triplets.n_fallbacks, triplets.n_selected = torch.tensor(n_fallbacks), 10
    objective = ReconstructionPretraining(triplets, 0.1, 0.24)
    objective.end(None, None)
    told = [w for w in recwarn if "60% of the negatives" in str(w.message)]
    assert bool(told) == bool(len(recwarn)) == warned


@pytest.mark.parametrize("mode", ["dataset", "literal"])
def test_chosen_negatives_are_the_block_behind_the_views(mode):
    blocks = torch.randn(4, 5, 3)
    anchor, first, second, negative = blocks
    triplets = Triplets(lambda x: x, torch.Generator(), mode, 2, 1)
    loss = triplets.loss(blocks.flatten(0, 1), Sphere(None), 5, margin=9.0)
    far = (anchor - negative).square().sum(1)
    near = torch.stack([(anchor - view).square().sum(1) for view in (first, second)])
    torch.testing.assert_close(loss, torch.relu(near - far + 9).mean())


@pytest.mark.parametrize(
    ("mode", "selector"),
    [("dataset", select_negatives), ("literal", select_negatives_literal)],
)
def test_negatives_of_the_data_set_lie_outside_the_balls(mode, selector):
    dataset = RowDataset(np.random.default_rng(0).normal(size=(20, 5)))
    layout = RowLayout("vector", (5,))
    scaler = PixelScaler.standardize(dataset.rows, layout)
    module = ClusteringAutoencoder("mlp", (5,), 3, 4, 3.0).eval()
    net = SimpleNamespace(
        module_=module,
        torch_device=torch.device("cpu"),
        precision="float32",
        reader=SampleReader(layout, scaler),
    )
    triplets = Triplets(lambda x: x + 0.1, torch.Generator().manual_seed(0), mode, 1, 1)
    triplets.select(net, dataset)
    with torch.no_grad():
        rows = net.reader.read(dataset.slice(0, 20), net.torch_device)
        anchors, view = (
            module.sphere.unit(module.encode(x)) for x in (rows, rows + 0.1)
        )
    expected = selector(
        anchors,
        augmentation_radii(anchors, view[None]),
        torch.Generator().manual_seed(0),
    )
    assert torch.equal(triplets.negatives, expected.indices)
    assert triplets.n_selected == 20


@pytest.mark.parametrize(("on_views", "n_pulled"), [(False, 4), (True, 12)])
def test_assignments_of_views_are_pulled_where_it_is_said(on_views, n_pulled):
    triplets = Triplets(lambda x: x, torch.Generator(), "batch", 2, 0)
    weights = {"reconstruction": 0.0, "clustering": 1.0, "balance": 0.0}
    objective = TripletClustering(
        triplets, {**weights, "separation": 0.0}, 1.0, on_views, tol=0.1
    )
    target = torch.rand(4, 3).softmax(1)
    objective.targets = lambda indices: target[indices]
    log_assignment = torch.randn(12, 3).log_softmax(1).requires_grad_()
    outputs = Pass(torch.empty(12, 2), log_assignment, *torch.empty(2, 0, 1, 8, 8))
    _, total = objective({}, outputs, torch.arange(4))
    total.backward()
    assert log_assignment.grad[:n_pulled].all(1).all()
    assert not log_assignment.grad[n_pulled:].any()


@pytest.mark.parametrize("from_views", [False, True])
def test_what_is_rebuilt_from_views_knows_no_light(from_views):
    module = ClusteringAutoencoder("shallow", (1, 8, 8), 3, 2, 3.0, contrast="image")
    triplets = Triplets(lambda x: x + 0.1, torch.Generator(), "batch", 1, 0)
    objective = ReconstructionPretraining(triplets, 0.0, 1.0, from_views)
    rows = torch.randn(4, 1, 8, 8)
    losses = []
    for light in (0.0, 3.0):
        inputs = objective.inputs(module.eval(), rows + light)
        outputs = module(**inputs)
        _, loss = objective(inputs, outputs, torch.arange(4))
        wanted = module.contrast(rows) if from_views else rows + light
        expected = (outputs.reconstruction - wanted).square().mean()
        torch.testing.assert_close(loss, expected, rtol=1e-3, atol=1e-4)
        losses.append(loss)
    assert torch.isclose(*losses, rtol=1e-2) == from_views
