"""What a fitted clusterer does: label, embed, decode and judge new data."""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, check_is_fitted

from deepcluster_sk.base.calibration import CalibrationMixin
from deepcluster_sk.base.context import FitContext
from deepcluster_sk.base.keeping import KeepingMixin
from deepcluster_sk.base.start import Start
from deepcluster_sk.base.summary import summary_of
from deepcluster_sk.counting.bounds import NClusters
from deepcluster_sk.data.batches import RowDataset
from deepcluster_sk.data.images import RowLayout
from deepcluster_sk.data.resizing import enlarged
from deepcluster_sk.data.samples import plain
from deepcluster_sk.graph.outliers import OutlierDetector
from deepcluster_sk.graph.score import best_modularity, scoring_graphs, voted_labels
from deepcluster_sk.graph.spectral import Labels
from deepcluster_sk.networks.clustering import Embedding
from deepcluster_sk.networks.inference import CHUNK_ROWS, embed, evaluating
from deepcluster_sk.runtime.interrupts import FitInterruptedWarning, Interrupts
from deepcluster_sk.runtime.warning import warn
from deepcluster_sk.training.net import ClusteringNet
from deepcluster_sk.training.state import epochs_of


def _decodes(clusterer: Any) -> bool:
    """Whether the network of a clusterer has a decoder; before fit it may."""
    net = getattr(clusterer, "net_", None)
    return net is None or hasattr(net.module_, "decode")


