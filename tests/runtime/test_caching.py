import joblib
import numpy as np
import pytest
import torch

from deepcluster_sk.runtime import caching
from deepcluster_sk.runtime.caching import Streams, data_key, reused
from deepcluster_sk.runtime.seeding import generator, seeded


@pytest.fixture
def streams():
    return Streams(np.random.RandomState(0), generator(0, torch.device("cpu")))


def draw(streams):
    """One number of every stream."""
    return (
        streams.random_state.normal(),
        float(torch.rand(1, generator=streams.generator)),
        float(torch.rand(1)),
    )


def test_streams_go_on_after_a_stage_as_if_it_had_been_computed(streams, tmp_path):
    calls = []

    def stage():
        calls.append(draw(streams))
        return calls[-1]

    results = []
    with seeded(0, torch.device("cpu")):
        start = streams.state()
        for memory in (None, str(tmp_path), str(tmp_path)):
            streams.restore(start)
            result = reused(memory, "stage", {"a": 1}, streams, stage)
            results.append((result, draw(streams)))
    assert results[0] == results[1] == results[2]
    assert len(calls) == 2


def test_name_key_and_streams_decide(streams, tmp_path):
    calls = []

    def ask(stage="stage", key=1, skip=0):
        streams.random_state.seed(0)
        streams.generator.manual_seed(skip)
        torch.manual_seed(0)
        reused(str(tmp_path), stage, {"key": key}, streams, lambda: calls.append(1))
        return len(calls)

    assert ask() == ask() == 1
    assert ask(stage="other") == 2
    assert ask(key=np.ones(3)) == 3
    assert ask(key=np.ones(3)) == 3
    assert ask(skip=1) == 4


def test_another_version_of_the_stages_believes_nothing(streams, tmp_path, monkeypatch):
    calls = []
    start = streams.state()
    for version in (1, 1, 2):
        monkeypatch.setattr(caching, "STAGES", version)
        streams.restore(start)
        reused(str(tmp_path), "stage", {}, streams, lambda: calls.append(1))
    assert len(calls) == 2


def test_an_object_with_cache_will_do(streams):
    class Asked(joblib.Memory):
        n = 0

        def cache(self, *args, **kwargs):
            Asked.n += 1
            return super().cache(*args, **kwargs)

    assert reused(Asked(None, verbose=0), "stage", {}, streams, lambda: 3) == 3
    assert Asked.n == 1


def test_data_are_known_by_value_and_type_wherever_they_lie(tmp_path):
    X = np.arange(12.0).reshape(3, 4)
    np.save(tmp_path / "X.npy", X)
    same = [X.copy(), np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]]
    same.append(np.load(tmp_path / "X.npy", mmap_mode="r"))
    assert {data_key(x) for x in same} == {data_key(X)}
    assert data_key(X.astype(np.float32)) != data_key(X)
    assert data_key(X + 1) != data_key(X)
