"""Samples that come as no array: lists of pictures, data sets, arrays on a disk.

Told by what they can do, so that neither a library of data sets nor one of arrays on
disks has to be installed.
"""

import sys
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from deepcluster_sk.data.pictures import pillow, read_pixels, reason
from deepcluster_sk.data.pixels import Pixels, is_grey, is_share, stacked, white_of

#: Modes of Pillow that may hold grey pictures without saying so, and those that do.
_MAYBE_GREY = ("1", "L", "LA", "La", "P", "PA")
#: What has an index and a length, and yet is no data set.
_NO_DATA_SETS = (list, tuple, str, bytes, bytearray, memoryview, Mapping)


def plain(X: Any) -> Any:
    """Make an array of samples that come as none; leave everything else alone.

    As :func:`plain_of_white` does, which says what is raised.
    """
    return plain_of_white(X)[0]


def plain_of_white(
    X: Any, n_channels: int | None = None, white: float | None = None
) -> tuple[Any, float | None]:
    """Make an array of samples that come as none, and tell what white is in it.

    Parameters
    ----------
    X : Any
        Tensors on any device, lists of Pillow images or tensors, columns of images or
        arrays, data sets, lists of their samples and arrays on a disk become arrays.
        Everything else is left alone.
    n_channels : int, default=None
        Number of channels that grey Pillow images are to have, if it is known.
    white : float, default=None
        What is to stand for white in Pillow images of integers, if it is known.

    Returns
    -------
    X : Any
    white : float or None
        None where the type of the numbers does not tell.

    Raises
    ------
    ValueError
        If samples differ in size, or none can be told from the rest of a data set; if
        values are masked: NumPy's functions differ in whether they look at the mask; if
        samples are names of files.
    TypeError
        If they are what only holds an array.
    """
    X = _column(_on_host(X))
    if isinstance(X, (list, tuple)) and X and isinstance(X[0], (str, PathLike)):
        raise ValueError(
            f"X holds names, such as {str(X[0])!r}: if they are of pictures, "
            "deepcluster_sk.datasets.load_pictures(X).X are their pixels."
        )
    if is_data_set(X) or _is_list_of_samples(X):
        X = [image_of(X, number) for number in range(len(X))]
        if not holds_pictures(X):
            X = _stacked_arrays(X)
    _refuse_holders(X)
    if holds_pictures(X):
        return stack_pictures(X, n_channels=n_channels, white=white)
    if _is_on_disk(X):
        X = np.asarray(X[:])
    if np.ma.isMaskedArray(X) and np.ma.is_masked(X):
        raise ValueError(
            f"X has {np.ma.count_masked(X)} masked values; fill them, or leave their "
            "samples out."
        )
    dtype = getattr(X, "dtype", None)
    is_whole = isinstance(dtype, np.dtype) and dtype.kind == "u" and dtype.itemsize <= 2
    return X, float(np.iinfo(dtype).max) if is_whole else None


def holds_pictures(X: Any) -> bool:
    """Whether data are a list or tuple that begins with a Pillow image."""
    return isinstance(X, (list, tuple)) and bool(X) and is_picture(X[0])


def is_picture(X: Any) -> bool:
    """Whether something is a Pillow image."""
    image = sys.modules.get("PIL.Image")
    return bool(image and isinstance(X, image.Image))


def is_data_set(X: Any) -> bool:
    """Whether data are a data set: of torch, of Hugging Face, or one that works alike.

    Raises
    ------
    ValueError
        If they are a torch data set without a length, or what only loads one, or a
        table that is still to be computed.
    """
    kind = type(X)
    if hasattr(X, "dataset") and hasattr(X, "batch_sampler"):
        raise ValueError(f"X is a {kind.__name__}: pass its data set, X.dataset.")
    # One kind of sparse matrix is a dict.
    is_dict = isinstance(X, Mapping) and not issparse(X) and len(X) > 0
    if is_dict and all(map(_is_indexed, X.values())):
        raise ValueError(
            f"X is a dict of data sets: pass one of them, X[{next(iter(X))!r}]."
        )
    if not _is_indexed(X):
        return False
    if not hasattr(kind, "__len__"):
        if hasattr(X, "collect"):
            raise ValueError(f"X is a {kind.__name__}: collect it first, X.collect().")
        raise ValueError(
            f"X is a {kind.__name__}, which has no length: make a list of its images."
        )
    return True


