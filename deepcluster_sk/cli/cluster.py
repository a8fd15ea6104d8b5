"""``deepcluster cluster FOLDER``: a table and a picture of what is in a folder."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deepcluster_sk.cli.arguments import (
    Commands,
    colour,
    path,
    shared_arguments,
    table_path,
    whole_number,
)
from deepcluster_sk.cli.fitting import (
    check_device,
    draw_clusters,
    end_if_interrupted,
    make_clusterer,
)
from deepcluster_sk.cli.output import (
    cell,
    check_output,
    clusters_table,
    write_file,
    write_or_rescue,
)

if TYPE_CHECKING:
    from deepcluster_sk.datasets import LeftOut

#: Files named of those that were left out for one reason.
_N_NAMED = 10


def add_parser(commands: Commands) -> None:
    """Add this command to the program's."""
    parser = commands.add_parser(
        "cluster",
        parents=[shared_arguments()],
        help="cluster a folder of pictures",
        description="Cluster the pictures in a folder and its subfolders. Writes a "
        "CSV table (path, cluster, probability) and, beside it, a PNG picture of "
        "the clusters.",
    )
    parser.add_argument("folder", type=path, metavar="FOLDER")
    parser.add_argument(
        "-k",
        "--n-clusters",
        type=whole_number(2),
        required=True,
        metavar="K",
        help="how many clusters",
    )
    parser.add_argument(
        "--output",
        type=table_path,
        default=Path("clusters.csv"),
        metavar="CSV",
        help="table to write (default: %(default)s)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace the table and the picture of an earlier run; other files are "
        "never replaced",
    )
    parser.add_argument(
        "--size",
        type=whole_number(8, 4096),
        default=32,
        metavar="PIXELS",
        help="side of the squares that pictures are cut and scaled to, unless most "
        "are smaller (default: %(default)s)",
    )
    parser.add_argument(
        "--background",
        type=colour,
        default=(255, 255, 255),
        metavar="COLOUR",
        help="what is seen through transparent pictures: a name or #rrggbb "
        "(default: white)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    table, folder = arguments.output, arguments.folder
    picture = table.with_suffix(".png")
    # Found before hours of training, not after.
    for output in (table, picture):
        check_output(output, force=arguments.force)
    check_device(arguments.device)

    from deepcluster_sk.datasets import load_pictures

    images, paths, unreadable, skipped = load_pictures(
        folder, size=arguments.size, background=arguments.background
    )
    _report("Not readable", unreadable, folder)
    _report("Skipped", skipped, folder)
    if len(images) < arguments.n_clusters:
        raise ValueError(
            f"{len(images)} pictures cannot make {arguments.n_clusters} clusters."
        )
    side = images.shape[1]
    print(
        f"Clustering {len(images):,} pictures ({side}x{side} pixels) into "
        f"{arguments.n_clusters} clusters.",
        flush=True,
    )
    model = make_clusterer(arguments.n_clusters, arguments).fit(images)
    probabilities = model.predict_proba(images)
    rows = zip(
        (path.relative_to(folder) for path in paths),
        model.labels_,
        probabilities.max(axis=1),
        strict=True,
    )
    write_or_rescue(table, clusters_table(rows), force=arguments.force)
    print(f"Table of the clusters: {table}")
    drawn = draw_clusters(images, model.labels_, probabilities)
    if drawn is not None:
        write_file(picture, drawn, force=arguments.force)
        print(f"Picture of the clusters: {picture}")
    end_if_interrupted(model)


def _report(what: str, files: Sequence["LeftOut"], folder: Path) -> None:
    """Say on standard error what was left out: a line a reason."""
    names = defaultdict(list)
    for found in files:
        names[found.reason].append(cell(found.path.relative_to(folder)))
    for reason, group in names.items():
        shown = ", ".join(group[:_N_NAMED])
        more = len(group) - _N_NAMED
        rest = f" and {more:,} more" if more > 0 else ""
        print(f"{what} ({len(group):,}), {reason}: {shown}{rest}", file=sys.stderr)
