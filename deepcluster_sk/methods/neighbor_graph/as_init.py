"""The graph as the start of another estimator, which has prepared the samples."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from deepcluster_sk.augmentation.presets import (
    AugmentationLike,
    kind_of,
    make_augmentation,
)
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.graph.contest import Appearance, ImageKind
from deepcluster_sk.graph.neighbors import Views
from deepcluster_sk.graph.settings import GraphSettings, settings_for
from deepcluster_sk.graph.start import GraphStart, contrasts_for, find_start
from deepcluster_sk.methods.neighbor_graph.clustering import check_sizes


class StartMixin:
    """What an estimator of graphs does as the `init` of a deep clusterer."""

    n_neighbors: int | str
    n_views: int | str
    contrast: str
    image_kind: ImageKind | Literal["auto"]
    augmentation: Any
    max_nodes: int
    _validate_params: Callable[[], None]

    def start_of(
        self,
        views: Views,
        n_clusters: int,
        random_state: np.random.RandomState,
        *,
        contrasts: Sequence[str] = ("none",),
        image_kind: ImageKind | Literal["auto"] = "auto",
        seen: Appearance | None = None,
    ) -> GraphStart:
        """Partition samples that another estimator has prepared, by its own settings.

        Samples, number of clusters, device and seed are those of the other, which calls
        this in its ``fit`` where its `init` is an estimator of this class.

        Parameters
        ----------
        views : Views
            The samples, and the augmentation to take where this one's is "auto".
        n_clusters : int
        random_state : RandomState
        contrasts : sequence of str, default=("none",)
            Contrast normalisations that the other can take.
        image_kind : {"auto", "drawing", "photograph"}, default="auto"
            What the other takes images for.
        seen : Appearance, default=None
            How the other has seen the samples already; taken where this one may see
            them so.

        Returns
        -------
        GraphStart

        Raises
        ------
        ValueError
            If a parameter is not valid, or contradicts one of the other's.
        """
        self._validate_params()
        layout, n_samples = views.reader.layout, len(views.dataset)
        check_sizes(n_samples, n_clusters, self.max_nodes, self.n_neighbors)
        own = contrasts_for(self.contrast, layout)
        wanted = [contrast for contrast in contrasts if contrast in own]
        if not wanted:
            raise self._contradiction("contrast", " or ".join(map(repr, contrasts)))
        if len({self.image_kind, image_kind, "auto"}) > 2:
            raise self._contradiction("image_kind", repr(image_kind))
        if seen is not None and (
            seen.contrast not in wanted
            or self.image_kind not in ("auto", seen.image_kind)
        ):
            seen = None
        if self.augmentation != "auto":
            views = replace(views, augmentation=self._augmentation(layout))
        return find_start(
            views,
            n_clusters,
            random_state,
            contrasts=wanted,
            image_kind=image_kind if self.image_kind == "auto" else self.image_kind,
            settings=self._settings(min(n_samples, self.max_nodes)),
            max_nodes=self.max_nodes,
            seen=seen,
        )

    def _contradiction(self, name: str, other: str) -> ValueError:
        return ValueError(
            f"{name}={getattr(self, name)!r} of {type(self).__name__} contradicts that "
            f'of the estimator it is the init of, {other}. Leave one of both at "auto".'
        )

    def _augmentation(self, layout: RowLayout) -> AugmentationLike:
        return make_augmentation(self.augmentation, kind_of(layout), wide=True)

    def _settings(self, n_nodes: int) -> GraphSettings:
        """Choose settings for so many nodes, but where the user has chosen."""
        settings = settings_for(n_nodes)
        if not isinstance(self.n_neighbors, str):
            wanted = (int(self.n_neighbors),)
            settings = replace(settings, n_neighbors=wanted, most_linked=None)
        if not isinstance(self.n_views, str):
            settings = replace(settings, n_views=int(self.n_views))
        return settings
