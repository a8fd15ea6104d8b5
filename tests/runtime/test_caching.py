import pickle
import threading

import joblib
import numpy as np
import pytest
from sklearn.utils import Bunch

from deepcluster_sk.runtime import caching
from deepcluster_sk.runtime.caching import cached, data_key


def counted(result=None):
    """What gives a result, and how often it was asked."""
    calls = []

    def compute():
        calls.append(1)
        return result

    return compute, calls


def test_a_stage_is_computed_at_most_once_for_a_key(tmp_path):
    result = {"labels": np.arange(3), "figure": 0.5}
    compute, calls = counted(result)
    for memory in (None, str(tmp_path), str(tmp_path)):
        found = cached(memory, "stage", {"a": 1}, compute)
        np.testing.assert_array_equal(found["labels"], result["labels"])
        assert found["figure"] == 0.5
    assert len(calls) == 2


def test_what_was_found_is_a_value_of_its_own(tmp_path):
    compute, _ = counted([1, 2])
    cached(str(tmp_path), "stage", {}, compute)
    cached(str(tmp_path), "stage", {}, compute).append(3)
    assert cached(str(tmp_path), "stage", {}, compute) == [1, 2]


def test_name_and_key_decide(tmp_path):
    compute, calls = counted()

    def ask(stage="stage", **key):
        cached(str(tmp_path), stage, key, compute)
        return len(calls)

    assert ask(a=1) == ask(a=1) == 1
    assert ask(stage="other", a=1) == 2
    assert ask(a=np.ones(3)) == ask(a=np.ones(3)) == 3
    assert ask(a=np.ones(3), seed=1) == 4
    assert ask(b=np.ones(3)) == 5


def test_without_a_memory_nothing_is_hashed():
    assert cached(None, "stage", {"a": lambda: None}, lambda: 3) == 3


def test_what_has_no_hash_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match="With memory set, parameters must be such"):
        cached(str(tmp_path), "stage", {"a": lambda: None}, lambda: 3)


class Locked:
    """What pickle cannot store, as joblib finds out when it has begun to."""

    def __init__(self, weight):
        self.lock = threading.Lock()
        self.weight = weight


@pytest.mark.parametrize("wrap", [dict, Bunch], ids=["dict", "nested"])
def test_what_has_half_a_hash_is_refused(tmp_path, wrap):
    for weight in (1, 2):  # or the second is taken for the first
        with pytest.raises(ValueError, match="cannot pickle"):
            cached(str(tmp_path), "stage", {"a": wrap(b=Locked(weight))}, lambda: 3)


@pytest.mark.parametrize("name", ["STAGES_VERSION", "torch"])
def test_another_version_of_the_stages_believes_nothing(tmp_path, monkeypatch, name):
    compute, calls = counted()
    for version in (1, 1, 2):
        if name == "torch":
            monkeypatch.setattr(caching.torch, "__version__", str(version))
        else:
            monkeypatch.setattr(caching, name, version)
        cached(str(tmp_path), "stage", {}, compute)
    assert len(calls) == 2


def test_what_was_damaged_on_disk_is_computed_again(tmp_path, monkeypatch):
    compute, calls = counted([1, 2])
    cached(str(tmp_path), "stage", {}, compute)
    (stored,) = tmp_path.rglob("output.pkl")
    content, checksum = joblib.load(stored)
    joblib.dump((pickle.dumps([6, 6]), checksum), stored)
    assert cached(str(tmp_path), "stage", {}, compute) == [1, 2]
    assert len(calls) == 2
    joblib.dump((content, checksum), stored)
    assert cached(str(tmp_path), "stage", {}, compute) == [1, 2]
    assert len(calls) == 2


def test_an_object_with_cache_will_do():
    class Asked(joblib.Memory):
        n = 0

        def cache(self, *args, **kwargs):
            Asked.n += 1
            return super().cache(*args, **kwargs)

    assert cached(Asked(None, verbose=0), "stage", {}, lambda: 3) == 3
    assert Asked.n == 1


def test_data_are_known_by_value_and_type_wherever_they_lie(tmp_path):
    X = np.arange(12.0).reshape(3, 4)
    np.save(tmp_path / "X.npy", X)
    same = [X.copy(), np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]]
    same.append(np.load(tmp_path / "X.npy", mmap_mode="r"))
    assert {data_key(x) for x in same} == {data_key(X)}
    assert data_key(X.astype(np.float32)) != data_key(X)
    assert data_key(X + 1) != data_key(X)
