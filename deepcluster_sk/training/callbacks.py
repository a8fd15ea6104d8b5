"""skorch callbacks every net carries: learning-rate decay, the best epoch, progress."""

import math
from typing import Any

from skorch.callbacks import Callback, EpochScoring
from torch.optim.lr_scheduler import LambdaLR

from deepcluster_sk.training.good_epochs import Weights, weights_of
from deepcluster_sk.training.state import epochs_of

#: Share of a phase over which the learning rate rises, where it does.
RISE = 0.1


#: Callbacks of skorch that have nothing to do here, and why.
REFUSED = {
    "BatchScoring": "batches leave no scores, which would make a GPU wait at each; use "
    "EpochScoring with a function of (net, X, y)",
    "InputShapeSetter": "the network is built for the shape of X already",
    "PassthroughScoring": "the means over batches of all terms are in the history "
    "already",
}


def check_callbacks(callbacks: Any) -> None:
    """Check what a user gave as callbacks.

    Parameters
    ----------
    callbacks : sequence or None
        Of skorch callbacks, their classes, or pairs of a name and one of these.

    Raises
    ------
    TypeError
        If one is none of these.
    ValueError
        If one wants what there is not: labels, or data to validate by.
    """
    for given in callbacks or ():
        named = isinstance(given, tuple) and len(given) == 2
        callback = given[1] if named else given
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, Callback) or (named and not isinstance(given[0], str)):
            raise TypeError(
                "callbacks must hold skorch callbacks or pairs of a name and a "
                f"callback, got {given!r}."
            )
        if kind.__name__ in REFUSED:
            raise ValueError(f"{kind.__name__}: {REFUSED[kind.__name__]}.")
        _check_wishes(kind() if isinstance(callback, type) else callback)


def _check_wishes(callback: Any) -> None:
    """Refuse a callback that follows what is not recorded."""
    name, monitor = type(callback).__name__, getattr(callback, "monitor", None)
    if isinstance(monitor, str) and monitor.startswith("valid_"):
        instead = monitor.replace("valid_", "train_")
        raise ValueError(
            f"{name} follows {monitor!r}, but clustering keeps no data for validation. "
            f"Give it monitor={instead!r}."
        )
    if isinstance(callback, EpochScoring) and not callable(callback.scoring):
        raise ValueError(
            f"{name}(scoring={callback.scoring!r}) needs labels, which a clusterer "
            "never looks at. Give it a function of (net, X, y)."
        )


class CosineDecay(Callback):
    """Lower the learning rate along a half cosine, to 0 at the end of each phase.

    Parameters
    ----------
    enabled : bool, default=True
        Where False, the learning rate stays as it is.
    peak : float, default=1.0
        What the learning rate first rises to, along a line over a tenth of the phase,
        as a multiple of the net's own; at 1 it does not rise.
    """

    def __init__(self, enabled: bool = True, peak: float = 1.0) -> None:
        self.enabled = enabled
        self.peak = peak

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start the schedule of a phase."""
        self.schedule_ = None
        if not self.enabled:
            return
        steps, peak = net.phase_steps_, self.peak
        rise = RISE * steps if peak > 1 else 0

        def factor(step: int) -> float:
            if step < rise:
                return 1 + (peak - 1) * step / rise
            return peak * (1 + math.cos(math.pi * (step - rise) / (steps - rise))) / 2

        self.schedule_ = LambdaLR(net.optimizer_, factor)

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Follow the cosine by one step."""
        if self.schedule_ is not None:
            self.schedule_.step()

    def state_dict(self) -> dict[str, Any]:
        """Tell where the schedule is; the rate itself is in the optimiser."""
        return {"step": None if self.schedule_ is None else self.schedule_.last_epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        if self.schedule_ is not None:
            self.schedule_.last_epoch = state["step"]

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Let the schedule go: it holds on to the optimiser."""
        self.schedule_ = None


class KeepBest(Callback):
    """End a phase with the weights of the epoch whose labels a judge found best.

    Of phases without a judge, whose history has no ``modularity``, the last epoch
    stays. New pseudo-labels begin a new competition: what was learned before them
    followed others.
    """

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget an earlier phase."""
        self.best_: tuple[float, Weights] | None = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Remember the epoch, if it is the best so far; the later of two equals."""
        row = net.history[-1]
        merit = row.get("modularity")
        if row.get("updated"):
            self.best_ = None
        elif merit is not None and (self.best_ is None or merit >= self.best_[0]):
            self.best_ = merit, weights_of(net.module_)

    def state_dict(self) -> dict[str, Any]:
        """Tell the best epoch."""
        return {"best": self.best_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best_ = state["best"]

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Return to the best epoch."""
        if self.best_ is not None:
            net.module_.load_state_dict(self.best_[1])
        self.best_ = None


class ProgressBar(Callback):
    """Tell the progress of the fit of every step, and of the loss after every epoch."""

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Count a step."""
        net.progress_.advance()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Tell the loss, and how many labels have changed."""
        row = net.history[-1]
        n_epochs = epochs_of(net.history, row["phase"])
        text = f"epoch {n_epochs}/{net.phase_epochs_}, loss {row['train_loss']:.4g}"
        if "label_change" in row:
            text += f", {row['label_change']:.1%} moved"
        net.progress_.note(text)