def image_of(data: Any, number: int) -> Any:
    """Sample of a data set, without its label.

    Parameters
    ----------
    data : data set
        Its samples are images, tuples that begin with one, or dicts that hold one.
    number : int

    Returns
    -------
    Pillow image, array or tensor

    Raises
    ------
    ValueError
        If several entries of a dict, or none, may be the image.
    """
    sample = data[number]
    if isinstance(sample, Mapping):
        names = [name for name, value in sample.items() if is_picture(value)]
        names = names or [name for name, value in sample.items() if _n_axes(value) > 1]
        if len(names) != 1:
            what = f"images in {names}" if names else f"no image in {list(sample)}"
            raise ValueError(
                f"Sample {number} of X has {what}: pass the column of the images, such "
                'as X["image"], or of a list [sample["image"] for sample in X].'
            )
        return sample[names[0]]
    is_pair = isinstance(sample, tuple) or holds_pictures(sample)
    return sample[0] if is_pair and len(sample) else sample


def stack_pictures(
    pictures: Sequence[Any],
    *,
    n_channels: int | None = None,
    white: float | None = None,
) -> tuple[NDArray[Any], float | None]:
    """Make an array of Pillow images of one size.

    Palettes are looked up, transparent pictures are laid on white, and pictures are
    turned upright.

    Parameters
    ----------
    pictures : sequence of PIL.Image.Image
    n_channels : int, default=None
        3 makes colour pictures of grey ones, as a model of colour pictures needs. None
        does so if any is of a colour mode.
    white : float, default=None
        What is to stand for white, unless all hold floating-point numbers. None takes
        what :func:`white_of` tells.

    Returns
    -------
    X : ndarray of shape (n, H, W) or (n, H, W, 3)
        As :func:`stacked`.
    white : float or None
        What stands for white.

    Raises
    ------
    ValueError
        If an entry is no Pillow image, cannot be decoded, or differs in size; if
        floating-point numbers beyond [0, 1] lie beside integers.
    """
    image = pillow().Image
    found: list[Pixels] = []
    for number, picture in enumerate(pictures):
        if not isinstance(picture, image):
            raise ValueError(
                f"Entry {number} of X is a {type(picture).__name__}, the first is a "
                "picture: all must be Pillow images."
            )
        try:
            pixels = read_pixels(picture, (255, 255, 255))
        except Exception as error:
            raise ValueError(f"Picture {number} of X: {reason(error)}.") from error
        # True colours stay colours: whether a batch happens to hold grey ones only must
        # not decide on its shape.
        if picture.mode in _MAYBE_GREY and is_grey(pixels.values):
            values = pixels.values
            pixels = Pixels(values if values.ndim == 2 else values[..., 0], pixels.top)
        if found and pixels.values.shape[:2] != found[0].values.shape[:2]:
            first, other = (p.values.shape[:2] for p in (found[0], pixels))
            raise ValueError(
                f"Picture {number} of X has (height, width) {other}, the first has "
                f"{first}: resize them to one size, or let "
                "deepcluster_sk.datasets.load_pictures do so."
            )
        found.append(pixels)
    own = white_of(found)
    if own is not None:
        for number, pixels in enumerate(found):
            if not is_share(pixels):
                raise ValueError(
                    f"Picture {number} of X holds floating-point numbers beyond [0, 1] "
                    "beside pictures of integers: there is no common scale."
                )
    colour = any(pixels.values.ndim == 3 for pixels in found)
    white = own if own is None or white is None else white
    return stacked(found, colour=colour or n_channels == 3, white=white), white


