"""Clusters of a latent space that augmented views of the samples agree on."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from deepcluster_sk.graph.consensus import beyond_chance
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.metrics import pair_counts
from deepcluster_sk.runtime.seeding import drawn_seed

#: Draws of k-means, each followed by a mixture.
N_DRAWS = 24
#: Every how many of them, from the best down, one is improved. From the best alone
#: one latent of MNIST came to 1.735 nats in six of eight tries, .80 right, and from
#: single draws up to 1.780, .91 right; from every third as far as from all.
EVERY = 3
#: Samples that mixtures are fitted to, at most, or so many a cluster if that is more.
MAX_SAMPLES, A_CLUSTER = 10_000, 100
#: Views of each sample that a draw is judged by.
N_VIEWS = 4
#: Ways to merge two clusters and split a third that are tried each time. Of digits and
#: USPS 4, 8 and 16 were alike; one latent of MNIST wanted 16 (8: .87, 16: .90).
N_WAYS = 16
#: How often that is done, at most; mostly it is up to three times.
MAX_EXCHANGES = 10
#: Added to the variances, as a share of the mean variance of the latent.
FLOOR = 0.1
#: And at least: samples that are all equal have no variance.
TINY = 1e-6
#: Samples a cluster, for each latent dimension, that a full covariance wants.
FULL_SHARE = 2
#: Steps of expectation and maximisation, at most.
MAX_STEPS = 200


@dataclass(frozen=True)
class _Found:
    """Clusters by a mixture: of the samples ``(n,)``, and of all views of them."""

    mixture: GaussianMixture
    labels: Labels
    of_views: Labels

    @cached_property
    def repeated(self) -> Labels:
        """Labels of the samples, once for each view."""
        return np.tile(self.labels, len(self.of_views) // len(self.labels))

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """What each sample adds to what samples and views share, ``(n,)``, in nats.

        The mean of it is their mutual information.
        """
        rows, columns = self.repeated, self.of_views
        table = pair_counts(rows, columns, 1 + rows.max(), 1 + columns.max())
        by_chance = np.outer(table.sum(1), table.sum(0)) / table.sum()
        shares = np.log(table[rows, columns] / by_chance[rows, columns])
        return shares.reshape(-1, len(self.labels)).mean(0)

    @cached_property
    def shared(self) -> float:
        """Mutual information of samples and views, in nats."""
        return float(self.shares.mean())


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

    Most draws make one cluster of two somewhere, and two of one elsewhere. So two
    clusters are merged and a third is split, as long as samples and views share more
    by it. Where that ends depends on where it began, and rarely is the best draw the
    best beginning: several are improved. What is not better beyond chance is not kept.

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

    References
    ----------
    Ueda, Nakano, Ghahramani and Hinton (2000), "SMEM algorithm for mixture models".
    """
    most = max(MAX_SAMPLES, A_CLUSTER * n_clusters)
    some = np.arange(len(latent))
    if len(latent) > most:
        some = random_state.choice(some, most, replace=False)
    rows = latent[some].astype(np.float64)
    of_views = np.concatenate([view[some] for view in views]).astype(np.float64)

    def found_from(labels: Labels, seed: int) -> _Found:
        mixture = _mixture(rows, labels, n_clusters, seed)
        return _Found(mixture, mixture.predict(rows), mixture.predict(of_views))

    def drawn() -> Iterator[_Found]:
        for _ in range(N_DRAWS):
            seed = drawn_seed(random_state)
            kmeans = KMeans(n_clusters, n_init=1, random_state=seed)
            yield found_from(kmeans.fit_predict(rows), seed)

    shared = attrgetter("shared")

    def improved(best: _Found) -> _Found:
        kept = best
        for _ in range(MAX_EXCHANGES):
            seed = drawn_seed(random_state)
            ways = _exchanged(best, rows, of_views, n_clusters, seed)
            tried = (found_from(way, seed) for way in ways)
            better = max(tried, key=shared, default=best)
            if better.shared <= best.shared:
                break
            best = better
            # One step may tell little, and the next one all.
            if beyond_chance(best.shares - kept.shares):
                kept = best
        return kept

    best, *others = sorted(drawn(), key=shared, reverse=True)[::EVERY]
    best = improved(best)
    for other in map(improved, others):
        if beyond_chance(other.shares - best.shares):
            best = other
    return best.mixture.predict(latent.astype(np.float64)).astype(np.int64)


