"""A report as one page that opens in any browser, without a network."""

import json
import os
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _num_samples, check_is_fitted

from deepcluster_sk.base.calibration import Assessment
from deepcluster_sk.base.clusterer import BaseDeepClusterer
from deepcluster_sk.persistence.files import check_place
from deepcluster_sk.report.content import content_of
from deepcluster_sk.report.originals import original_pictures
from deepcluster_sk.report.thumbnails import (
    pack,
    pictures_of,
    thumbnail_side,
    thumbnails,
)
from deepcluster_sk.runtime.files import name_as_text, write_whole

#: What stands in the template for what is put there.
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def write_report(
    model: Any,
    X: ArrayLike,
    path: str | os.PathLike[str],
    *,
    files: Sequence[str | os.PathLike[str]] | None = None,
    images: ArrayLike | None = None,
    title: str = "Clusters",
) -> None:
    """Write what a fitted clusterer made of samples as one HTML page.

    The page holds everything it shows, and asks no other machine for anything. It has
    the pictures of each cluster, by typicality or by doubt, with filters; the tree of
    the clusters, whose branches are filters too; a map of the latent space; the start
    against the end; the curves of the fit, and what every "auto" became. A click on a
    picture shows it large, with its probabilities and its nearest neighbours.
    Probabilities are those of ``calibrated_proba`` where there are ten samples or more
    for each cluster, and the page says which they are.

    Parameters
    ----------
    model : DeepTripletClusterer or another deep clusterer
        Fitted.
    X : array-like
        Samples, as ``predict`` takes them: those fitted on, or new ones.
    path : path-like
        File to write; one that is there is replaced once the new one is complete.
    files : sequence of str or path-like, default=None
        Name of each sample, such as its file; shown, and searched for. Where they are
        files, and hold larger pictures than square images `X`, those are shown, up to
        192x192 pixels (64x64 of 5,000), cut to their central square.
    images : array-like of shape (n, H, W), (n, C, H, W) or (n, H, W, C), default=None
        What is shown of the samples: larger images of the same, or the images that
        vectors were made of. None shows the files, or else `X`.
    title : str, default="Clusters"
        Headline of the page.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.
    TypeError
        If `model` is no deep clusterer, or `files` are no names.
    ValueError
        If there are no samples, more or fewer files or images than samples, or samples
        are vectors and there are no images, nor files that can be read.
    OSError
        If the file cannot be written.
    ImportError
        If Pillow is not installed.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from deepcluster_sk import DeepTripletClusterer
    >>> from deepcluster_sk.report import write_report
    >>> X = load_digits().images
    >>> model = DeepTripletClusterer(10, random_state=0).fit(X)  # doctest: +SKIP
    >>> write_report(model, X, "digits.html")  # doctest: +SKIP
    """
    path = Path(path)
    check_place(path)
    write_whole(path, report_page(model, X, files, images, title), replace=True)


def report_page(
    model: Any,
    X: ArrayLike,
    files: Sequence[str | os.PathLike[str]] | None,
    images: ArrayLike | None,
    title: str,
    assessment: Assessment | None = None,
) -> bytes:
    """Make the page of :func:`write_report`, which describes the parameters.

    `assessment` is that of the model where it is known already; it takes a while.
    """
    if not isinstance(model, BaseDeepClusterer):
        raise TypeError(
            "model must be a deep clusterer of deepcluster_sk, such as a "
            f"DeepTripletClusterer, got a {type(model).__name__}."
        )
    check_is_fitted(model)
    files = None if files is None else _checked_files(files)
    names = [name_as_text(file) for file in files or ()]
    n = _num_samples(X)
    if n == 0:
        raise ValueError("X has no samples, so that there is nothing to report.")
    if files is not None and len(names) != n:
        raise ValueError(f"There are {len(names)} files, but {n} samples in X.")
    pictures = _shown(model, X, files, images)
    if pictures is None:
        raise ValueError(
            "X holds vectors, which cannot be shown: pass images=, the picture of each."
        )
    if len(pictures) != n:
        raise ValueError(f"There are {len(pictures)} images, but {n} samples in X.")
    content = content_of(model, X, names, assessment)
    sheets = pack(thumbnails(pictures, thumbnail_side(n, pictures.shape[1:])))
    content |= {
        "title": title,
        "side": sheets.side,
        "columns": sheets.columns,
        "sheets": sheets.links,
    }
    return _filled(content).encode()


def _checked_files(
    files: Iterable[str | os.PathLike[str]],
) -> list[str | os.PathLike[str]]:
    """List the names of files."""
    if isinstance(files, str | bytes | os.PathLike):
        raise TypeError(f"files must hold a name for each sample, got {files!r} alone.")
    found = list(files)
    for file in found:
        if not isinstance(file, str | os.PathLike):
            raise TypeError(f"files must be texts or paths, got {file!r} among them.")
    return found


def _shown(
    model: Any,
    X: ArrayLike,
    files: Sequence[str | os.PathLike[str]] | None,
    images: ArrayLike | None,
) -> NDArray[np.uint8] | None:
    """Pictures of samples: those given, or of their files, or they themselves."""
    if images is not None:
        try:
            return pictures_of(images, None, None)
        except ValueError as error:
            raise ValueError(f"images= cannot be shown: {error}") from error
    pictures = None
    if model.image_shape_ is not None:
        pictures = pictures_of(X, model.image_shape_, model.channel_axis)
    if files is None:
        return pictures
    paths = [Path(file) for file in files]
    return original_pictures(pictures, paths, paths)


def _filled(content: dict[str, Any]) -> str:
    """Put the content into the template, so that no name in it ends its script."""
    folder = resources("deepcluster_sk.report") / "template"
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    parts = {
        "css": (folder / "report.css").read_text("utf-8"),
        "js": (folder / "report.js").read_text("utf-8"),
        "data": data.replace("<", "\\u003c").replace("&", "\\u0026"),
    }
    template = (folder / "report.html").read_text("utf-8")
    # In one go: what is put in is not looked at again.
    return _PLACE.sub(lambda place: parts[place[1]], template)
