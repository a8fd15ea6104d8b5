"""Which samples a fitted clusterer is to be doubted about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from deepcluster_sk.augmentation.presets import kind_of, make_augmentation
from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.data.validation import InputMixin
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.start import MIN_NODES
from deepcluster_sk.graph.support import Witness, find_witnesses, support
from deepcluster_sk.runtime.modes import computing
from deepcluster_sk.runtime.seeding import generator, seeded
from deepcluster_sk.training.net import ClusteringNet


@dataclass(frozen=True)
class DoubtSettings:
    """When neighbours are asked besides the network.

    The trials are in ``benchmarks/notes``: "Doubt".
    """

    min_per_cluster: int = 10
    """Samples a cluster, below which neighbours among them tell nothing: the network is
    asked alone."""
    seed: int = 0
    """Of the views. Fixed: a sample is to have one confidence."""


DOUBT = DoubtSettings()


class DoubtMixin(InputMixin):
    """Confidence of a clusterer in its clusters, without labels."""

    n_clusters_: int
    contrast_: str
    net_: ClusteringNet
    #: Median of the largest probability, over the samples fitted on.
    _typical_probability: float

    def confidence(self, X: ArrayLike) -> NDArray[np.float32]:
        """How far each sample can be trusted to be in the right cluster.

        The product of three opinions. The network's: its largest probability, measured
        by what is typical of the samples fitted on. The neighbours': how many of those
        that look like the sample, before any network, are in its cluster. And that of
        partitions which no network made: how many of those that they put with the
        sample are. A sample is in doubt where any of the three is. The network alone
        finds errors of good clusterings; of poor ones it has learned too many errors by
        heart.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`. Neighbours are looked for in `X` itself: give all
            samples at once. With fewer than ten for each cluster only the network is
            asked.

        Returns
        -------
        confidence : ndarray of shape (n_samples,), float32
            In [0, 1]. It ranks samples and is no probability: look at the lowest first.
            The same on every call.

        See Also
        --------
        doubtful : The samples with the lowest.
        calibrated_proba : Probabilities that are shares of right answers.
        assess : Both at once, in the time of one.
        """
        rows, layout = self._rows(X)
        q = self._assign(rows, layout)
        is_enough = len(rows) >= self._least_samples
        return self._confidence(q, self._asked(rows, layout) if is_enough else [])

    def doubtful(self, X: ArrayLike, n: int | None = None) -> NDArray[np.int64]:
        """Find the samples whose clusters are most in doubt.

        Parameters
        ----------
        X : array-like
            As in :meth:`confidence`.
        n : int, default=None
            How many; None is all.

        Returns
        -------
        indices : ndarray of shape (min(n, n_samples),), int64
            Rows of `X`, the most doubtful first.

        Raises
        ------
        ValueError
            If `n` is negative.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from deepcluster_sk import DeepTripletClusterer
        >>> X = load_digits().images
        >>> model = DeepTripletClusterer(10).fit(X)  # doctest: +SKIP
        >>> X[model.doubtful(X, n=20)]  # to be looked at  # doctest: +SKIP
        """
        if n is not None and n < 0:
            raise ValueError(f"n={n!r} must be 0 or more, or None for all samples.")
        order = np.argsort(self.confidence(X), kind="stable")
        return order if n is None else order[:n]

    def _confidence(
        self, q: NDArray[np.float32], witnesses: Sequence[Witness]
    ) -> NDArray[np.float32]:
        """Confidence where the probabilities are known, and who else is asked."""
        sure = q.max(axis=1) / self._typical_probability
        confidence = np.clip(sure, 0, 1).astype(np.float32)
        if not witnesses:
            return confidence
        found = support(witnesses, q.argmax(axis=1), self.n_clusters_)
        return confidence * found.astype(np.float32)

    @property
    def _least_samples(self) -> int:
        """Samples below which neighbours among them tell nothing."""
        return max(DOUBT.min_per_cluster * self.n_clusters_, MIN_NODES)

    def _asked(self, rows: NDArray[Any], layout: RowLayout) -> list[Witness]:
        """Find what belongs together without the network; nothing of one cluster."""
        if self.n_clusters_ == 1:
            return []
        device = self.net_.torch_device
        views = Views(
            RowDataset(rows),
            self._fitted_reader(layout),
            make_augmentation("auto", kind_of(layout), wide=True),
            generator(DOUBT.seed, device),
        )
        with seeded(DOUBT.seed, device), computing(device):
            return find_witnesses(
                views,
                self.n_clusters_,
                check_random_state(DOUBT.seed),
                self.contrast_,
            )

    def _fitted_reader(self, layout: RowLayout) -> SampleReader:
        """Read samples of a layout, scaled as those fitted on were."""
        return SampleReader(layout, self.net_.reader.scaler)

    def _assign(self, rows: NDArray[Any], layout: RowLayout) -> NDArray[np.float32]:
        raise NotImplementedError
