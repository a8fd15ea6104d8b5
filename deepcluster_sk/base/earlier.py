"""Samples of earlier parts of a collection, kept so that later ones leave it alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcluster_sk.base.context import FitContext
from deepcluster_sk.data.batches import rows_to_tensor
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.spectral import Labels


@dataclass(frozen=True)
class EarlierSettings:
    """How many samples are kept.

    The trials are in ``benchmarks/notes/training.md``, under "Going on".
    """

    per_cluster: int = 100
    """Samples of each cluster, at most."""


EARLIER = EarlierSettings()


@dataclass(frozen=True)
class EarlierSamples:
    """Some samples of every cluster, drawn from all that there were.

    Attributes
    ----------
    rows : ndarray of shape (m, n_features)
        In the size that the network sees.
    layout : RowLayout
    stands_for : ndarray of shape (m,), float64
        How many samples each was drawn from.
    """

    rows: NDArray[Any]
    layout: RowLayout
    stands_for: NDArray[np.float64]

    def before(self, rows: NDArray[Any], layout: RowLayout) -> NDArray[Any]:
        """Put them before other rows, in the layout of these."""
        own = self.rows
        if layout.order != self.layout.order:
            samples = self.layout.arrange(rows_to_tensor(own))
            own = layout.flatten(samples).numpy()
        return np.concatenate([own, rows])

    @classmethod
    def drawn(
        cls,
        earlier: "EarlierSamples | None",
        context: FitContext,
        labels: Labels,
        random_state: np.random.RandomState,
        settings: EarlierSettings = EARLIER,
    ) -> "EarlierSamples":
        """Draw anew, from those kept so far and those that a fit was given besides.

        Parameters
        ----------
        earlier : EarlierSamples or None
            The first of the samples that the fit had.
        context : FitContext
        labels : ndarray of shape (n,), int64
            Of all these samples.
        random_state : RandomState
        settings : EarlierSettings

        Returns
        -------
        EarlierSamples
        """
        stands_for = np.ones(context.n_samples)
        if earlier is not None:
            stands_for[: len(earlier.rows)] = earlier.stands_for
        chosen, drawn_from = [], []
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            total = stands_for[members].sum()
            size = min(settings.per_cluster, len(members))
            share = stands_for[members] / total
            chosen.append(random_state.choice(members, size, replace=False, p=share))
            drawn_from.append(np.full(size, total / size))
        rows = context.dataset.rows[np.concatenate(chosen)]
        return cls(np.array(rows), context.layout, np.concatenate(drawn_from))
