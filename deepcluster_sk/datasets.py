"""Images to cluster: public data sets, ``.npz`` files and folders of pictures."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import fetch_openml

__all__ = ["Pictures", "load_dataset", "load_pictures"]

#: OpenML number and image side of each data set that can be fetched.
_OPENML = {
    "mnist": (554, 28),
    "fashion_mnist": (40996, 28),
    "usps_9298": (41082, 16),
}
#: File name endings that `load_pictures` reads, in lower case.
PICTURE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


class Pictures(NamedTuple):
    """What :func:`load_pictures` returns.

    Attributes
    ----------
    X : ndarray of shape (n, size, size) or (n, size, size, 3)
        Grey images if every picture is grey, else colour. uint8 (0-255); float32
        with the files' own values if any file holds more than 8 bits a pixel.
    paths : list of Path
        The file of each image, sorted.
    unreadable : list of Path
        Files left out because they could not be decoded.
    """

    X: NDArray[Any]
    paths: list[Path]
    unreadable: list[Path]


def load_dataset(
    name: str, *, folder: str | Path | None = None, data_home: str | Path | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Load a labelled image data set.

    Parameters
    ----------
    name : str
        Without a folder: ``"mnist"`` (70,000 images of 28x28 pixels),
        ``"fashion_mnist"`` (70,000 of 28x28) or ``"usps_9298"`` (9,298 of 16x16),
        fetched from OpenML and kept in a cache. With a folder: the name of any
        ``.npz`` file in it, without the ending.
    folder : str or Path, default=None
        Folder of ``.npz`` files, each with the arrays ``X`` (images) and ``y``
        (classes).
    data_home : str or Path, default=None
        Cache of fetched data sets; None is scikit-learn's own.

    Returns
    -------
    X : ndarray of shape (n, H, W) or (n, H, W, C)
        The images; uint8, 0-255, where they were fetched.
    y : ndarray of shape (n,), int64
        The classes, for evaluation.

    Raises
    ------
    ValueError
        If the name is unknown or the file lacks an array.
    FileNotFoundError
        If the folder has no such file.
    """
    if folder is not None:
        return _read_npz(Path(folder), name)
    if name not in _OPENML:
        raise ValueError(
            f"Unknown data set {name!r}: one of {sorted(_OPENML)} can be fetched. Pass "
            "folder to read an .npz file."
        )
    number, side = _OPENML[name]
    home = None if data_home is None else str(data_home)
    X, y = fetch_openml(
        data_id=number, return_X_y=True, as_frame=False, data_home=home, parser="auto"
    )
    if name == "usps_9298":
        X = np.rint((X + 1) * 127.5)  # distributed in [-1, 1]
    _, codes = np.unique(np.asarray(y, dtype=np.int64), return_inverse=True)
    return X.astype(np.uint8).reshape(-1, side, side), codes.astype(np.int64)


def load_pictures(folder: str | Path, *, size: int = 32) -> Pictures:
    """Read every picture below a folder, cut and scaled to squares.

    Each picture is turned upright as its camera noted, cut to its central square and
    scaled. Subfolders are read too; hidden files are not.

    Parameters
    ----------
    folder : str or Path
        Folder of pictures (BMP, GIF, JPEG, PNG, TIFF, WebP; the first frame).
    size : int, default=32
        Side of the squares, in pixels; at least 8.

    Returns
    -------
    pictures : Pictures
        Named tuple ``(X, paths, unreadable)``.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    ValueError
        If the folder holds no readable picture, or the size is below 8.
    ImportError
        If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading pictures needs Pillow, which is not installed: "
            'pip install "deepcluster-sk[images]"'
        ) from error
    if size < 8:
        raise ValueError(f"size={size!r} must be at least 8 pixels.")
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"There is no folder {str(root)!r}.")

    images, paths, unreadable = [], [], []
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if hidden or path.suffix.lower() not in PICTURE_SUFFIXES or not path.is_file():
            continue
        try:
            with Image.open(path) as picture:
                images.append(_square(picture, size))
        # Decoders raise many kinds of errors on damaged files.
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            unreadable.append(path)
        else:
            paths.append(path)
    if not images:
        broken = f", {len(unreadable)} could not be read" if unreadable else ""
        raise ValueError(
            f"The folder {str(root)!r} holds no readable picture "
            f"({', '.join(PICTURE_SUFFIXES)}){broken}."
        )
    if any(image.ndim == 3 for image in images):
        images = [
            image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)
            for image in images
        ]
    return Pictures(np.stack(images), paths, unreadable)


def _read_npz(folder: Path, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    path = folder / f"{name}.npz"
    if not path.is_file():
        found = sorted(other.stem for other in folder.glob("*.npz"))
        raise FileNotFoundError(
            f"There is no file {str(path)!r}; the folder holds {found}."
        )
    with np.load(path) as archive:
        missing = {"X", "y"}.difference(archive.files)
        if missing:
            raise ValueError(
                f"{str(path)!r} lacks {sorted(missing)}; it holds {archive.files}."
            )
        return archive["X"], archive["y"].astype(np.int64)


def _square(picture: Any, size: int) -> NDArray[Any]:
    """Return one picture as (size, size) or (size, size, 3)."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        # 16 bits and more, as microscopes write: 8 bits would clip or lose them.
        picture = Image.fromarray(np.asarray(picture, dtype=np.float32))
    elif picture.mode in ("1", "L", "LA", "La"):
        picture = picture.convert("L")
    else:
        picture = picture.convert("RGB")
    fitted = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    return np.asarray(fitted)
