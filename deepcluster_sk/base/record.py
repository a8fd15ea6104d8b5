"""Which fit a checkpoint is of: its data, parameters, seed and machine."""

import json
import pickle
from typing import Any

import joblib
import torch
from numpy.typing import NDArray

from deepcluster_sk.data.batches import SampleReader
from deepcluster_sk.persistence.checkpoint import FitCheckpoint, FitRecord
from deepcluster_sk.persistence.files import encode, left_out
from deepcluster_sk.runtime.caching import STAGES_VERSION, data_key

#: Parameters that do not change the result of a fit, or are told in other words.
_UNTOLD = frozenset({"callbacks", "memory", "verbose", "device", "precision"})


def open_record(
    clusterer: Any,
    rows: NDArray[Any],
    reader: SampleReader,
    seed: int,
    device: torch.device,
    precision: torch.dtype,
    task: Any,
) -> FitRecord:
    """Open the record of a fit, where its callbacks ask for one.

    `task` is what else tells this fit from others, such as a correction: anything that
    joblib hashes, or None.

    Raises
    ------
    ValueError, TypeError, OSError
        If it is that of another fit, or no file can be there.
    """
    given = [c[1] if isinstance(c, tuple) else c for c in clusterer.callbacks or ()]
    # skorch takes classes too, and makes one of each.
    given = [
        c() if isinstance(c, type) and issubclass(c, FitCheckpoint) else c
        for c in given
    ]
    checkpoints = [c for c in given if isinstance(c, FitCheckpoint)]
    if not checkpoints:
        return FitRecord()
    if len(checkpoints) > 1:
        raise ValueError("callbacks hold more than one FitCheckpoint.")
    about = {
        "class": type(clusterer).__name__,
        "release": f"{STAGES_VERSION}, torch {torch.__version__}",
        "X": joblib.hash([data_key(rows), reader]),
        "device": str(device),
        "precision": str(precision),
    }
    if task is not None:
        about["task"] = joblib.hash(task)
    for name, value in clusterer.get_params(deep=False).items():
        if name not in _UNTOLD:
            about[name] = _told(value)
    # Without one, the fit that is gone on with had a seed all the same.
    about["random_state"] = "" if clusterer.random_state is None else str(seed)
    return FitRecord(checkpoints[0], about)


def _told(value: Any) -> str:
    """Tell a parameter from others by a short string."""
    encoded = encode(value)
    what = left_out(encoded)
    if what is None:
        return joblib.hash(json.dumps(encoded, sort_keys=True))
    try:
        return joblib.hash(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return what  # a lambda has no name of its own
