"""Selection of negative images (Algorithm 1 of arXiv:1901.06474).

An image's augmentation ball is centred on its embedding and reaches to the farthest of
its augmented views. Another image is a fit negative if it lies strictly outside. The
printed algorithm draws until one does, and never ends if none does: here the tries are
bounded, and an anchor without a fit negative gets the farthest candidate seen and is
flagged, so that the caller can count and warn.

Three forms of one rule: `select_negatives_literal` follows the printed loop (slow, the
reference of the tests), `select_negatives` does the whole data set at once,
`in_batch_negatives` takes the other images of the batch as candidates. Nothing here is
differentiated; index the embeddings with the result.

References
----------
D. Das, R. Ghosh, B. Bhowmick, 2019. arXiv:1901.06474, section 3.3, Algorithm 1.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from deepcluster_sk.losses.precision import at_least_float32

__all__ = [
    "Negatives",
    "augmentation_radii",
    "in_batch_negatives",
    "select_negatives",
    "select_negatives_literal",
]


# Floats of gathered candidates held at once: 64 MiB.
_CHUNK_FLOATS = 2**24
# Most anchors accept one of their first few candidates; only the rest draw on.
_FIRST_DRAWS = 4


class Negatives(NamedTuple):
    """A negative for every anchor.

    Attributes
    ----------
    indices : Tensor of shape (n,), int64
        Row of the negative; never the anchor's own.
    is_fallback : Tensor of shape (n,), bool
        True where no candidate lay outside the ball, and the farthest was taken.
    """

    indices: Tensor
    is_fallback: Tensor


def _check(embeddings: Tensor, radii: Tensor) -> None:
    if embeddings.ndim != 2 or radii.shape != embeddings.shape[:1]:
        raise ValueError(
            "Expected embeddings of shape (n, d) and radii of shape (n,), got "
            f"{tuple(embeddings.shape)} and {tuple(radii.shape)}."
        )
    if len(embeddings) < 2:
        raise ValueError(f"A negative needs at least 2 images, got {len(embeddings)}.")


def _check_tries(max_tries: int) -> None:
    if max_tries < 1:
        raise ValueError(f"max_tries must be at least 1, got {max_tries}.")


def _draw_others(
    anchors: Tensor, n: int, tries: int, generator: torch.Generator | None
) -> Tensor:
    """Draw (len(anchors), tries) rows, uniformly from the n - 1 other images."""
    device = anchors.device if generator is None else generator.device
    drawn = torch.randint(
        n - 1, (len(anchors), tries), generator=generator, device=device
    ).to(anchors.device)
    # Stepping over the anchor keeps the other n - 1 equally likely.
    return drawn + (drawn >= anchors[:, None])


@torch.no_grad()
def augmentation_radii(anchors: Tensor, augmented: Tensor) -> Tensor:
    """Return the radius of every image's augmentation ball.

    Parameters
    ----------
    anchors : Tensor of shape (n, d)
        Embeddings of the images.
    augmented : Tensor of shape (m, n, d)
        Embeddings of m augmented views of each (the paper: m = 10).

    Returns
    -------
    Tensor of shape (n,)
        Largest Euclidean distance between an image and its views, in float32 or wider.

    Raises
    ------
    ValueError
        If the shapes do not fit, or m is 0.
    """
    fits = augmented.ndim == 3 and augmented.shape[1:] == anchors.shape
    if not (fits and len(augmented)):
        raise ValueError(
            "Expected anchors of shape (n, d) and augmented of shape (m, n, d) with "
            f"m >= 1, got {tuple(anchors.shape)} and {tuple(augmented.shape)}."
        )
    difference = at_least_float32(augmented) - at_least_float32(anchors)
    return torch.linalg.vector_norm(difference, dim=-1).amax(dim=0)


@torch.no_grad()
def select_negatives_literal(
    embeddings: Tensor,
    radii: Tensor,
    generator: torch.Generator | None = None,
    max_tries: int = 100,
) -> Negatives:
    """Select negatives by the printed loop, one anchor and one candidate at a time.

    Parameters, results and errors are those of :func:`select_negatives`. This form
    waits for the device at every candidate.

    References
    ----------
    .. [1] D. Das, R. Ghosh, B. Bhowmick, 2019. arXiv:1901.06474, Algorithm 1.
    """
    _check(embeddings, radii)
    _check_tries(max_tries)
    z = at_least_float32(embeddings)
    indices, is_fallback = [], []
    for i in range(len(z)):
        anchor = torch.tensor([i], device=z.device)
        farthest, at = -1.0, (i + 1) % len(z)
        found = False
        for _ in range(max_tries):
            candidate = int(_draw_others(anchor, len(z), 1, generator))
            distance = float(torch.linalg.vector_norm(z[i] - z[candidate]))
            if distance > farthest:
                farthest, at = distance, candidate
            if distance > float(radii[i]):
                at, found = candidate, True
                break
        indices.append(at)
        is_fallback.append(not found)
    return Negatives(
        torch.tensor(indices, device=z.device),
        torch.tensor(is_fallback, device=z.device),
    )


@torch.no_grad()
def select_negatives(
    embeddings: Tensor,
    radii: Tensor,
    generator: torch.Generator | None = None,
    max_tries: int = 100,
) -> Negatives:
    """Select a negative for every image of a data set, all anchors at once.

    It is the first candidate outside the ball, as in the paper: uniform over all images
    outside.

    Parameters
    ----------
    embeddings : Tensor of shape (n, d)
        Embeddings of the whole data set, n >= 2.
    radii : Tensor of shape (n,)
        Radii of the augmentation balls, see :func:`augmentation_radii`.
    generator : torch.Generator, optional
        Source of the candidates, on any device; torch's global stream by default.
    max_tries : int, default=100
        Candidates drawn per anchor at most (with replacement, never the anchor).

    Returns
    -------
    Negatives
        ``indices`` and ``is_fallback``, each of shape (n,), on the device of
        `embeddings`.

    Raises
    ------
    ValueError
        If the shapes do not fit, n < 2 or `max_tries` < 1.
    """
    _check(embeddings, radii)
    _check_tries(max_tries)
    z = at_least_float32(embeddings)
    n, d = z.shape
    everyone = torch.arange(n, device=z.device)
    indices = (everyone + 1) % n
    farthest = z.new_full((n,), -1.0)
    is_fallback = torch.ones(n, dtype=torch.bool, device=z.device)

    pending, left = everyone, max_tries
    tries = min(left, _FIRST_DRAWS)
    while left and len(pending):
        for rows in torch.split(pending, max(1, _CHUNK_FLOATS // max(1, tries * d))):
            candidates = _draw_others(rows, n, tries, generator)
            distances = torch.linalg.vector_norm(z[candidates] - z[rows, None], dim=-1)
            outside = distances > radii[rows, None]
            found = outside.any(dim=1)
            away, at = distances.max(dim=1)
            improved = away > farthest[rows]
            accepted = outside.to(torch.uint8).argmax(dim=1)  # the first drawn
            column = torch.where(found, accepted, at)[:, None]
            chosen = candidates.gather(1, column).squeeze(1)
            indices[rows] = torch.where(found | improved, chosen, indices[rows])
            farthest[rows] = torch.maximum(farthest[rows], away)
            is_fallback[rows] = ~found
        pending = pending[is_fallback[pending]]
        left -= tries
        tries = min(left, 2 * tries)
    return Negatives(indices, is_fallback)


@torch.no_grad()
def in_batch_negatives(
    embeddings: Tensor,
    radii: Tensor,
    generator: torch.Generator | None = None,
    hardest: bool = False,
) -> Negatives:
    """Select every image's negative among the other images of its batch.

    Costs no encoder pass, and never waits for the device (given a generator on it).

    Parameters
    ----------
    embeddings : Tensor of shape (b, d)
        Embeddings of the batch, b >= 2.
    radii : Tensor of shape (b,)
        Radii of the augmentation balls.
    generator : torch.Generator, optional
        Source of b random numbers, on any device; torch's global stream by default.
        Not read if `hardest`.
    hardest : bool, default=False
        Whether the negative is the nearest image outside the ball, or any of those
        outside, all equally likely.

    Returns
    -------
    Negatives
        ``indices`` into the batch and ``is_fallback``, each of shape (b,). With no
        image outside the ball, the farthest one is taken.

    Raises
    ------
    ValueError
        If the shapes do not fit or b < 2.
    """
    _check(embeddings, radii)
    z = at_least_float32(embeddings)
    # The matrix-product form of the distance loses the digits of near neighbours,
    # which are the ones the ball test is about.
    distances = torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist")
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    outside = (distances > radii[:, None]) & ~itself
    if hardest:
        accepted = distances.masked_fill(~outside, torch.inf).argmin(dim=1)
    else:
        device = z.device if generator is None else generator.device
        u = torch.rand(
            len(z), 1, generator=generator, device=device, dtype=torch.float32
        )
        # The k-th image outside, k uniform: where the running count first exceeds k.
        count = outside.cumsum(dim=1)
        total = count[:, -1:]
        k = torch.minimum((u.to(z.device, non_blocking=True) * total).long(), total - 1)
        accepted = (count > k).to(torch.uint8).argmax(dim=1)
    farthest = distances.masked_fill(itself, -1.0).argmax(dim=1)
    is_fallback = ~outside.any(dim=1)
    return Negatives(torch.where(is_fallback, farthest, accepted), is_fallback)