def _on_host(X: Any) -> Any:
    """Take a tensor for the array it holds, on whatever device."""
    if not hasattr(X, "detach"):
        return X
    # NumPy has no bfloat16.
    return (X.float() if str(X.dtype) == "torch.bfloat16" else X).detach().cpu().numpy()


def _column(X: Any) -> Any:
    """Make a list or an array of a column with a sample in each row; else give it back.

    A column is an array of objects, a series, or a frame of one.
    """
    shape = getattr(X, "shape", None)
    if not isinstance(shape, tuple):
        return X
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    is_column = len(shape) == 1 or shape[1:] == (1,)
    if kind != "O" or not is_column or not hasattr(X, "__array__"):
        return X
    values = np.asarray(X)
    if values.ndim > len(shape):  # a series of arrays of one shape, of polars
        return values
    if values.dtype != object or not values.size:
        return X
    samples = list(values.ravel())
    if is_picture(samples[0]):
        return samples
    return _stacked_arrays(samples) if _n_axes(samples[0]) else X


def _is_list_of_samples(X: Any) -> bool:
    """Whether data are a list of what data sets hold: of tensors, dicts or pairs.

    Pairs, as (image, label), are told from nested lists: their parts differ in axes.
    """
    if not isinstance(X, (list, tuple)) or not X:
        return False
    first = X[0]
    if isinstance(first, Mapping):
        return not issparse(first)
    if holds_pictures(first) or (isinstance(first, tuple) and first):
        image, *others = map(_n_axes, first)
        return image > 0 and image not in others
    return hasattr(first, "detach")


def _refuse_holders(X: Any) -> None:
    """Refuse what only holds an array, and say which it may be."""
    kind = type(X).__name__
    if isinstance(X, tuple) and hasattr(X, "X"):
        raise TypeError(f"X is a {kind}, which holds more than images: pass X.X.")
    if not isinstance(X, Mapping) or issparse(X):
        return
    arrays = {name: n for name, value in X.items() if (n := _n_axes_told(value))}
    several = [name for name, n in arrays.items() if n > 1]
    if arrays:
        which = " or ".join(f"X[{name!r}]" for name in several or arrays)
        raise TypeError(f"X is a {kind} of arrays: pass one of them, {which}.")


def _is_indexed(X: Any) -> bool:
    """Whether something has an index, and is neither a container nor an array."""
    return (
        hasattr(type(X), "__getitem__")
        and not isinstance(X, _NO_DATA_SETS)
        and not any(hasattr(X, name) for name in ("__array__", "dtype"))
        and not issparse(X)
    )


def _n_axes(value: Any) -> int:
    try:
        return int(np.ndim(value))
    except ValueError:  # lists of several lengths
        return 0


def _n_axes_told(value: Any) -> int:
    """Axes that something says it has, 1 of a list: data sets are not read for it."""
    return getattr(value, "ndim", int(isinstance(value, (list, tuple))))


def _is_on_disk(X: Any) -> bool:
    """Whether data are an array that NumPy does not know, and that can be sliced."""
    known = hasattr(X, "__array__") or issparse(X)
    return not known and all(
        hasattr(X, name) for name in ("shape", "dtype", "__getitem__")
    )


def _stacked_arrays(samples: list[Any]) -> NDArray[Any]:
    """Make an array of arrays or tensors of one shape."""
    arrays = []
    for number, sample in enumerate(samples):
        arrays.append(np.asarray(plain(sample)))  # it may be a column of columns
        if arrays[-1].shape != arrays[0].shape:
            raise ValueError(
                f"Sample {number} of X has shape {arrays[-1].shape}, the first has "
                f"{arrays[0].shape}: all must have one."
            )
    return np.array(arrays)
