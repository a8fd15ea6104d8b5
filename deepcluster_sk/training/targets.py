"""What assignments are pulled to: the start's labels, or the network's own, sharpened.

Objects to give as ``targets`` to an estimator. They hold settings and nothing else.
"""

from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from deepcluster_sk.training.strategy import Strategy


class PseudoLabels(Strategy):
    """Targets that are labels: those of the start, found anew while training goes on.

    A network trained on nothing but its own assignments forgets much of a good start.
    From time to time its labels are refined on the graph of the start and on that of
    its latent space together, and become the labels of what follows, where their
    modularity on the graph of the start comes near that of the first.

    Parameters
    ----------
    duration : float, default=1.0
        Share of joint training, in [0, 1], whose targets are these labels. Over half as
        long again they fade out in favour of the network's own sharpened assignments.
    n_updates : int, default=2
        How often labels are found anew: after 1, 2, … of ``n_updates + 2`` equal parts
        of joint training. Only where the start is by graph.
    on_views : bool, default=True
        Whether the assignments of augmented views are pulled to the targets as well, or
        only those of the samples themselves.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "duration": [Interval(Real, 0, 1, closed="both")],
        "n_updates": [Interval(Integral, 0, None, closed="left")],
        "on_views": ["boolean"],
    }

    def __init__(
        self, duration: float = 1.0, n_updates: int = 2, on_views: bool = True
    ) -> None:
        self.duration = duration
        self.n_updates = n_updates
        self.on_views = on_views

    def share(self, elapsed: float) -> float:
        """Share of the labels in the targets, `elapsed` into the phase, both in [0, 1].

        1 for `duration`, then falling to 0 along a line over half as long again.
        """
        if not self.duration:
            return 0.0
        return min(1.0, max(0.0, 3 - 2 * elapsed / self.duration))


class SelfTraining(Strategy):
    """Targets that are the network's own assignments, sharpened (Eq. 3).

    Parameters
    ----------
    update_interval : int, default=None
        Batches between two refreshes of the targets; None refreshes after every epoch.
    on_views : bool, default=True
        Whether the assignments of augmented views are pulled to the targets as well or,
        as in the paper, only those of the samples themselves.

    References
    ----------
    arXiv:1901.06474, Eq. 3; Xie et al. (2016), arXiv:1511.06335.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "update_interval": [Interval(Integral, 1, None, closed="left"), None],
        "on_views": ["boolean"],
    }

    def __init__(
        self, update_interval: int | None = None, on_views: bool = True
    ) -> None:
        self.update_interval = update_interval
        self.on_views = on_views


def update_interval_of(targets: PseudoLabels | SelfTraining) -> int | None:
    """Batches between two refreshes; None is an epoch, as pseudo-labels have it."""
    interval = targets.update_interval if isinstance(targets, SelfTraining) else None
    return None if interval is None else int(interval)
