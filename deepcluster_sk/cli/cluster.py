"""``deepcluster cluster FOLDER``: all that there is to be known of a folder."""

import argparse
from pathlib import Path

from deepcluster_sk.cli.arguments import (
    Commands,
    colour,
    count,
    fit_arguments,
    path,
    whole_number,
)
from deepcluster_sk.cli.features import Features, parse_settings, side_of
from deepcluster_sk.cli.fitting import (
    METHODS,
    check_device,
    check_kind,
    end_if_interrupted,
    make_clusterer,
)
from deepcluster_sk.cli.reading import check_pictures, first_reading
from deepcluster_sk.cli.results import Results, check_results, write_results

#: Pixels of a side, unless another is asked for: of pictures that are clustered by
#: their pixels, and of those for a network that takes any.
SIDE, FEATURES_SIDE = 32, 224


def add_parser(commands: Commands) -> None:
    """Add this command to the program's."""
    parser = commands.add_parser(
        "cluster",
        parents=[fit_arguments()],
        help="cluster a folder of pictures",
        description="Cluster the pictures in a folder and its subfolders, or in a zip "
        "file. Writes a folder: report.html to look at, clusters.csv (path, cluster, "
        "probability, confidence), clusters.png (the surest pictures of each cluster), "
        "and the fitted model, by which 'assign' labels other pictures.",
    )
    parser.add_argument(
        "folder", type=path, metavar="FOLDER", help="folder or zip file of pictures"
    )
    parser.add_argument(
        "-k",
        "--n-clusters",
        type=count,
        required=True,
        metavar="K",
        help="how many clusters; auto counts them, and says where it guesses",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=path,
        default=Path("results"),
        metavar="DIR",
        help="folder to write (default: %(default)s)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace the results of an earlier run; other files are never replaced",
    )
    parser.add_argument(
        "--method",
        choices=list(METHODS),
        default="triplet",
        help="how to cluster (default: %(default)s)",
    )
    parser.add_argument(
        "--kind",
        choices=("auto", "drawing", "photograph"),
        default="auto",
        help="what the pictures are; auto finds out (default: %(default)s)",
    )
    parser.add_argument(
        "--size",
        type=whole_number(8, 4096),
        metavar="PIXELS",
        help="side of the squares that pictures are cut and scaled to, unless most "
        f"are smaller (default: {SIDE}; with --features, what the network takes)",
    )
    parser.add_argument(
        "--background",
        type=colour,
        default=(255, 255, 255),
        metavar="COLOUR",
        help="what is seen through transparent pictures: a name, #rrggbb or a grey "
        "level from 0 to 255 (default: white)",
    )
    parser.add_argument(
        "--cache",
        type=path,
        metavar="DIR",
        help="folder that keeps what was read and computed, for the next run",
    )
    parser.add_argument(
        "--references",
        action="store_true",
        help="keep in the model what 'assign --outliers' compares with: up to 2,000 of "
        "the pictures, reduced; a face could be known again by them (default: no "
        "picture is kept)",
    )
    parser.add_argument(
        "--features",
        metavar="NETWORK",
        help="cluster by what a pretrained network makes of pictures: timm:NAME, "
        "open_clip:ARCHITECTURE/TAG, or a file that ends in .onnx, .pt2 or .pt",
    )
    parser.add_argument(
        "--features-set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="parameter of ImageEmbedder, such as output=pool, mean=104,117,123 or "
        "download=true, without which no weights are fetched; may be repeated",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    out, folder = arguments.out, arguments.folder
    # Found before hours of training, not after.
    check_kind(arguments.kind, arguments.method)
    features = _features(arguments)
    check_pictures(folder)
    check_results(out, force=arguments.force)
    check_device(arguments.device, quiet=arguments.quiet)

    cache = None if arguments.cache is None else str(arguments.cache)
    side, embedder = arguments.size or SIDE, None
    if features is not None:
        embedder = features.loaded(arguments.device, cache, quiet=arguments.quiet)
        side = arguments.size or side_of(embedder, FEATURES_SIDE)
    pictures, reading = first_reading(
        folder, side, arguments.background, cache, quiet=arguments.quiet
    )
    n, wanted = len(pictures.X), arguments.n_clusters
    if wanted != "auto" and n < wanted:
        raise ValueError(f"{n} pictures cannot make {wanted} clusters.")
    into = "the clusters that there are" if wanted == "auto" else f"{wanted} clusters"
    print(
        f"Clustering {n:,} pictures ({reading.side}x{reading.side} pixels) into "
        f"{into}.",
        flush=True,
    )
    X = pictures.X
    if features is not None and embedder is not None:
        X, features = features.of_pictures(X, embedder)
        print(f"By {X.shape[1]:,} features of {arguments.features}.", flush=True)
    model = make_clusterer(wanted, arguments, arguments.method, arguments.kind, cache)
    model.fit(X)
    if wanted == "auto":
        print(f"Clusters counted: {model.n_clusters_}")
    write_results(
        out,
        Results(model, reading, features=features),
        pictures,
        X,
        folder,
        references=arguments.references,
        force=arguments.force,
        quiet=arguments.quiet,
    )
    end_if_interrupted(model)


def _features(arguments: argparse.Namespace) -> Features | None:
    """Find what pictures are to be clustered by; None is their pixels.

    Raises
    ------
    ValueError
        If what is said of it makes no sense.
    """
    settings = parse_settings(arguments.features_set)
    if arguments.features is None:
        if settings:
            raise ValueError("--features-set goes with --features, the network.")
        return None
    if arguments.kind != "auto":
        raise ValueError(
            f"--kind {arguments.kind} is of pixels: it does not go with --features."
        )
    return Features.told(arguments.features, settings)
