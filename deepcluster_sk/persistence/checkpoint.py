"""Checkpoints: the state of a running fit on disk, to go on from after a kill."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from skorch.callbacks import Callback

from deepcluster_sk.persistence.files import (
    ModelFileError,
    read,
    remove_cut_short,
    write,
)
from deepcluster_sk.persistence.trees import pack, unpack
from deepcluster_sk.runtime.seeding import Streams
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.training.state import epochs_of, restore, state_of

T = TypeVar("T")
#: What a description says that it is of.
KIND = "checkpoint"


class FitCheckpoint(Callback):
    """Keep the state of a fit in a file, so that a killed one goes on where it was.

    Give it among the `callbacks` of a clusterer. ``fit`` with the same data, parameters
    and path then goes on from the last epoch in the file, in another process as well;
    on a CPU with one thread it comes to the same result, bit for bit, as if it had
    never been killed. The file is written after the start, after pretraining, and after
    epochs; once the fit is complete it stays, and the same fit is done in a moment.

    Parameters
    ----------
    path : path-like
        Such as ``"fit.checkpoint"``. It is replaced whole, never written over; nothing
        in it is run when it is read. Fits that differ need one each.
    minutes : float, default=0.0
        That pass between two epochs that are written, at least; 0 writes every epoch.

    See Also
    --------
    deepcluster_sk.load : Saved models, which are fitted ones.

    Notes
    -----
    Of other callbacks, the state of those is kept that have ``state_dict`` and
    ``load_state_dict``. The file is ignored by ``predict``, and by anything but a fit.

    Examples
    --------
    >>> from deepcluster_sk import DeepTripletClusterer, FitCheckpoint
    >>> checkpoint = FitCheckpoint("fit.checkpoint", minutes=5)
    >>> model = DeepTripletClusterer(10, callbacks=[checkpoint], random_state=0)
    """

    def __init__(
        self, path: str | os.PathLike[str] = "fit.checkpoint", minutes: float = 0.0
    ) -> None:
        self.path = path
        self.minutes = minutes


class FitRecord:
    """What a running fit has come to: its stages so far, and the phase that runs.

    Parameters
    ----------
    checkpoint : FitCheckpoint, default=None
        Where it is kept; of None nothing is.
    about : mapping of str to str, default={}
        What tells the fit from others, a short string each.

    Attributes
    ----------
    seed : int or None
        Of the fit in the file.

    Raises
    ------
    ModelFileError
        If the file is none, or is damaged.
    ValueError
        If it is of another fit; the message says in what.
    OSError
        If it could not be written, or is a folder.
    """

    def __init__(
        self,
        checkpoint: FitCheckpoint | None = None,
        about: Mapping[str, str] | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._about = dict(about or {})
        self._stages: dict[str, Any] = {}
        self._phase: dict[str, Any] | None = None
        self._written = -float("inf")
        self.seed: int | None = None
        if checkpoint is not None:
            path = Path(checkpoint.path)
            if path.exists():
                self._read(path)
            elif not os.access(path.parent, os.W_OK):
                raise OSError(f"There is no folder {str(path.parent)!r} to write to.")
            remove_cut_short(path)

    def begin(self, seed: int) -> int:
        """Begin the fit with a seed, or with that of the fit that is gone on with."""
        self.seed = seed if self.seed is None else self.seed
        return self.seed

    def stage(self, name: str, compute: Callable[[], T]) -> T:
        """Compute a stage, unless it is on record; it is then."""
        if name in self._stages:
            return self._stages[name]
        self._stages[name] = compute()
        self._phase = None
        self._write()
        return self._stages[name]

    def resume(self, net: Any, streams: Streams) -> int:
        """Bring a phase that has begun to where it was; epochs that are over."""
        if self._phase is None or self._phase["phase"] != net.criterion_.name:
            return 0
        n_before = len(net.history)
        restore(net, streams, self._phase)
        return len(net.history) - n_before

    def epoch_ended(self, net: Any, streams: Streams) -> None:
        """Keep the state of the running phase, if it is time."""
        if self._checkpoint is None:
            return
        # Written at the end of a phase in any case: what follows may take long.
        n_epochs = epochs_of(net.history, net.criterion_.name)
        is_last = net.criterion_.finished or n_epochs == net.phase_epochs_
        since = time.monotonic() - self._written
        if since >= 60 * self._checkpoint.minutes or is_last:
            self._phase = state_of(net, streams)
            self._write()

    def _read(self, path: Path) -> None:
        description, tensors = read(path)
        if description.get("kind") != KIND:
            raise ModelFileError(
                f"{str(path)!r} is no checkpoint of a fit but a saved model. Give "
                "FitCheckpoint another path."
            )
        about = description["about"]
        differing = sorted(
            name
            for name in about.keys() | self._about.keys()
            if about.get(name) != self._about.get(name)
        )
        if differing:
            raise ValueError(
                f"{str(path)!r} is the checkpoint of another fit: {differing} were "
                "not what they are now. Give FitCheckpoint another path, or delete the "
                "file to begin anew."
            )
        self.seed = description["seed"]
        self._stages = unpack(description["stages"], tensors)
        self._phase = unpack(description["phase"], tensors)

    def _write(self) -> None:
        if self._checkpoint is None:
            return
        tensors: dict[str, torch.Tensor] = {}
        description = {
            "kind": KIND,
            "about": self._about,
            "seed": self.seed,
            "stages": pack(self._stages, tensors),
            "phase": pack(self._phase, tensors),
        }
        try:
            write(self._checkpoint.path, description, tensors)
        except OSError as error:
            warn(
                f"The checkpoint could not be written: {error}. The fit goes on.",
            )
        self._written = time.monotonic()
