"""The contrast normalisation of a start without a graph: where k-means gains most."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from deepcluster_sk.graph.features import pixel_features
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.networks.contrast import USUAL
from deepcluster_sk.runtime.seeding import drawn_seed

#: Samples that contrasts are compared on, at most: time. Not tuned.
MAX_SAMPLES = 3_000
#: Draws of k-means, of which the best counts. Not tuned.
N_DRAWS = 3


def best_contrast(
    views: Views,
    contrasts: Sequence[str],
    n_clusters: int,
    random_state: np.random.RandomState,
) -> str:
    """Contrast under which the samples fall into clusters the most, beyond chance.

    Parameters
    ----------
    views : Views
        The samples; their augmentation is not used.
    contrasts : sequence of str
        To choose from, where there are several those that see colours. Where all are as
        good, or there are no more samples than clusters, the first is taken.
    n_clusters : int
    random_state : RandomState

    Returns
    -------
    str
    """
    n = len(views.dataset)
    if len(contrasts) == 1 or min(n, MAX_SAMPLES) <= n_clusters:
        return contrasts[0]
    rows = random_state.permutation(n)[:MAX_SAMPLES]
    indices = torch.as_tensor(rows, device=views.generator.device)

    def gap_under(contrast: str) -> float:
        found = views.draw(pixel_features(views, contrast), indices)
        return gap(found.cpu().numpy(), n_clusters, random_state)

    seeing = [name for name in contrasts if name in USUAL]
    gaps = [gap_under(contrast) for contrast in seeing]
    return seeing[int(np.argmax(gaps))]


def gap(
    rows: NDArray[np.float32], n_clusters: int, random_state: np.random.RandomState
) -> float:
    r"""Gap statistic: how much more compact clusters are than those of no structure.

    .. math:: \log W(z) - \log W(x)

    with W the sum of squared distances to the centres of k-means, and z normal, of the
    same variance as x along every axis.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Principal components: axes that are uncorrelated.
    n_clusters : int
        Fewer than n.
    random_state : RandomState

    Returns
    -------
    float
        0 where no two rows differ.

    References
    ----------
    Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data
    set via the gap statistic". Their z is uniform along the axes.
    """
    spread = rows.std(0)
    if not spread.any():
        return 0.0
    alike = random_state.normal(size=rows.shape) * spread
    within = [_within(x, n_clusters, random_state) for x in (alike, rows)]
    tiny = np.finfo(np.float32).tiny
    return float(np.subtract(*np.log(np.maximum(within, tiny))))


def _within(
    rows: NDArray[np.floating], n_clusters: int, random_state: np.random.RandomState
) -> float:
    """Sum of squared distances to the nearest centre of k-means."""
    seed = drawn_seed(random_state)
    model = KMeans(n_clusters, n_init=N_DRAWS, random_state=seed)
    with warnings.catch_warnings():
        # Fewer samples differ than there are clusters: they are compact all the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return float(model.fit(rows).inertia_)
