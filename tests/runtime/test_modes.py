import pytest
import torch

from deepcluster_sk.runtime.modes import computing, training_modes


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("mode", [computing, training_modes])
def test_mixed_precision_inside_sees_weights_as_they_are(mode, outside):
    layer, x = torch.nn.Linear(2, 1), torch.ones(1, 2)
    found = []
    with torch.autocast("cpu", enabled=outside), mode(torch.device("cpu")):
        for _ in range(2):
            with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16):
                found.append(float(layer(x).detach()))
            with torch.no_grad():
                layer.weight += 1
    assert found[1] == pytest.approx(found[0] + 2, abs=0.05)


def test_modes_outside_come_back():
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        with training_modes(torch.device("cpu")):
            assert torch.is_grad_enabled()
            assert not torch.is_inference_mode_enabled()
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_inference_mode_enabled()
        assert torch.is_autocast_enabled("cpu")
        assert torch.is_autocast_cache_enabled()
