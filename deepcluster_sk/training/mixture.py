"""Clusters of a latent space that augmented views of the samples agree on."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mutual_info_score
from sklearn.mixture import GaussianMixture

from deepcluster_sk.graph.spectral import Labels

#: Draws of k-means, each followed by a mixture.
N_DRAWS = 24
#: Views of each sample that a draw is judged by.
N_VIEWS = 4
#: Added to the variances, as a share of the mean variance of the latent.
FLOOR = 0.1
#: And at least: samples that are all equal have no variance.
TINY = 1e-6
#: Samples a cluster, for each latent dimension, that a full covariance wants.
FULL_SHARE = 2
#: Steps of expectation and maximisation, at most.
MAX_STEPS = 200


def mixture_start(
    latent: NDArray[np.float32],
    views: Sequence[NDArray[np.float32]],
    n_clusters: int,
    random_state: np.random.RandomState,
) -> Labels:
    """k-means and a mixture of Gaussians from there, the best of several draws.

    The best is the one whose clusters of the samples and of augmented views of them
    have the largest mutual information: clusters that distortions leave alone, of
    which there are many. Inertia would not know them.

    Parameters
    ----------
    latent : ndarray of shape (n, d)
        Of the samples.
    views : sequence of ndarray of shape (n, d)
        Of one augmented view of each.
    n_clusters : int
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n,), int64
    """
    rows = latent.astype(np.float64)
    best, found = -np.inf, np.zeros(len(latent), np.int64)
    for _ in range(N_DRAWS):
        seed = random_state.randint(np.iinfo(np.int32).max)
        labels = KMeans(n_clusters, n_init=1, random_state=seed).fit_predict(rows)
        mixture = _mixture(rows, labels, n_clusters, seed)
        labels = mixture.predict(rows)
        shared = [
            mutual_info_score(labels, mixture.predict(view.astype(np.float64)))
            for view in views
        ]
        if np.mean(shared) > best:
            best, found = float(np.mean(shared)), labels
    return found.astype(np.int64)


def _mixture(
    latent: NDArray[np.float64], labels: Labels, n_clusters: int, seed: int
) -> GaussianMixture:
    """Fit a mixture of Gaussians that begins at a partition."""
    n, d = latent.shape
    full = n >= FULL_SHARE * d * n_clusters
    member = np.eye(n_clusters)[labels] + 1e-10
    weights = member.sum(0) / member.sum()
    means = member.T @ latent / member.sum(0)[:, None]
    mixture = GaussianMixture(
        n_clusters,
        covariance_type="full" if full else "diag",
        reg_covar=max(FLOOR * float(latent.var(0).mean()), TINY),
        weights_init=weights / weights.sum(),
        means_init=means,
        max_iter=MAX_STEPS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # Any stage of it is a partition to be judged.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(latent)
