"""What a fitted graph does: label new samples, and judge a clustering of them."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metadata_routing import UNUSED

from deepcluster_sk.data.batches import RowDataset, SampleReader
from deepcluster_sk.data.images import PixelScaler, RowLayout
from deepcluster_sk.data.validation import InputMixin
from deepcluster_sk.graph.outliers import OutlierDetector
from deepcluster_sk.graph.score import best_modularity, scoring_graphs, view_labels
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.graph.voting import NodeVoters
from deepcluster_sk.networks.inference import collect
from deepcluster_sk.runtime.device import resolve_device
from deepcluster_sk.runtime.modes import computing


class VotingMixin(InputMixin):
    """Methods of an estimator that has nodes which vote."""

    device: Any
    outliers: bool
    _scaler: PixelScaler
    _voters: NodeVoters
    _surroundings: OutlierDetector
    #: An option of the call, and nothing that a pipeline brings with the samples.
    __metadata_request__predict: ClassVar[dict[str, str]] = {"outliers": UNUSED}

    def predict(self, X: ArrayLike, outliers: bool | None = None) -> Labels:
        """Cluster of each sample.

        A sample that was in the graph has the label it got there; any other takes the
        one that most of the nodes nearest to it have, in any of their views.

        Parameters
        ----------
        X : array-like
            Images or vectors of the fitted shape, in any layout ``fit`` takes.
        outliers : bool, default=None
            Whether to label a sample -1 that looks like none of those fitted on: in
            pixels, as they are or under local contrast, its distance to the tenth
            nearest of them is larger than nearly all of these have to their own tenth
            nearest, or much larger than those ten have. Neither labels nor a share of
            outliers is needed. One to sixteen in a hundred ordinary samples are taken
            for outliers, too. None is the parameter of this name.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64
        """
        rows, layout = self._rows(X)
        return self._marked(self._label(rows, layout), rows, layout, outliers)

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Quality of the clustering of `X`, without labels.

        The ``score`` of the deep clusterers: modularity on a graph made from `X` alone,
        the mean of that of ``predict(X)`` and that of the clusters found most often in
        eight augmented views of each sample.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`; best samples that were not fitted on, a hundred for
            each cluster or more. Up to 4,000 of them are used.
        y : Ignored
            Never looked at.

        Returns
        -------
        float
            In [-1/2, 1), higher is better; the same on every call.
        """
        rows, layout = self._rows(X)
        device = resolve_device(self.device)
        graphs = scoring_graphs(rows, layout, device)
        # The same samples are nodes of all graphs, and only theirs are looked at.
        nodes = graphs[0].nodes
        dataset, reader = RowDataset(rows[nodes]), self._fitted_reader(layout)
        voters = self._voters.to(device)
        found, voted = np.zeros((2, len(rows)), np.int64)
        found[nodes] = voters.label_all(dataset, reader, device)
        voted[nodes] = view_labels(voters.label, dataset, reader, device)
        return best_modularity(graphs, found, voted)

    def _marked(
        self,
        labels: Labels,
        rows: NDArray[Any],
        layout: RowLayout,
        outliers: bool | None = None,
    ) -> Labels:
        """Mark outliers among labelled samples, if it is wanted."""
        if not (self.outliers if outliers is None else outliers):
            return labels
        reader = self._fitted_reader(layout)
        device = resolve_device(self.device)
        return self._surroundings.marked(labels, RowDataset(rows), reader, device)

    def _features(self, rows: NDArray[Any], layout: RowLayout) -> NDArray[np.float32]:
        """Compute what samples are compared by, ``(n, d)``."""
        device = resolve_device(self.device)
        reader = self._fitted_reader(layout)
        with computing(device):
            features = self._voters.to(device).features
            found = collect(features, RowDataset(rows), reader, device)
        return found.cpu().numpy()

    def _fitted_reader(self, layout: RowLayout) -> SampleReader:
        """Read samples of a layout, scaled as those fitted on were."""
        return SampleReader(layout, self._scaler)

    def _label(self, rows: NDArray[Any], layout: RowLayout) -> Labels:
        device = resolve_device(self.device)
        reader = self._fitted_reader(layout)
        return self._voters.label_all(RowDataset(rows), reader, device)
