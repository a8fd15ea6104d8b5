"""Malformed calls: does each one work, or end in a clear error and change nothing?

    python -m benchmarks.robustness.calls --calls 7000 --seed 0

Draws an estimator, a method, data and parameters, most of them wrong in one of many
ways. What may happen is a result, or a ValueError or TypeError with a message, before
any training. Anything else is a fault: another kind of error, a changed estimator, a
warning of NumPy's, results that are not finite. Rows go to
``results/robustness_calls.csv``.
"""

import argparse
import pickle
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import scipy.sparse
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from benchmarks.provenance import provenance
from benchmarks.runner import RESULTS, write
from deepcluster_sk import (
    DECClusterer,
    DeepTripletClusterer,
    DepictClusterer,
    NeighborGraphClusterer,
    PseudoLabels,
    Reconstruction,
    SelfTraining,
    VariationalClusterer,
)

DEEP = (DeepTripletClusterer, DECClusterer, DepictClusterer, VariationalClusterer)
QUICK = {
    "module__channels": (4,),
    "latent_dim": 3,
    "init": "kmeans",
    "pretraining": Reconstruction(1),
    "max_epochs": 1,
    "random_state": 0,
}
#: What a parameter may be given, right or wrong.
VALUES = (
    *(None, True, False, "", "auto", "nonsense", "mlp", "kmeans", "graph", "cpu"),
    *(0, 1, 2, 3, -1, 10**6, 10**400, 0.5, -0.5, 1e-300, 1e300),
    *(float("nan"), float("inf"), np.uint8(3), np.float16(0.5), 1j, b"x"),
    *((), (4,), (4, 8), ("a",), [], {}, {"rotation": 5.0}, {"unknown": 1}, object()),
    *(np.zeros(3), np.zeros((3, 3)), np.arange(24) % 3, np.full((3, 3), np.nan)),
    *(PseudoLabels(0.5), PseudoLabels(7), SelfTraining(), SelfTraining(-1)),
    *(Reconstruction(1), Reconstruction(-1), PseudoLabels, len, print),
    *(torch.zeros(2), np.random.RandomState(0), np.random.default_rng(0)),
)
OUTCOMES = ("result", "error", "fault")


def sound(random):
    return random.random((24, 8, 8))


def data(random):
    """Data, most of them odd in one way."""
    X = sound(random)
    flat = X.reshape(24, -1)
    tainted = X.copy()
    tainted[random.integers(24), 0, 0] = random.choice([np.nan, np.inf, -np.inf])
    kinds = (
        lambda: X,
        lambda: flat,
        lambda: tainted,
        lambda: X.astype(
            random.choice(["uint8", "int16", "float16", "bool", "complex"])
        ),
        lambda: X * random.choice([0.0, 1e-310, 1e25, 1e160, 1e308]),
        lambda: X[: random.integers(0, 4)],
        lambda: X[:, : random.integers(0, 8)],
        lambda: np.empty((0, 0)),
        lambda: np.zeros((24, 2, 2, 2, 2)),
        lambda: X[..., None].repeat(random.integers(0, 5), axis=3),
        lambda: flat.tolist(),
        lambda: [[1, 2], [3]],
        lambda: flat.astype(object),
        lambda: np.array([["a"] * 4] * 24),
        lambda: pd.DataFrame(flat),
        lambda: pd.DataFrame(flat, columns=["a"] * 64),
        lambda: scipy.sparse.csr_matrix(flat),
        lambda: np.ma.masked_array(X, mask=X > 0.9),
        lambda: torch.tensor(flat, requires_grad=True),
        lambda: X[::-1, ::-1],
        lambda: None,
        lambda: "pictures",
        lambda: 5,
        lambda: {"a": 1},
        lambda: [[10**400] * 4] * 24,
    )
    return kinds[random.integers(len(kinds))]()


