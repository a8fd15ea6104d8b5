"""The whole state of a running phase: what it takes to go on from an epoch's end."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.training.good_epochs import weights_of

State = dict[str, Any]


def epochs_of(history: Iterable[Mapping[str, Any]], phase: str) -> int:
    """Count the epochs of a phase, which the rows of a history are of."""
    return sum(row["phase"] == phase for row in history)


def state_of(net: Any, streams: Streams) -> State:
    """Take the state of a net after an epoch.

    Callbacks are asked for theirs (``state_dict``) where they can tell.
    """
    return {
        "phase": net.criterion_.name,
        "weights": weights_of(net.module_),
        "optimizer": net.optimizer_.state_dict(),
        "callbacks": {
            name: callback.state_dict() for name, callback in _that_tell(net)
        },
        "objective": _changing(net.criterion_),
        "history": net.history.to_list(),
        "streams": streams.state(),
    }


def restore(net: Any, streams: Streams, state: State) -> None:
    """Bring a net that has begun the same phase to a state."""
    net.module_.load_state_dict(state["weights"])
    net.optimizer_.load_state_dict(state["optimizer"])
    for parameter, held in net.optimizer_.state.items():
        for name, value in held.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                # Fused steps walk through memory: all are to lie in one order.
                held[name] = torch.empty_like(parameter.detach()).copy_(value)
    for name, callback in _that_tell(net):
        if name in state["callbacks"]:
            callback.load_state_dict(state["callbacks"][name])
    _change(net.criterion_, state["objective"], net.torch_device)
    net.history[:] = state["history"]
    streams.restore(state["streams"])


def _that_tell(net: Any) -> Iterator[tuple[str, Any]]:
    for name, callback in net.callbacks_:
        if hasattr(callback, "state_dict") and hasattr(callback, "load_state_dict"):
            yield name, callback


def _changing(thing: Any) -> State:
    """Take what may have changed of an objective, and of its parts."""
    state = {}
    for name, value in vars(thing).items():
        if _is_plain(value):
            state[name] = value
        elif _is_part(value):
            state[name] = {"part": _changing(value)}
    return state


def _change(thing: Any, state: State, device: torch.device) -> None:
    for name, value in state.items():
        before = getattr(thing, name, None)
        if isinstance(value, dict) and "part" in value:
            _change(before, value["part"], device)
        elif isinstance(value, torch.Tensor):
            home = before.device if isinstance(before, torch.Tensor) else device
            setattr(thing, name, value.to(home))
        else:
            setattr(thing, name, value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    kinds = (int, float, str, np.generic, np.ndarray, torch.Tensor, type(None))
    return isinstance(value, kinds)


def _is_part(value: Any) -> bool:
    """Whether a value may change: functions and modules do not, nor do settings."""
    if not hasattr(value, "__dict__") or callable(value):
        return False
    is_frozen = getattr(getattr(value, "__dataclass_params__", None), "frozen", False)
    return not is_frozen and not isinstance(value, BaseEstimator)
