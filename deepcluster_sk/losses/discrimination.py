"""Instance discrimination: an image's two views against all other views at once."""

import torch
from torch.nn import functional as F

from deepcluster_sk.losses.precision import at_least_float32


def discrimination_loss(
    first: torch.Tensor, second: torch.Tensor, temperature: float
) -> torch.Tensor:
    r"""Normalised, temperature-scaled cross-entropy of finding an image's other view.

    .. math:: L = -\frac{1}{2n} \sum_{a} \log \frac{\exp(\cos(a, a') / \tau)}
              {\sum_{b \neq a} \exp(\cos(a, b) / \tau)}

    over the 2n views a of a batch, with a' the other view of the same image.

    Parameters
    ----------
    first, second : Tensor of shape (n, d)
        Embeddings of two views of each image, of any length but 0.
    temperature : float
        The lower, the more the nearest of the others count.

    Returns
    -------
    Tensor, scalar
        Not negative.

    References
    ----------
    Chen et al. (2020), "A simple framework for contrastive learning of visual
    representations", arXiv:2002.05709, Eq. 1.
    """
    views = F.normalize(at_least_float32(torch.cat([first, second])), dim=1)
    n = len(first)
    with torch.autocast(views.device.type, enabled=False):
        similarity = views @ views.T / temperature
    similarity.fill_diagonal_(-torch.inf)
    other = torch.arange(2 * n, device=views.device).roll(n)
    return F.cross_entropy(similarity, other)
