import torch

from deepcluster_sk.methods.triplet.objective import TripletMarginPretraining, Triplets


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

    class Sphere:
        unit = staticmethod(lambda x: x)

    loss = triplets.loss(torch.cat([anchors, views]), Sphere(), 4, margin=0.5)
    squared = torch.cdist(anchors, anchors).square()
    expected = [
        torch.relu((anchors[0] - views[0]).square().sum() - squared[0, 2] + 0.5),
        torch.relu(0.5 - squared[1, 0]),
        torch.relu(0.5 - squared[2, 1]),
        torch.relu(0.5 - squared[3, 2]),
    ]
    torch.testing.assert_close(loss, torch.stack(expected).mean())
