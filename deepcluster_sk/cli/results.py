"""The folder that a clustering is written to, and read from again."""

import math
import sys
from collections.abc import Sequence
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from deepcluster_sk.cli.features import Features
from deepcluster_sk.cli.output import (
    Files,
    cell,
    check_output,
    clusters_table,
    rescue_together,
    write_together,
    written_here,
)
from deepcluster_sk.cli.reading import Reading
from deepcluster_sk.cli.telling import telling
from deepcluster_sk.runtime.files import write_whole

if TYPE_CHECKING:
    from deepcluster_sk.base.calibration import Assessment
    from deepcluster_sk.datasets import Pictures

#: Files of a folder of results: three that belong together, and what shows them.
TABLE, MODEL, READING = "clusters.csv", "model.safetensors", "reading.json"
SHEET, REPORT = "clusters.png", "report.html"
FILES = (TABLE, MODEL, READING, SHEET, REPORT)
#: Tables that later commands write beside them, if they are told no other place.
ASSIGNED, EMBEDDED = "assigned.csv", "features.csv"


class Results(NamedTuple):
    """A fitted model, and how its pictures were read.

    Attributes
    ----------
    model : BaseDeepClusterer
    reading : Reading
    temperature : float or None
        Of calibrated probabilities, by the pictures fitted on; None where they were
        too few to tell, or nobody asked.
    features : Features or None
        What pictures were clustered by, where it was not their pixels.
    """

    model: Any
    reading: Reading
    temperature: float | None = None
    features: Features | None = None

    def read(self, folder: Path, device: str, *, quiet: bool) -> tuple["Pictures", Any]:
        """Read a folder or zip file as the pictures of the fit were read.

        Returns
        -------
        pictures : Pictures
        X : ndarray
            What the model takes for them: their pixels, or features of them.

        Raises
        ------
        ValueError
            If the network that makes the features is another one than it was; see also
            :meth:`Reading.read`.
        """
        pictures = self.reading.read(folder, quiet=quiet)
        if self.features is None:
            return pictures, pictures.X
        embedder = self.features.loaded(device, quiet=quiet)
        return pictures, self.features.of_pictures(pictures.X, embedder)[0]


def check_results(folder: Path, *, force: bool) -> None:
    """Find out before the work whether a folder of results can be written.

    Raises
    ------
    OSError
        If it cannot, or there are files that may not be replaced.
    """
    for name in FILES:
        check_output(folder / name, force=force, make_folder=True)


def write_results(
    folder: Path,
    results: Results,
    pictures: "Pictures",
    samples: Any,
    pictures_folder: Path,
    *,
    references: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Write all that a fit has found, and say what is where.

    What was hardest to come by is written first; what would show an earlier model is
    gone by then.

    `samples` are what the model was fitted on, pixels or features; `references` is
    whether its file may hold what outliers are told by.

    Raises
    ------
    OSError
        If a file could not be written. If table and model are somewhere else then, the
        message says where.
    """
    with telling("writing", quiet=quiet):
        model = results.model
        found = model.assess(samples)
        table = table_of(model, pictures, pictures_folder, found)
        folder.mkdir(parents=True, exist_ok=True)
        besides: dict[str, Any] = {"temperature": found.temperature}
        if results.features is not None:
            besides["features"] = results.features.to_json()
        reading = results.reading.to_json(**besides)
        files = {
            TABLE: partial(write_whole, content=table, replace=False),
            MODEL: partial(model.save, references=references),
            READING: partial(write_whole, content=reading, replace=False),
        }
        _write_or_rescue(folder, files, table, force=force)
        shown = shown_of(pictures, pictures_folder, results.reading)
        sheet = draw_clusters(
            shown, model.labels_, found.confidence, model.cluster_names_
        )
        write_whole(folder / SHEET, sheet, replace=force)
        report = report_of(model, pictures, samples, pictures_folder, found, shown)
        write_whole(folder / REPORT, report, replace=force)
    _say_where(folder)


def _write_or_rescue(folder: Path, files: Files, table: bytes, *, force: bool) -> None:
    """Write table and model; if that fails, put them where they can be written.

    In the end, the table to standard output: hours of training are in it.

    Raises
    ------
    OSError
        If they are elsewhere than they should be; the message says where.
    """
    try:
        write_together(folder, files, (SHEET, REPORT), force=force)
    except OSError as error:
        other = rescue_together(files)
        if other is None:
            sys.stdout.write(table.decode())
            place = "the table is on standard output, the model is lost"
        else:
            place = f"{', '.join(files)} are in {str(other)!r}"
        raise OSError(
            f"Nothing could be written to the folder {str(folder)!r} "
            f"({error.strerror or error}): {place}."
        ) from error


def _say_where(folder: Path) -> None:
    """Say what is where, and what is there that is of an earlier model."""
    for name, what in (
        (REPORT, "Report, for any browser"),
        (TABLE, "Table of the clusters"),
        (SHEET, "Picture of the clusters"),
        (MODEL, "Fitted model"),
    ):
        print(f"{what + ':':<25}{folder / name}")
    for name, command in ((ASSIGNED, "assign"), (EMBEDDED, "embed")):
        table = folder / name
        if table.is_file() and written_here(table):
            print(
                f"{str(table)!r} was written before: 'deepcluster {command} --force' "
                "writes it anew.",
                file=sys.stderr,
            )


def read_results(folder: Path, device: str, *, quiet: bool = True) -> Results:
    """Read the model of a folder of results.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    FileNotFoundError
        If it is no folder of results.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {str(folder)!r}.")
    for name in (MODEL, READING):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"The folder {str(folder)!r} holds no {name!r}: name one that "
                "'deepcluster cluster' has written."
            )
    described = _described_in(folder / READING)
    with telling("loading", quiet=quiet):  # torch takes its time
        from deepcluster_sk import load

        return Results(load(folder / MODEL, device=device), *described)