def parameters(cls, random):
    """Parameters of a quick fit, one or two of which may be anything."""
    names = list(cls().get_params(deep=False))
    names += ["module__radius", "module__contrast", "optimizer__lr", "nonsense"]
    params = {} if cls is NeighborGraphClusterer else dict(QUICK)
    for _ in range(random.integers(0, 3)):
        name = names[random.integers(len(names))]
        value = VALUES[random.integers(len(VALUES))]
        # A million epochs are what was asked for, and not to be waited for.
        endless = name in ("max_epochs", "n_views") and type(value) is int and value > 9
        if name not in ("device", "memory", "verbose", "callbacks") and not endless:
            params[name] = value
    return params


def outcome(call, estimator):
    """What a call comes to, and what was wrong with that."""
    before = pickle.dumps(estimator) if hasattr(estimator, "labels_") else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = call()
        except (ValueError, TypeError) as error:
            if not str(error):
                return "fault", "an error without a message"
            if before is not None and pickle.dumps(estimator) != before:
                return "fault", f"changed by a failed call: {error}"
            return "error", ""
        # What a caller sees, whatever it is, is what is looked for.
        except Exception as error:
            return "fault", f"{type(error).__name__}: {error}"
    odd = [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]
    if odd:
        return "fault", f"warning: {odd[0]}"
    numbers = isinstance(found, np.ndarray) and found.dtype.kind == "f"
    if numbers and not np.isfinite(found).all():
        return "fault", "a result that is not finite"
    return "result", ""


def campaign(n_calls, seed):
    """Make so many calls; count outcomes by estimator and method, and list faults."""
    random = np.random.default_rng(seed)
    fitted = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for cls in (*DEEP, NeighborGraphClusterer):
            params = {} if cls is NeighborGraphClusterer else QUICK
            fitted[cls] = cls(3, **params).fit(sound(random))
    counts, faults = Counter(), []
    number = -1
    while counts.total() < n_calls:
        number += 1
        cls = (*DEEP, NeighborGraphClusterer)[random.integers(5)]
        methods = ["fit", "predict", "transform", "predict_proba", "score"]
        methods += ["inverse_transform", "score_samples", "sample"]
        method = methods[random.integers(len(methods))] if number % 3 else "fit"
        if not hasattr(fitted[cls], method):
            continue
        X = data(random)
        estimator = fitted[cls]
        if method == "fit":
            params = parameters(cls, random)

            def call(cls=cls, params=params, X=X):
                estimator = clone(cls(**{"n_clusters": 3, **params}), safe=False)
                return estimator.fit(X).labels_

        elif method == "sample":
            value = VALUES[random.integers(len(VALUES))]

            def call(estimator=estimator, value=value):
                return estimator.sample(value)[0]

        else:

            def call(estimator=estimator, method=method, X=X):
                return getattr(estimator, method)(X)

        found, wrong = outcome(call, estimator)
        counts[cls.__name__, method, found] += 1
        if wrong:
            said = params if method == "fit" else ""
            faults.append(f"{number} {cls.__name__}.{method} {said} {wrong}"[:300])
    return counts, faults


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--calls", type=int, default=7000)
    options.add_argument("--seed", type=int, default=0)
    options = options.parse_args()
    torch.set_num_threads(1)
    counts, faults = campaign(options.calls, options.seed)
    for fault in faults:
        print(fault)
    about = {"seed": options.seed, "commit": provenance()["commit"]}
    rows = [
        {
            "estimator": name,
            "method": method,
            **{kind: counts[name, method, kind] for kind in OUTCOMES},
            **about,
        }
        for name, method in sorted({key[:2] for key in counts})
    ]
    columns = ("estimator", "method", *OUTCOMES, "seed", "commit")
    write(RESULTS / "robustness_calls.csv", rows, columns)
    print({kind: sum(row[kind] for row in rows) for kind in OUTCOMES})
    return bool(faults)


if __name__ == "__main__":
    raise SystemExit(main())
