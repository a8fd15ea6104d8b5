"""Samples that look like none of those that clusters were found among."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from deepcluster_sk.data.batches import RowDataset, SampleReader, spaced_rows
from deepcluster_sk.data.duplicates import first_copies
from deepcluster_sk.graph.features import moved, pixel_features
from deepcluster_sk.graph.neighbors import PrincipalComponents, Views, view_neighbors
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.networks.contrast import Contrast
from deepcluster_sk.networks.inference import collect
from deepcluster_sk.runtime.modes import computing
from deepcluster_sk.runtime.seeding import generator, seeded


@dataclass(frozen=True)
class OutlierSettings:
    """How far a sample must be from the others.

    The trials are in ``benchmarks/notes/outliers.md``.
    """

    max_references: int = 2_000
    """Samples that others are compared with, at most: memory, and time. Not tuned."""
    n_neighbors: int = 10
    """The distance is that to so manieth of them, fewer of fewer than twenty. Not
    tuned."""
    fence: float = 1.5
    """Interquartile ranges above the upper quartile of log distances: Tukey's fence, as
    box plots have it. At 2 half as many of a class not fitted on are found."""
    seed: int = 0
    """Of the principal components. Fixed: a sample is an outlier, or it is none."""


OUTLIERS = OutlierSettings()
#: Contrast normalisations that images are looked at under.
SEEN_UNDER = ("none", "local")
_NAME = "surroundings"
#: Less than any distance between samples that differ.
_TINY = 1e-12
#: Logarithms nearer to a fence than this are not above it.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Surroundings:
    r"""Samples of a data set, and how far they are from each other.

    Distances are those of the pixels, or features. Between samples of components z and
    norms r of what their components leave out,

    .. math:: d(x, y)^2 = \lVert z_x - z_y \rVert^2 + r_x^2 + r_y^2,

    since what is left out of two samples has hardly anything in common: of noise it is
    nearly all. A sample is an outlier where the distance to its tenth nearest is beyond
    the fence, or is so as a multiple of what it is for those ten: some clusters are
    denser than others.

    Attributes
    ----------
    features : PrincipalComponents
    references : Tensor of shape (m, d + 2)
        Components, 0 and what they leave out.
    reaches : Tensor of shape (m,)
        Distance of each to its tenth nearest.
    fences : (float, float)
        Of log distances, and of those by the measure of the neighbours.
    """

    features: PrincipalComponents
    references: torch.Tensor
    reaches: torch.Tensor
    fences: tuple[float, float]

    @classmethod
    def of(
        cls,
        dataset: RowDataset,
        reader: SampleReader,
        contrast: str,
        settings: OutlierSettings = OUTLIERS,
    ) -> "Surroundings":
        """Look at the samples of a data set, up to 2,000 of them.

        Parameters
        ----------
        dataset : RowDataset
        reader : SampleReader
        contrast : {"none", "local"}
            Contrast normalisation of images.
        settings : OutlierSettings

        Returns
        -------
        Surroundings
            On the CPU, where so few take no time.
        """
        cpu = torch.device("cpu")
        drawn = generator(settings.seed, cpu)
        views = Views(dataset, reader, torch.nn.Identity(), drawn)
        rows = torch.from_numpy(_distinct_rows(dataset, settings.max_references))
        with computing(cpu), seeded(settings.seed, cpu):
            features = pixel_features(views, contrast)
            queries = views.draw(partial(_parts, features), rows)
            references = queries[:, [*range(queries.shape[1] - 2), -1, -2]]
            k = min(settings.n_neighbors, len(queries) // 2)
            nearest = view_neighbors(queries, [references], max(k, 1), k > 0)
            reaches = nearest.distances[:, -1]
            found = cls(features, references, reaches, (np.inf, np.inf))
            if k:
                measures = found._measures(nearest.distances, nearest.indices)
                low, high = (_fence(m, settings.fence) for m in measures.T.numpy())
                found = replace(found, fences=(low, high))
        return found

    def to(self, device: torch.device) -> "Surroundings":
        """Return the same on another device."""
        return moved(self, device)

    def arrays(self) -> dict[str, torch.Tensor]:
        """All but the contrast, as arrays to be saved."""
        return {
            "mean": self.features.mean,
            "basis": self.features.basis,
            "references": self.references,
            "reaches": self.reaches,
            "fences": torch.tensor(self.fences, dtype=torch.float64),
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, torch.Tensor], contrast: str
    ) -> "Surroundings":
        """Undo :meth:`arrays`."""
        low, high = arrays["fences"].tolist()
        features = PrincipalComponents(
            Contrast(contrast), arrays["mean"], arrays["basis"]
        )
        return cls(features, arrays["references"], arrays["reaches"], (low, high))

    def _measured(self, x: torch.Tensor) -> torch.Tensor:
        k = min(OUTLIERS.n_neighbors, len(self.references) // 2)
        queries = _parts(self.features, x)
        nearest = view_neighbors(queries, [self.references], max(k, 1))
        return self._measures(nearest.distances, nearest.indices)

    def _measures(self, distances: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        """Log distance, and by the measure of the neighbours, ``(n, 2)``."""
        own = distances[:, -1].clamp_min(_TINY).log()
        theirs = self.reaches[indices].mean(1).clamp_min(_TINY).log()
        return torch.stack([own, own - theirs], 1)


@dataclass(frozen=True)
class OutlierDetector:
    """Samples of a data set as they are and, of images, under local contrast.

    What is odd in either is an outlier. Pixels as they are tell negatives, and what is
    far brighter or darker; local contrast tells noise among bold shapes, and a stranger
    among faces.

    Attributes
    ----------
    seen : dict of Surroundings
        By contrast normalisation.
    """

    seen: dict[str, Surroundings]

    @classmethod
    def of(cls, dataset: RowDataset, reader: SampleReader) -> "OutlierDetector":
        """Look at the samples of a data set, up to 2,000 of them."""
        contrasts = SEEN_UNDER if reader.layout.is_image else SEEN_UNDER[:1]
        reader = _of_all(reader)
        return cls({name: Surroundings.of(dataset, reader, name) for name in contrasts})

    def to(self, device: torch.device) -> "OutlierDetector":
        """Return the same on another device."""
        return OutlierDetector(
            {name: one.to(device) for name, one in self.seen.items()}
        )

    def arrays(self) -> dict[str, torch.Tensor]:
        """All of it, as arrays to be saved."""
        return {
            f"{_NAME}.{contrast}.{name}": array
            for contrast, one in self.seen.items()
            for name, array in one.arrays().items()
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, torch.Tensor], contrast: str
    ) -> "OutlierDetector | None":
        """Undo :meth:`arrays`; None where there are none among them.

        Files of 0.1.0 have those of one contrast, which they do not name.
        """
        parts: dict[str, dict[str, torch.Tensor]] = {}
        for name, array in arrays.items():
            kind, *rest = name.split(".")
            if kind == _NAME:
                *under, part = rest
                parts.setdefault(under[0] if under else contrast, {})[part] = array
        seen = {
            name: Surroundings.from_arrays(part, name) for name, part in parts.items()
        }
        return cls(seen) if seen else None

    def marked(
        self,
        labels: Labels,
        dataset: RowDataset,
        reader: SampleReader,
        device: torch.device,
    ) -> Labels:
        """Labels ``(n,)`` of the rows of a data set, -1 where one is an outlier.

        Whether it is depends on the row alone.
        """
        fences = np.concatenate([one.fences for one in self.seen.values()])
        with computing(device):
            measures = collect(
                self.to(device)._measured, dataset, _of_all(reader), device
            )
        # So that what overflows, and has no measure, is beyond them.
        within = measures.cpu().numpy() <= fences + _ROUNDING
        return np.where(within.all(axis=1), labels, -1)

    def _measured(self, x: torch.Tensor) -> torch.Tensor:
        """Measures of samples under each contrast, ``(n, 2 * len(seen))``."""
        return torch.cat([one._measured(x) for one in self.seen.values()], 1)


def _of_all(reader: SampleReader) -> SampleReader:
    """Read what was constant as well, which others read as 0.

    It has no measure of its own, and goes by the largest of the others: at most as far
    off as what varies most, it makes no outlier.
    """
    scale = reader.scaler.scale
    least = scale.min(where=scale > 0, initial=np.inf)
    if least == np.inf:  # all is constant
        return reader
    whole = np.where(scale > 0, scale, least)
    return replace(reader, scaler=replace(reader.scaler, scale=whole))


def _distinct_rows(dataset: RowDataset, most: int) -> NDArray[np.int64]:
    """Rows from all over a data set; of copies, beside which all is far, one."""
    spaced = spaced_rows(len(dataset), 2 * most)
    distinct = spaced[first_copies(dataset.rows[spaced])]
    return distinct[spaced_rows(len(distinct), most)]


def _parts(features: PrincipalComponents, x: torch.Tensor) -> torch.Tensor:
    """Components of samples, the norm of what they leave out, and 0; ``(n, d + 2)``."""
    centered = features.prepare(x).flatten(1) - features.mean
    components = centered @ features.basis
    rest = (centered - components @ features.basis.T).norm(dim=1, keepdim=True)
    return torch.cat([components, rest, torch.zeros_like(rest)], 1)


def _fence(values: NDArray[np.floating], times: float) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high + times * (high - low))
