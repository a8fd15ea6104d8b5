"""A sheet of the surest pictures of each cluster."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array, check_consistent_length

from deepcluster_sk.data.pictures import pillow
from deepcluster_sk.metrics import check_labels
from deepcluster_sk.report.thumbnails import pictures_of, thumbnails

#: Entry of the file by which it is not taken for a picture of the user's.
_SOFTWARE = "Software"
#: Pixels from a line of text to the next.
_LINE = 14


@dataclass(frozen=True)
class SheetSettings:
    """What a sheet looks like."""

    n_images: int = 15
    """Pictures of each cluster, at most."""
    side: int = 64
    """Pixels of a side of each; small pictures are enlarged."""
    gap: int = 4
    """Pixels between two."""
    label_width: int = 110
    """Pixels of the column that names the clusters."""


SHEET = SheetSettings()


def contact_sheet(
    pictures: ArrayLike,
    labels: ArrayLike,
    confidence: ArrayLike,
    *,
    names: Sequence[str | None] | None = None,
    software: str = "deepcluster_sk",
    settings: SheetSettings = SHEET,
) -> bytes:
    """Draw the surest pictures of each cluster, a row a cluster, as a PNG file.

    Parameters
    ----------
    pictures : array-like of shape (n, H, W), (n, C, H, W) or (n, H, W, C)
        Images, as :func:`write_report` takes them.
    labels : array-like of shape (n,)
        Cluster of each.
    confidence : array-like of shape (n,)
        Higher is surer.
    names : sequence of str or None, default=None
        Of the clusters, such as ``cluster_names_``. What is longer than the column is
        cut.
    software : str, default="deepcluster_sk"
        What the file says it was made by.
    settings : SheetSettings

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If lengths differ, there are no pictures, or a cluster has no place in `names`.
    ImportError
        If Pillow is not installed.
    """
    pictures, labels = pictures_of(pictures, None, None), check_labels(labels, "labels")
    sure = check_array(confidence, ensure_2d=False, input_name="confidence")
    check_consistent_length(pictures, labels, sure)
    if names is not None and not np.isin(labels, range(-1, len(names))).all():
        raise ValueError(
            f"labels must be from -1 to {len(names) - 1} where there are {len(names)} "
            f"names, got {np.unique(labels).tolist()}."
        )
    image = pillow()
    from PIL import ImageDraw
    from PIL.PngImagePlugin import PngInfo

    clusters, sizes = np.unique(labels, return_counts=True)
    step = settings.side + settings.gap
    width = settings.label_width + step * min(settings.n_images, int(sizes.max()))
    sheet = image.new("RGB", (width, step * len(clusters) + settings.gap), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (cluster, size) in enumerate(zip(clusters, sizes, strict=True)):
        top = settings.gap + row * step
        middle = (settings.gap, top + settings.side // 2 - 6)
        draw.text(middle, f"{cluster} ({size:,})", fill="black")
        name = names[cluster] if names is not None and cluster >= 0 else None
        if name:
            name = _cut(name, settings.label_width - 2 * settings.gap, draw)
            draw.text((middle[0], middle[1] + _LINE), name, fill="black")
        members = np.flatnonzero(labels == cluster)
        members = members[np.argsort(-sure[members], kind="stable")]
        chosen = pictures[members[: settings.n_images]]
        for column, tile in enumerate(_tiles(chosen, settings.side)):
            left = settings.label_width + column * step
            sheet.paste(image.fromarray(tile), (left, top))
    about = PngInfo()
    about.add_text(_SOFTWARE, software)
    file = io.BytesIO()
    sheet.save(file, "PNG", pnginfo=about, optimize=True)
    return file.getvalue()


def _cut(name: str, width: int, draw: Any) -> str:
    """Cut a name to a width in pixels, in one line."""
    from PIL.ImageFont import FreeTypeFont

    text = " ".join(name.split())
    if not isinstance(draw.getfont(), FreeTypeFont):  # Pillow's own knows no others
        text = text.encode("latin-1", "replace").decode("latin-1")
    if draw.textlength(text) <= width:
        return text
    while text and draw.textlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."


def _tiles(pictures: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Make squares of the side; small pictures are enlarged by a whole number."""
    times = max(1, side // max(pictures.shape[1:3]))
    enlarged = pictures.repeat(times, axis=1).repeat(times, axis=2)
    if max(enlarged.shape[1:3]) <= side:
        height, width = enlarged.shape[1:3]
        found = np.full((len(pictures), side, side, *pictures.shape[3:]), 255, np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        found[:, top : top + height, left : left + width] = enlarged
        return found
    return thumbnails(pictures, side)
