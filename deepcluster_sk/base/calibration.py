"""Probabilities of a fitted clusterer that are as sure as they deserve to be."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from deepcluster_sk.base.doubt import DoubtMixin
from deepcluster_sk.graph.support import Witness, agreement

#: Temperatures that are looked at.
COLDEST, HOTTEST = 0.05, 20.0


class Assessment(NamedTuple):
    """What ``assess`` of a clusterer returns.

    Attributes
    ----------
    probabilities : ndarray of shape (n, n_clusters), float32
        The network's own, of ``predict_proba``.
    calibrated : ndarray of shape (n, n_clusters), float64, or None
        Those of ``calibrated_proba``; None where no temperature is known.
    confidence : ndarray of shape (n,), float32
        That of ``confidence``.
    temperature : float or None
        At which they are calibrated.
    """

    probabilities: NDArray[np.float32]
    calibrated: NDArray[np.float64] | None
    confidence: NDArray[np.float32]
    temperature: float | None


class CalibrationMixin(DoubtMixin):
    """Calibrated probabilities of a clusterer, without labels."""

    def calibrated_proba(
        self, X: ArrayLike, *, temperature: float | None = None
    ) -> NDArray[np.float64]:
        r"""Probabilities that say about how often their clusters are right.

        .. math:: p_{ik} \propto q_{ik}^{1 / T}

        with q those of :meth:`predict_proba`, and T the temperature, which is found
        without labels. The order of the clusters stays the same, and so does
        ``predict``. One temperature corrects a network that is too sure, or not sure
        enough, of all samples alike; :meth:`confidence` says which samples to doubt.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`.
        temperature : float, default=None
            Positive. None finds it from `X`: see :meth:`temperature`.

        Returns
        -------
        p : ndarray of shape (n_samples, n_clusters), float64
            Rows sum to 1.

        Raises
        ------
        ValueError
            If `temperature` is not positive; if it is None, and `X` holds fewer than
            ten samples for each cluster.

        References
        ----------
        Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural
        networks", arXiv:1706.04599. There the temperature is fitted to labels.
        """
        _check_positive(temperature)
        rows, layout = self._rows(X)
        if temperature is None:
            self._check_enough(len(rows))
        q = self._assign(rows, layout)
        if temperature is None:
            temperature = _temperature(q, self._asked(rows, layout))
        return tempered(q, temperature)

    def assess(self, X: ArrayLike, *, temperature: float | None = None) -> Assessment:
        """Find out how far samples can be trusted, all at once.

        :meth:`confidence` and :meth:`calibrated_proba` both compare the clusters with
        partitions that no network made, which takes most of their time; here these
        partitions are made once.

        Parameters
        ----------
        X : array-like
            As in :meth:`confidence`.
        temperature : float, default=None
            As in :meth:`calibrated_proba`; but where it is None, and there are too few
            samples to find it by, nothing is calibrated.

        Returns
        -------
        assessment : Assessment
            Named tuple ``(probabilities, calibrated, confidence, temperature)``.

        Raises
        ------
        ValueError
            If `temperature` is not positive.
        """
        _check_positive(temperature)
        rows, layout = self._rows(X)
        q = self._assign(rows, layout)
        is_enough = len(rows) >= self._least_samples
        witnesses = self._asked(rows, layout) if is_enough else []
        if temperature is None and (is_enough or self.n_clusters_ == 1):
            temperature = _temperature(q, witnesses)
        calibrated = None if temperature is None else tempered(q, temperature)
        return Assessment(q, calibrated, self._confidence(q, witnesses), temperature)

    def temperature(self, X: ArrayLike) -> float:
        """Find the temperature of calibrated probabilities, without labels.

        At this temperature the mean of the largest probabilities equals the share of
        samples on which ``predict(X)`` agrees with partitions that no network made.
        These err in other ways than the network, so that this share is about that of
        right answers; it is lower where most of the partitions are worse than the
        clusters.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`; at least ten samples for each cluster, best those
            fitted on.

        Returns
        -------
        float
            Below 1 where the network is surer than it says.

        Raises
        ------
        ValueError
            If there are fewer samples.
        """
        rows, layout = self._rows(X)
        self._check_enough(len(rows))
        return _temperature(self._assign(rows, layout), self._asked(rows, layout))

    def _check_enough(self, n: int) -> None:
        """Refuse samples that tell no temperature, unless there is none to tell."""
        if self.n_clusters_ > 1 and n < self._least_samples:
            raise ValueError(
                f"X holds {n} samples, which tell no temperature: at least "
                f"{self._least_samples} are needed. Find it by the samples fitted on, "
                "and pass it: calibrated_proba(X, temperature=model.temperature(X_fit))"
            )


def _check_positive(temperature: float | None) -> None:
    if temperature is not None and not 0 < temperature < np.inf:
        raise ValueError(f"temperature={temperature!r} must be a positive number.")


def _temperature(q: NDArray[np.floating], witnesses: Sequence[Witness]) -> float:
    """Find the temperature of probabilities ``(n, n_clusters)``; 1 of one cluster."""
    if not witnesses:
        return 1.0
    return temperature_for(q, agreement(witnesses, q.argmax(axis=1)))


def tempered(q: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Bring probabilities ``(n, n_clusters)`` to a temperature; their order stays."""
    relative = q.astype(np.float64) / q.max(axis=1, keepdims=True)
    powers = relative ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def temperature_for(q: NDArray[np.floating], wanted: float) -> float:
    """Temperature at which the largest probabilities have a mean, or the nearest to it.

    Parameters
    ----------
    q : ndarray of shape (n, n_clusters)
        Rows sum to 1.
    wanted : float

    Returns
    -------
    float
        From 0.05 to 20.
    """

    def excess(log_temperature: float) -> float:
        largest = tempered(q, float(np.exp(log_temperature))).max(axis=1)
        return float(largest.mean()) - wanted

    low, high = np.log(COLDEST), np.log(HOTTEST)
    if excess(low) <= 0:  # colder is surer
        return COLDEST
    if excess(high) >= 0:
        return HOTTEST
    return float(np.exp(brentq(excess, low, high)))