class FittedMixin(
    KeepingMixin, CalibrationMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
):
    """Methods of a clusterer that has its ``net_``.

    A transformer itself: ``set_output`` only reaches a ``transform`` defined in one.
    """

    n_clusters: NClusters
    n_clusters_: int
    net_: ClusteringNet
    _n_features_out: int
    #: An option of the call, and nothing that a pipeline brings with the samples.
    __metadata_request__predict: ClassVar[dict[str, str]] = {"outliers": UNUSED}

    def predict(self, X: ArrayLike, outliers: bool = False) -> NDArray[np.int64]:
        """Cluster of each sample.

        Parameters
        ----------
        X : array-like
            Images or vectors of the fitted shape, in any layout ``fit`` takes.
        outliers : bool, default=False
            Whether to label a sample -1 that looks like none of those fitted on: in
            pixels, as they are or under local contrast, its distance to the tenth
            nearest of them is larger than nearly all of these have to their own tenth
            nearest, or much larger than those ten have. Neither labels nor a share of
            outliers is needed. One to sixteen in a hundred ordinary samples are taken
            for outliers, too. After further training, samples are compared with those
            trained on last, and with what `partial_fit` keeps of earlier parts.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The most probable cluster, ``predict_proba(X).argmax(axis=1)``.

        Raises
        ------
        ValueError
            If outliers are asked of a model that was pickled, or saved without
            ``references``.
        """
        rows, layout = self._rows(X)
        labels = self._assign(rows, layout).argmax(axis=1)
        if not outliers:
            return labels
        if self._surroundings is None:
            raise ValueError(
                "This model lacks the samples that outliers are told by, as pickles do "
                "and files that were saved without them: "
                "save(path, references=True) of the model as it was fitted puts them "
                "in."
            )
        reader, device = self._fitted_reader(layout), self.net_.torch_device
        return self._surroundings.marked(labels, RowDataset(rows), reader, device)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Soft assignment of each sample to the clusters.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`.

        Returns
        -------
        q : ndarray of shape (n_samples, n_clusters), float32
            Rows sum to 1.
        """
        return self._assign(*self._rows(X))

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Embed samples in the latent space the clusters live in.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`.

        Returns
        -------
        latent : ndarray of shape (n_samples, latent_dim), float32
            In the same space as ``cluster_centers_``.
        """
        return self._embed(*self._rows(X)).latent.cpu().numpy()

    @available_if(_decodes)
    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Decode latent vectors.

        Parameters
        ----------
        X : array-like of shape (n_samples, latent_dim)
            As :meth:`transform` returns; ``cluster_centers_`` for an image of each
            cluster.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features), float32
            Flat rows in the units and the layout of the data fitted on; of images
            ``reshape(-1, *image_shape_)`` gives them their axes again. Under the
            contrast normalisation ``contrast_`` where the network rebuilt views
            (:class:`~deepcluster_sk.Reconstruction`).
        """
        check_is_fitted(self)
        try:
            latent = check_array(plain(X), dtype=np.float32, order="C", input_name="X")
        except OverflowError as error:
            raise ValueError(
                f"X holds numbers beyond those of float32: {error}"
            ) from error
        if latent.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {latent.shape[1]} columns, but the latent space of this "
                f"{type(self).__name__} has {self._n_features_out} dimensions."
            )
        net = self.net_
        with evaluating(net.module_):
            parts = [
                net.reader.write(net.module_.decode(part.to(net.torch_device))).cpu()
                for part in torch.from_numpy(np.array(latent)).split(CHUNK_ROWS)
            ]
        return enlarged(torch.cat(parts).numpy(), net.reader.layout, self._layout)

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Quality of the clustering of `X`, judged without labels.

        Modularity of the clusters on a graph that links each sample to those that
        augmentation makes alike: the share of links that stay inside clusters, less
        what clusters of these sizes would hold by chance. It is the mean of two, that
        of ``predict(X)``, and that of the clusters found most often in eight augmented
        views of each sample. The graph is made from `X` alone and holds up to 4,000 of
        its samples, so that estimators fitted with other weights, augmentations,
        networks or starts can be compared by it. Of images there is a graph for each
        contrast normalisation, and the clusters are judged by the one that they follow
        best.

        Parameters
        ----------
        X : array-like
            As in :meth:`predict`; best samples that were not fitted on, a hundred for
            each cluster or more.
        y : Ignored
            Never looked at.

        Returns
        -------
        float
            In [-1/2, 1), higher is better; the same on every call. One cluster that
            holds everything gets 0, K clusters of equal size at most 1 - 1/K.

        See Also
        --------
        deepcluster_sk.model_selection : Other scores, with labels and without.
        """
        rows, layout = self._rows(X)
        found = self._assign(rows, layout).argmax(axis=1)
        voted = self._voted_labels(rows, layout)
        graphs = scoring_graphs(rows, layout, self.net_.torch_device)
        return best_modularity(graphs, found, voted)

    def summary(self) -> str:
        """Describe the fit in plain words: what each "auto" became, and how it went.

        Returns
        -------
        str
            A few lines, to be printed.
        """
        check_is_fitted(self)
        return summary_of(self)

    def _store(
        self,
        net: ClusteringNet,
        context: FitContext,
        start: Start,
        labels: NDArray[np.int64],
    ) -> None:
        """Set the fitted attributes; nothing was set before."""
        net.finish()
        self._n_features_out = net.module_.latent_dim
        self.net_ = net
        self.device_ = str(context.device)
        self._layout = context.given
        self._small_shape = context.layout.shape
        self.image_shape_ = context.given.given_shape
        self.image_kind_ = start.image_kind
        self.interrupted_ = context.interrupts.stage
        self.cluster_names_: list[str | None] = [None] * context.n_clusters
        self._asked_for, self._n_times_gone_on = self.n_clusters, 0
        graph = start.graph
        self.hubness_ = graph and graph.graph.hubness
        self.patch_agreement_ = graph and graph.appearance.patch_agreement
        self.contrast_ = start.contrast
        self.initial_labels_ = labels
        self.history_ = [
            {name: value for name, value in row.items() if name != "batches"}
            for row in net.history.to_list()
        ]
        self.n_iter_ = epochs_of(self.history_, "cluster")
        self.cluster_centers_ = to_numpy(net.module_.cluster_centers)
        self._surroundings = OutlierDetector.of(context.dataset, context.reader)
        embedding = self._embed(context.dataset.rows, context.layout)
        found = to_numpy(embedding.log_assignment.exp())
        self._typical_probability = float(np.median(found.max(axis=1)))
        self._store_count(context, found, to_numpy(embedding.latent))
        self._warn_of_interrupts(context.interrupts)

    def _store_count(
        self, context: FitContext, assignment: NDArray[Any], latent: NDArray[Any]
    ) -> None:
        """Set labels, and what is known of the clusters, by their assignment."""
        raise NotImplementedError

    def _warn_of_interrupts(self, interrupts: Interrupts) -> None:
        if not interrupts.seen:
            return
        what = "when it was as good as done"
        if interrupts.stage is not None:
            what = f"in {interrupts.stage}, after epoch {len(self.history_)}"
        warn(
            f"The fit was interrupted {what}. The model is what training had come to: "
            "labels_ are its own, initial_labels_ those it started from. fit again to "
            "train to the end.",
            FitInterruptedWarning,
        )

    def _voted_labels(self, rows: NDArray[Any], layout: RowLayout) -> Labels:
        reader = self._fitted_reader(layout)
        return voted_labels(self.net_.module_, RowDataset(rows), reader)

    def _assign(self, rows: NDArray[Any], layout: RowLayout) -> NDArray[np.float32]:
        return self._embed(rows, layout).log_assignment.exp().cpu().numpy()

    def _embed(self, rows: NDArray[Any], layout: RowLayout) -> Embedding:
        net = self.net_
        reader = self._fitted_reader(layout)
        # Always float32: what a user gets must not depend on the batch it came in.
        embedding = embed(net.module_, RowDataset(rows), reader, net.torch_device)
        # Squares of a finite latent may be too large as well.
        finite = embedding.latent.isfinite().all()
        if not finite or embedding.log_assignment.isnan().any():
            raise ValueError(
                "The embedding of X is not finite: X holds values too large for a "
                f"{type(self).__name__} fitted on data of another scale."
            )
        return embedding


def to_numpy(tensor: torch.Tensor) -> Any:
    """Copy a tensor to the host, as an array."""
    return tensor.detach().cpu().numpy()
