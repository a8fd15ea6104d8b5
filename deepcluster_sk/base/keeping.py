"""A fitted clusterer copied, pickled, saved and handed on."""

from copy import deepcopy
from os import PathLike
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from deepcluster_sk.base.export import ExportFormat, export
from deepcluster_sk.base.saving import save
from deepcluster_sk.graph.outliers import OutlierDetector


class KeepingMixin:
    """Copies, pickles and files of a clusterer that has its ``net_``."""

    #: What the samples fitted on look like; None of files that lack it.
    _surroundings: OutlierDetector | None

    @property
    def has_references(self) -> bool:
        """Whether ``predict(X, outliers=True)`` has what to compare samples with.

        Not of a model that was pickled, or saved without ``references``.
        """
        check_is_fitted(self)
        return self._surroundings is not None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of pickles the samples that outliers are told by."""
        state: Any = super().__getstate__()
        return {**state, "_surroundings": None} if "net_" in state else state

    # Copies within a process keep those samples, and do not go by __getstate__.

    def __copy__(self) -> Self:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(vars(self))
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = memo[id(self)] = type(self).__new__(type(self))
        copied.__dict__.update(deepcopy(vars(self), memo))
        return copied

    def save(self, path: str | PathLike[str], *, references: bool = False) -> None:
        """Save the fitted clusterer to one file, safe to share.

        It holds numbers and JSON, and nothing that runs when it is read;
        :func:`deepcluster_sk.load` reads it, on any device. A module or a function
        among the parameters is left out, and is given again then.

        Parameters
        ----------
        path : path-like
            Such as ``"digits.safetensors"``. A file that is there is replaced once the
            new one is complete.
        references : bool, default=False
            Whether to put in what ``predict(X, outliers=True)`` compares samples with:
            up to 2,000 of those fitted on, reduced to their principal components. Since
            a face could be recognised by them, pickles never hold them.

        Raises
        ------
        ValueError
            If `references` are wanted of a model that was pickled, or saved without.
        OSError
            If the folder is missing or cannot be written to, or the disk is full.
        """
        check_is_fitted(self)
        save(self, path, references=references)

    def export(
        self,
        path: str | PathLike[str],
        format: ExportFormat = "onnx",  # noqa: A002
    ) -> None:
        """Write the model for programs without this package.

        What is written takes ``samples``, float32, of the shape of the images it was
        fitted on (``image_shape_``, or ``n_features_in_`` numbers), as many as come. It
        scales them as :meth:`predict` does, and returns two arrays: ``probabilities``
        ``(n, n_clusters)``, those of :meth:`predict_proba`, and ``latent``
        ``(n, latent_dim)``, those of :meth:`transform`, up to rounding.

        Parameters
        ----------
        path : path-like
            Such as ``"digits.onnx"`` or ``"digits.pt2"``.
        format : {"onnx", "torch"}, default="onnx"
            "onnx" is for runtimes of ONNX, in one file, and needs the packages onnx and
            onnxscript; "torch" is a program that ``torch.export.load(path).module()``
            reads. (TorchScript, which torch has given up, is not written.)

        Raises
        ------
        ValueError
            If there is no such format.
        OSError
            If the folder is missing or cannot be written to, or the disk is full.
        ImportError
            If a package is missing.

        See Also
        --------
        deepcluster_sk.load : Reads what ``save`` wrote, the whole estimator.
        """
        check_is_fitted(self)
        export(self, path, format)
