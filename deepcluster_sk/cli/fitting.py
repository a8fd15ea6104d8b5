"""The model that commands fit."""

import argparse
import sys
from typing import Any, Literal

from deepcluster_sk.cli.telling import telling

#: Class of each method, by the name it has on the command line.
METHODS = {
    "triplet": "DeepTripletClusterer",
    "dec": "DECClusterer",
    "depict": "DepictClusterer",
    "temi": "TEMIClusterer",
    "variational": "VariationalClusterer",
}


def check_device(device: str, *, quiet: bool) -> None:
    """Refuse a device that this machine lacks, before anything is read.

    Raises
    ------
    ValueError
    """
    with telling("loading", quiet=quiet):  # torch takes its time
        from deepcluster_sk.runtime.device import resolve_device

    resolve_device(device)


def check_kind(kind: str, method: str) -> None:
    """Refuse a kind of picture that the method does not ask for.

    Raises
    ------
    ValueError
    """
    if kind != "auto" and method != "triplet":
        raise ValueError(
            f"--kind {kind} goes with --method triplet, not with {method}, which finds "
            "out by itself."
        )


def make_clusterer(
    n_clusters: int | Literal["auto"],
    arguments: argparse.Namespace,
    method: str = "triplet",
    kind: str = "auto",
    cache: str | None = None,
) -> Any:
    """Make the clusterer that the arguments describe."""
    import deepcluster_sk

    with telling("loading", quiet=arguments.quiet):
        make = getattr(deepcluster_sk, METHODS[method])
    settings: dict[str, Any] = {} if kind == "auto" else {"image_kind": kind}
    if cache is not None:
        settings["memory"] = cache
    return make(
        n_clusters,
        max_pixels=None,  # they have the size that was asked for
        device=arguments.device,
        random_state=arguments.seed,
        verbose=int(not arguments.quiet),
        **settings,
    )


def end_if_interrupted(model: Any) -> None:
    """End a command whose fit was cut short, once all it had to say is written.

    Raises
    ------
    KeyboardInterrupt
        As Ctrl-C would have at once, had there been nothing to write.
    """
    if model.interrupted_ is not None:
        print(
            f"Ctrl-C ended {model.interrupted_}: what is written is what training had "
            "come to.",
            file=sys.stderr,
        )
        raise KeyboardInterrupt