def _exchanged(
    found: _Found,
    rows: NDArray[np.float64],
    of_views: NDArray[np.float64],
    n_clusters: int,
    seed: int,
) -> list[Labels]:
    """Merge two clusters and split a third, in the ways that promise most.

    What two clusters add to what samples and views share is estimated by those that
    are in one of the two both as samples and as views.
    """
    table = pair_counts(found.repeated, found.of_views, n_clusters, n_clusters)
    kept, merged = np.triu_indices(n_clusters, 1)
    lost = _told(
        table[kept, kept],
        table[kept, merged],
        table[merged, kept],
        table[merged, merged],
    )
    order = np.argsort(lost, kind="stable")
    ways = []
    for divided in range(n_clusters):
        halves = _halved(found, rows, of_views, divided, seed)
        if halves is None:
            continue
        gained, side = halves
        others = order[(kept[order] != divided) & (merged[order] != divided)]
        ways += [(gained - lost[pair], pair, side) for pair in others[:N_WAYS]]
    exchanged = []
    for _, pair, side in sorted(ways, key=lambda way: -way[0])[:N_WAYS]:
        labels = found.labels.copy()
        labels[labels == merged[pair]] = kept[pair]
        labels[side] = merged[pair]
        exchanged.append(labels)
    return exchanged


def _halved(
    found: _Found,
    rows: NDArray[np.float64],
    of_views: NDArray[np.float64],
    divided: int,
    seed: int,
) -> tuple[float, NDArray[np.int64]] | None:
    """Split a cluster by k-means: what that tells, and the samples of one half."""
    members = np.flatnonzero(found.labels == divided)
    if len(members) < 2 or not np.ptp(rows[members], axis=0).any():
        return None
    kmeans = KMeans(2, n_init=1, random_state=seed).fit(rows[members])
    side = members[kmeans.labels_ == 1]
    both = np.flatnonzero((found.repeated == divided) & (found.of_views == divided))
    if not len(both):
        return 0.0, side
    # Views lie one after the other, each of all samples.
    halves = np.isin(both % len(rows), side).astype(np.int64)
    table = pair_counts(halves, kmeans.predict(of_views[both]), 2, 2)
    return float(_told(*table.ravel())), side


def _told(*table: ArrayLike) -> NDArray[np.float64]:
    """Mutual information of a table of two by two, times the sum of it, in nats.

    Its cells are given row by row; as arrays they are of so many tables.
    """
    a, b, c, d = map(np.asarray, table)
    cells = [a, b, c, d, a + b + c + d]
    sums = [a + b, c + d, a + c, b + d]
    return sum(xlogy(x, x) for x in cells) - sum(xlogy(x, x) for x in sums)


def _mixture(
    latent: NDArray[np.float64], labels: Labels, n_clusters: int, seed: int
) -> GaussianMixture:
    """Fit a mixture of Gaussians that begins at a partition."""
    n, d = latent.shape
    full = n >= FULL_SHARE * d * n_clusters
    floor = max(FLOOR * float(latent.var(0).mean()), TINY)
    member = np.eye(n_clusters)[labels] + 1e-10
    weights = member.sum(0) / member.sum()
    member /= member.sum(0)
    means = member.T @ latent
    precisions = []
    for mean, share in zip(means, member.T, strict=True):
        gap = latent - mean
        if full:
            spread = (gap.T * share) @ gap + floor * np.eye(d)
            precisions.append(np.linalg.inv(spread))
        else:
            precisions.append(1 / (share @ gap**2 + floor))
    mixture = GaussianMixture(
        n_clusters,
        covariance_type="full" if full else "diag",
        reg_covar=floor,
        weights_init=weights / weights.sum(),
        means_init=means,
        precisions_init=np.array(precisions),
        max_iter=MAX_STEPS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # Any stage of it is a partition to be judged.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(latent)