def _described_in(path: Path) -> tuple[Reading, float | None, Features | None]:
    """Read all that is kept of a fit beside its model."""
    reading, told = Reading.from_json(path)
    temperature, features = told.get("temperature"), told.get("features")
    is_one = isinstance(temperature, float) and 0 < temperature < math.inf
    if temperature is not None and not is_one:  # results of before have none
        raise ValueError(
            f"{str(path)!r} is damaged: its temperature is {temperature!r}."
        )
    if features is not None:
        features = Features.from_json(features, path)
    return reading, temperature, features


def names_of(pictures: "Pictures", folder: Path) -> list[str]:
    """Names of pictures as tables write them."""
    return [cell(path.relative_to(folder)) for path in pictures.paths]


def table_of(
    model: Any,
    pictures: "Pictures",
    folder: Path,
    found: "Assessment",
    labels: Any = None,
) -> bytes:
    """Make the table of pictures: where each is, and how far that can be trusted.

    `labels` are the clusters where some pictures are in none, -1; None asks the model.
    """
    q, calibrated = found.probabilities, found.calibrated
    rows = zip(
        names_of(pictures, folder),
        q.argmax(axis=1) if labels is None else labels,
        q.max(axis=1),
        repeat(None, len(q)) if calibrated is None else calibrated.max(axis=1),
        found.confidence,
        strict=True,
    )
    return clusters_table(rows, model.cluster_names_)


def shown_of(pictures: "Pictures", folder: Path, reading: Reading) -> Any:
    """Make what is shown of pictures: their files again, where these are larger."""
    from deepcluster_sk.report.originals import original_pictures
    from deepcluster_sk.report.thumbnails import pictures_of

    small = pictures_of(pictures.X, None, -1 if pictures.X.ndim == 4 else None)
    return original_pictures(small, folder, pictures.paths, reading.background)


def report_of(
    model: Any,
    pictures: "Pictures",
    samples: Any,
    folder: Path,
    found: "Assessment",
    shown: Any,
) -> bytes:
    """Make the report of pictures."""
    from deepcluster_sk.report.page import report_page

    names = [path.relative_to(folder) for path in pictures.paths]
    title = f"Clusters of {folder.absolute().name}"
    return report_page(model, samples, names, shown, title, found)


def draw_clusters(
    images: Any,
    labels: Any,
    confidence: Any,
    names: Sequence[str | None] | None = None,
) -> bytes:
    """Draw the surest pictures of each cluster, as a PNG file."""
    from deepcluster_sk import __version__
    from deepcluster_sk.data.pictures import MADE_HERE
    from deepcluster_sk.report.sheet import contact_sheet
    from deepcluster_sk.report.thumbnails import pictures_of

    shown = pictures_of(images, None, -1 if images.ndim == 4 else None)
    # By its name it is not taken for one of the pictures the next time.
    software = f"{MADE_HERE} {__version__}"
    return contact_sheet(shown, labels, confidence, names=names, software=software)
