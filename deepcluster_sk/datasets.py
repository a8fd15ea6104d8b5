"""Images to cluster: public data sets, ``.npz`` files and folders of pictures."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import fetch_openml

from deepcluster_sk.data.duplicates import near_duplicates
from deepcluster_sk.data.picture_files import LeftOut
from deepcluster_sk.data.picture_loading import Pictures, load_pictures

__all__ = ["LeftOut", "Pictures", "load_dataset", "load_pictures", "near_duplicates"]

#: OpenML number and image side of each data set that can be fetched.
_OPENML = {
    "mnist": (554, 28),
    "fashion_mnist": (40996, 28),
    "usps_9298": (41082, 16),
}


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
        If the name is unknown or, with a folder, is a path. If the file is damaged or
        lacks an array, the arrays differ in length, or classes are no whole numbers.
    FileNotFoundError
        If the folder has no such file.
    """
    if folder is not None:
        return _read_npz(Path(folder), name)
    if str(name) not in _OPENML:
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


def _read_npz(folder: Path, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    if not re.fullmatch(r"[^/\\:\0]+", str(name)):
        raise ValueError(
            f"name={name!r} must be the plain name of a file in {str(folder)!r}, "
            "without '.npz' and without a path: pass the path as folder."
        )
    path = folder / f"{name}.npz"
    if not path.is_file():
        found = sorted(other.stem for other in folder.glob("*.npz"))
        raise FileNotFoundError(
            f"There is no file {str(path)!r}; the folder holds {found}."
        )
    X, y = (_numbers(path, key, values) for key, values in _arrays(path).items())
    if len(X) != len(y):
        raise ValueError(
            f"{str(path)!r} holds {len(X):,} images in X, but {len(y):,} classes in y: "
            "both must have the same length."
        )
    return X, _classes(path, y)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read X and y of an .npz file."""
    try:
        with zipfile.ZipFile(path) as archive:
            held = [entry.removesuffix(".npy") for entry in archive.namelist()]
            names: list[str] = [key for key in ("X", "y") if key in held]
            found = {key: _array(archive, key) for key in names}
    except PermissionError:
        raise
    # Damage comes out as nearly anything: BadZipFile, zlib.error, EOFError, KeyError,
    # NotImplementedError, SyntaxError, UnicodeDecodeError ...
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} is damaged, or no .npz file of plain numbers "
            f"({type(error).__name__}: {error})."
        ) from error
    missing = {"X", "y"}.difference(found)
    if missing:
        raise ValueError(f"{str(path)!r} lacks {sorted(missing)}; it holds {held}.")
    return found


def _array(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    with archive.open(f"{key}.npy") as file:
        values = np.lib.format.read_array(file, allow_pickle=False)
        # The check sum is compared where the entry ends: `numpy.load` stops before.
        if file.read(1):
            raise ValueError(f"{key} is longer than it says")
    return np.asarray(values)


def _numbers(path: Path, key: str, values: NDArray[Any]) -> NDArray[Any]:
    """Return an array of the file if it may hold images or classes."""
    axes = {"X": (2, 3, 4), "y": (1,)}[key]
    if values.ndim not in axes:
        raise ValueError(
            f"{key} in {str(path)!r} has shape {values.shape}: it must have "
            f"{' or '.join(map(str, axes))} axes."
        )
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"{key} in {str(path)!r} has type {values.dtype}: it must hold numbers"
            + (", such as np.unique(y, return_inverse=True)[1]." if key == "y" else ".")
        )
    return values


def _classes(path: Path, y: NDArray[Any]) -> NDArray[np.int64]:
    """Return the classes as int64, if they are whole numbers."""
    # As doubles, of which the largest whole number is no int64 any more.
    as_double = y.astype(np.float64)
    bad = np.flatnonzero(
        (np.floor(as_double) != as_double) | (np.abs(as_double) >= 2.0**63)
    )
    if len(bad):
        raise ValueError(
            f"y[{bad[0]}] in {str(path)!r} is {y[bad[0]]}: classes must be whole "
            "numbers that int64 can hold."
        )
    return y.astype(np.int64)
