"""Epochs to return to where training diverges."""

from collections import deque
from typing import Any

import torch
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk.runtime.warning import warn

Weights = dict[str, torch.Tensor]
#: Rows that a net is tried on.
_PROBE = 256


class Diverged(Exception):
    """A term of the loss, or what a net makes of the data, is no number any more."""


def weights_of(module: torch.nn.Module) -> Weights:
    """Copy the weights of a module, where they are."""
    return {name: value.clone() for name, value in module.state_dict().items()}


class GoodEpochs:
    """Weights at the ends of the last two good epochs of a phase, or at its beginning.

    The loss of an epoch is taken before its last step, so that the weights at its end
    may be broken although the loss is a number. They are known to be good once a batch
    has been seen with them.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Weights]] = deque(maxlen=2)

    def keep(self, net: Any) -> None:
        """Remember a net after an epoch, or before the first."""
        self._kept.append((len(net.history), weights_of(net.module_)))

    def restore(self, net: Any, trouble: str, last_is_good: bool) -> None:
        """Bring a net back, and its history with it, and say so.

        Raises
        ------
        ValueError
            If there was no good epoch: nothing has been learned.
        """
        if not last_is_good and len(self._kept) > 1:
            self._kept.pop()
        n_rows, weights = self._kept[-1]
        trouble, remedy = f"Training diverged: {trouble}.", "Use a smaller lr."
        if not n_rows:
            raise ValueError(f"{trouble} {remedy}")
        net.module_.load_state_dict(weights)
        del net.history[n_rows:]
        warn(
            f"{trouble} The net is that of a good epoch before, and this phase of "
            f"training has ended there. {remedy}",
            ConvergenceWarning,
        )


def is_sound(net: Any, dataset: Any) -> bool:
    """Whether a net makes numbers of the first rows of a data set."""
    latent, log_assignment = net.embed(dataset.head(_PROBE))
    return bool(latent.isfinite().all() and not log_assignment.isnan().any())
